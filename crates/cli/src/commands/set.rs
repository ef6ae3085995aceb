use std::io::Write;

use anyhow::Error;
use operations::actions::settings::{Set, Setting};
use operations::{Action, Reason, questions};
use state::settings;

use super::{Installation, caller};
use crate::exit;
use crate::screen::{self, print, table};

/// Change a setting while it runs, or list all
///
/// A run follows within a second or two.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import set jobs=4\n  package-import set jobs@big.example.org=16\n  package-import set jobs="
)]
pub struct Arguments {
    /// NAME=VALUE for all hosts, NAME@HOST=VALUE for one; without a value it is as it was
    #[arg(value_name = "NAME[@HOST]=[VALUE]")]
    setting: Option<String>,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let Some(setting) = &arguments.setting else { return list(installation) };
    let action = Set { setting: Setting::new(setting)? };
    let before = action.perform(&installation.open_or_make()?, &caller(), arguments.reason.as_ref())?;
    let show = |value: Option<&str>| value.unwrap_or("not set").to_owned();
    let (name, value) = (action.setting.name(), action.setting.value());
    writeln!(screen::stdout(), "{name}: {} (was {})", show(value), show(before.as_deref()))?;
    Ok(exit::DONE)
}

fn list(installation: &Installation) -> Result<u8, Error> {
    let set = questions::settings(&installation.open()?)?;
    let mut rows = table(&["SETTING", "VALUE", "WHAT IT DOES"]);
    for known in settings::KNOWN {
        let value = set.iter().find(|(name, _)| name == known.name).map_or("", |(_, value)| value);
        rows.add_row([known.name, value, known.help]);
        for (name, value) in set.iter().filter(|(name, _)| name.starts_with(&format!("{}@", known.name))) {
            rows.add_row([name.as_str(), value, "for that host"]);
        }
    }
    print(&rows)?;
    Ok(exit::DONE)
}
