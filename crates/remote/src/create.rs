//! Commands of the operator's that make a repository on a server, or have it show another branch first.

use std::process::Command;
use std::time::Duration;

use bounded::Deadline;
use bounded::program::{self, Group};

use crate::address::Address;
use crate::problem::{Problem, said};
use crate::secret::quoted;

/// Time limit of a command.
const LIMIT: Duration = Duration::from_secs(120);
/// Largest number of bytes of its output that are kept.
const SAID: usize = 64 << 10;

/// Environment of a command.
pub struct Told<'a> {
    /// Name of the package.
    pub package: &'a str,
    /// Address of its repository.
    pub address: &'a Address,
    /// Branch that a clone checks out, as `DISTRO/SUITE`.
    pub branch: &'a str,
}

/// Checks a command: only known placeholders are allowed.
pub fn check(command: &str) -> Result<(), String> {
    let mut rest = command;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        let is_word = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase());
        if is_word && !matches!(name, "package" | "path" | "branch" | "url") {
            return Err(format!(
                "{{{name}}} means nothing here: {{package}}, {{path}}, {{url}} and {{branch}} do"
            ));
        }
        rest = after;
    }
    Ok(())
}

/// Runs a command by the shell. Each word that stands for something is one word for the shell, whatever is in it.
///
/// # Errors
/// [`Problem::Refused`] with the message of the command when it fails, [`Problem::Local`] when it cannot be run or
/// takes too long.
pub fn run(command: &str, told: &Told<'_>) -> Result<(), Problem> {
    let text = command
        .replace("{package}", &quoted(told.package))
        .replace("{path}", &quoted(told.address.path()))
        .replace("{url}", &quoted(told.address.url()))
        .replace("{branch}", &quoted(told.branch));
    let mut shell = Command::new("sh");
    shell.args(["-c", &text]).env_clear().env("LC_ALL", "C");
    for name in ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "CREDENTIALS_DIRECTORY"] {
        if let Some(value) = std::env::var_os(name) {
            shell.env(name, value);
        }
    }
    let ran = program::output(&mut shell, Group::Own, Some(Vec::new()), SAID, Deadline::after(LIMIT), |_| {});
    let ran = ran.map_err(|error| Problem::Local(format!("cannot run `create`: {error}")))?;
    if ran.status.success() {
        return Ok(());
    }
    let text = [ran.stderr, b"\n".to_vec(), ran.stdout].concat();
    let words = said(&String::from_utf8_lossy(&text));
    Err(Problem::Refused(format!("the command that makes repositories failed ({}): {words}", ran.status)))
}
