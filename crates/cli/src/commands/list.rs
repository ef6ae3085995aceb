use std::io::{self, Write};

use anyhow::Error;
use operations::questions::{self, OfPackage, PackagesWanted};
use state::read::list::Wanted;
use state::words::Condition;

use super::Installation;
use crate::exit;
use crate::screen::{self, count, more, paragraph, print, print_json, table};
use crate::time::at;

/// Packages by name and by what is known of them
///
/// Result: never, current, retrying, failing, wedged. Work: none, queued, running, parked, retrying.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import list\n  package-import list 'lib*' --state failing,wedged\n  package-import list --unapplied"
)]
pub struct Arguments {
    /// Names; * stands for any text, ? for a character [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// In one of these: never, current, retrying, failing, wedged, queued, running, parked, held
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<Condition>,

    /// With a version that is imported without its patches, which do not apply
    #[arg(long)]
    unapplied: bool,

    /// With a version that came after its successor: it has its tag, and no branch leads to it. Reads repositories
    #[arg(long)]
    late: bool,

    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let wanted = PackagesWanted {
        known: Wanted {
            conditions: arguments.state.clone(),
            patterns: arguments.names.clone(),
            unapplied: arguments.unapplied,
        },
        late: arguments.late,
        limit: arguments.limit,
    };
    let answer = questions::packages(&installation.open()?, &wanted)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    screen::page();
    if answer.packages.is_empty() {
        writeln!(screen::stdout(), "no package matches")?;
    }
    show(&answer.packages, arguments.unapplied || arguments.late)?;
    more(answer.packages.len(), answer.all, "package")?;
    if !answer.unreadable.is_empty() {
        let line = format!(
            "{} cannot be read: {}; `package-import verify PACKAGE` says why",
            count(answer.unreadable.len() as i64, "repository").replace("repositorys", "repositories"),
            answer.unreadable.join(" ")
        );
        writeln!(screen::stderr(), "{}", paragraph(0, &line))?;
        return Ok(exit::SOME_FAILED);
    }
    Ok(exit::DONE)
}

fn show(packages: &[OfPackage], with_versions: bool) -> io::Result<()> {
    let last = if with_versions { "VERSIONS" } else { "SIGNATURE" };
    let mut rows = table(&["PACKAGE", "RESULT", "SINCE", "WORK", "HELD", last]);
    for it in packages {
        let known = &it.known;
        let since = known.since.map_or(String::new(), at);
        let held = if known.held { "held" } else { "" };
        let mut versions: Vec<String> =
            known.unapplied.iter().map(|version| format!("{version} (not applied)")).collect();
        versions.extend(it.late.iter().map(|version| format!("{version} (late)")));
        let about =
            if with_versions { versions.join(", ") } else { known.signature.clone().unwrap_or_default() };
        rows.add_row([&known.package, &known.result, &since, &known.work, held, &about]);
    }
    print(&rows)
}
