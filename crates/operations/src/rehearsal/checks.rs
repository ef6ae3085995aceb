//! The checks of a rehearsal: the installed programs themselves, asked about the copy by the simulated clock, so that what is
//! shown is what monitoring would have got.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bounded::Deadline;
use bounded::program::{self, Group};

use crate::installation::Installation;

/// The first part of the checks' names.
const PREFIX: &str = "check_import_";
/// Folders in which checks are installed, if they are not beside the program.
const PLACES: [&str; 2] = ["/usr/lib/nagios/plugins", "/usr/local/lib/nagios/plugins"];
/// The most of an answer that is read.
const MOST: usize = 1 << 16;
/// The time that a check has.
const LIMIT: Duration = Duration::from_secs(30);

/// The checks of this machine.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    programs: Vec<PathBuf>,
    config: Option<PathBuf>,
    root: PathBuf,
}

/// The answer of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Name of the program.
    pub(super) check: String,
    /// Its exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    pub(super) code: i32,
    /// Its first line, without figures.
    pub(super) line: String,
}

impl Checks {
    /// None at all: a rehearsal without checks.
    pub fn none() -> Checks {
        Checks::default()
    }

    /// Those of a folder; else those beside this program, else those where packages install them. They judge by the installation's
    /// `[checks]`.
    pub fn of(installation: &Installation, folder: Option<&Path>) -> Checks {
        let places: Vec<PathBuf> = match folder {
            Some(folder) => vec![folder.to_owned()],
            None => {
                let beside = std::env::current_exe().ok().and_then(|it| it.parent().map(Path::to_owned));
                beside.into_iter().chain(PLACES.map(PathBuf::from)).collect()
            }
        };
        let programs = places.iter().map(|place| within(place)).find(|found| !found.is_empty());
        Checks {
            programs: programs.unwrap_or_default(),
            config: installation.config_file(),
            root: installation.root.clone(),
        }
    }

    /// The names of the checks.
    pub fn names(&self) -> Vec<String> {
        self.programs.iter().map(|path| name(path)).collect()
    }

    /// Asks all of them about a state at a time, in milliseconds since 1970.
    pub(super) fn ask(&self, state: &Path, now: i64) -> Vec<Answer> {
        self.programs.iter().map(|program| self.ask_one(program, state, now)).collect()
    }

    fn ask_one(&self, program: &Path, state: &Path, now: i64) -> Answer {
        let mut command = Command::new(program);
        command.arg("--state").arg(state).arg(format!("--now={now}"));
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.env("PACKAGE_IMPORT_ROOT", &self.root).stdin(Stdio::null());
        let ran = program::output(&mut command, Group::Own, None, MOST, Deadline::after(LIMIT), |_| ());
        let (code, line) = match ran {
            Ok(ran) => {
                let said = String::from_utf8_lossy(&ran.stdout).into_owned();
                let line = said.lines().next().unwrap_or_default();
                let text = line.split_once('|').map_or(line, |(text, _)| text);
                (ran.status.code().unwrap_or(3), text.trim_end().to_owned())
            }
            Err(error) => (3, format!("{} cannot be asked: {error}", name(program))),
        };
        Answer { check: name(program), code, line }
    }
}

fn name(path: &Path) -> String {
    path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned()
}

/// The checks in a folder, by name.
fn within(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_check = |path: &PathBuf| {
        // Beside them a build leaves files of the same names with endings.
        name(path).starts_with(PREFIX) && path.extension().is_none() && path.is_file()
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_check).collect();
    found.sort();
    found
}
