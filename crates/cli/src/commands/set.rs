use std::io::Write;

use anyhow::Error;
use state::{events, settings};

use super::{Installation, actor};
use crate::exit::{self, Usage};
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
    reason: Option<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let Some(setting) = &arguments.setting else { return list(installation) };
    let Some((name, value)) = setting.split_once('=') else {
        return Err(Usage(format!("{setting:?} is not NAME=VALUE")).into());
    };
    let value = Some(value).filter(|value| !value.is_empty());
    settings::check(name, value.unwrap_or("1048576")).map_err(|error| Usage(error.to_string()))?;
    let store = installation.state_or_make()?;
    let actor = actor();
    let before = store.write(|tx| {
        let before = settings::set(tx, name, value)?;
        events::record(tx, &actor, "set", name, arguments.reason.as_deref(), before.as_deref(), value)?;
        Ok(before)
    })?;
    let show = |value: Option<&str>| value.unwrap_or("not set").to_owned();
    writeln!(screen::stdout(), "{name}: {} (was {})", show(value), show(before.as_deref()))?;
    Ok(exit::DONE)
}

fn list(installation: &Installation) -> Result<u8, Error> {
    let set = installation.state()?.read(settings::list)?;
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
