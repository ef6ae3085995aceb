use std::io::Write;

use anyhow::Error;
use operations::actions::mute::Mute;
use operations::moment::Until;
use operations::{Action, Reason, questions};
use source_package::finding::Finding;

use super::{Installation, caller};
use crate::exit::{self, Usage};
use crate::screen::{self, count, print, print_json, table};
use crate::time::at;

/// Keep a known kind of finding from being counted until a time; without arguments, list what is kept so
///
/// It ends by itself when the time is over, and at once when there are more findings of the kind than now.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import mute hooks-foreign --until 90d --reason 'the mirror hook is ours'\n  package-import mute\n  package-import unmute hooks-foreign"
)]
pub struct Arguments {
    /// The code of the findings
    code: Option<Finding>,

    /// Of this source package only
    package: Option<String>,

    /// When they count again: 3d, 2026-12-01, 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME", requires = "code")]
    until: Option<Until>,

    /// Why; every output says it
    #[arg(long, value_name = "WHY", requires = "code")]
    reason: Option<Reason>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let opened = installation.open()?;
    let Some(code) = arguments.code else {
        let found = questions::mutes(&opened)?;
        if arguments.json {
            print_json(&found)?;
            return Ok(exit::DONE);
        }
        if found.mutes.is_empty() {
            writeln!(screen::stdout(), "nothing is muted")?;
            return Ok(exit::DONE);
        }
        let mut rows = table(&["CODE", "PACKAGE", "FINDINGS", "UNTIL", "BY", "WHY"]).cut(5);
        for it in &found.mutes {
            let package = it.package.as_deref().unwrap_or("all");
            rows.add_row([&it.code, package, &it.number.to_string(), &at(it.until), &it.by, &it.reason]);
        }
        print(&rows)?;
        return Ok(exit::DONE);
    };
    let (Some(until), Some(reason)) = (arguments.until, &arguments.reason) else {
        return Err(Usage("say until when, and why: --until and --reason".into()).into());
    };
    let action = Mute { code, package: arguments.package.clone(), until };
    let number = action.perform(&opened, &caller(), Some(reason))?;
    if arguments.json {
        print_json(
            &serde_json::json!({ "code": code, "package": arguments.package, "findings": number, "until": until.at().0 }),
        )?;
    } else {
        writeln!(screen::stdout(), "{code}: {} not counted until {until}", count(number, "finding"))?;
    }
    Ok(exit::DONE)
}
