//! The options of every check, as is usual for plugins.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser};

use crate::limits::LimitTexts;
use crate::status::Status;

/// Options of every check.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Thresholds that count instead of those of the configuration.
    #[command(flatten)]
    pub limits: LimitTexts,
    /// Give up after so many seconds, or 1m
    #[arg(short, long, value_name = "TIME", default_value = "8", value_parser = time_limit)]
    pub timeout: Duration,
    /// Show details; up to three times for more
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
    /// The configuration to read
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The state database: a path, or postgresql://...
    #[arg(long, value_name = "DATABASE")]
    pub state: Option<String>,
    /// Answer if there are no data
    #[arg(long, value_name = "STATE", default_value = "unknown")]
    pub no_data: Status,
    /// Answer if the time is over
    #[arg(long, value_name = "STATE", default_value = "unknown")]
    pub timeout_state: Status,
    /// The time to judge at, in milliseconds since 1970, for tests of what happens in weeks.
    #[arg(long, value_name = "TIME", hide = true)]
    pub now: Option<i64>,
}

/// For checks without options of their own.
#[derive(Clone, Debug, Args)]
pub struct NoOptions {}

#[derive(Parser)]
pub(crate) struct All<O: Args> {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub own: O,
}

/// Texts for `--help` and `--version` of a check.
#[derive(Clone, Copy)]
pub(crate) struct About {
    pub program: &'static str,
    pub version: &'static str,
    pub about: &'static str,
    pub examples: &'static str,
}

/// Reason to stop after reading the options.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Help or version was asked for: this is the text.
    Told(String),
    /// The options are unusable, in one sentence.
    Refused(String),
}

/// Reads the arguments, without the program's name.
pub(crate) fn parse<O: Args>(
    about: About,
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<All<O>, Stop> {
    let examples = format!("Examples:\n{}", about.examples.trim_matches('\n'));
    let command = All::<O>::command()
        .name(about.program)
        .bin_name(about.program)
        .no_binary_name(true)
        .version(about.version)
        .about(about.about)
        .after_help(examples);
    command
        .try_get_matches_from(arguments)
        .and_then(|mut matches| All::from_arg_matches_mut(&mut matches))
        .map_err(|error| {
            let text = error.render().to_string();
            if error.use_stderr() { Stop::Refused(sentence(&text)) } else { Stop::Told(text) }
        })
}

/// The first line of an error of clap; the rest is the usage, which does not fit into one line.
fn sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    format!("{}; see --help", line.strip_prefix("error: ").unwrap_or(line).trim_end_matches('.'))
}

/// A number alone means seconds, as with every plugin.
fn time_limit(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<u32>() {
        Ok(seconds) => Duration::from_secs(seconds.into()),
        Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string())?,
    };
    let allowed = Duration::from_millis(10)..=Duration::from_secs(3600);
    if allowed.contains(&duration) { Ok(duration) } else { Err("must be 10ms to 1h".into()) }
}
