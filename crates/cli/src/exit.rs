//! Exit codes, which are part of the interface, and how an error is shown.

use std::borrow::Cow;
use std::io;
use std::process::ExitCode;

use anyhow::Error;
use state::StateError;

use crate::{owner, screen};

/// Everything that was asked for is done.
pub const DONE: u8 = 0;
/// Some parts failed; each has its own message.
pub const SOME_FAILED: u8 = 1;
/// The command line or the configuration cannot be used.
pub const USAGE: u8 = 2;
/// There are changes, where that was asked for.
pub const CHANGES: u8 = 3;

/// Another run is active on this host (sysexits.h calls it EX_TEMPFAIL).
pub const BUSY: u8 = 75;

/// The root is a copy whose original may still run, or the state is elsewhere now (sysexits.h calls it EX_CONFIG).
pub const FOREIGN: u8 = 78;

/// The command line asks for something that cannot be.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A file outside of the root cannot be written.
#[derive(Debug)]
pub struct Unwritable(pub std::path::PathBuf);

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot write {}", self.0.display())
    }
}

/// Shows an error and turns the result of a command into its exit code.
pub fn code(result: Result<u8, Error>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        // The reader of our output has gone, as with `| head`: a message would reach nobody.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(SOME_FAILED),
        Err(error) => {
            screen::say!("Error: {error:#}");
            if let Some(hint) = hint(&error) {
                screen::say!("Hint: {hint}");
            }
            ExitCode::from(number(&error))
        }
    }
}

/// The exit code of an error.
pub fn number(error: &Error) -> u8 {
    match of_state(error) {
        Some(StateError::RunActive(_)) => BUSY,
        Some(StateError::Foreign(_)) => FOREIGN,
        _ if is_usage(error) => USAGE,
        _ => SOME_FAILED,
    }
}

/// The error of the state that an error is.
pub fn of_state(error: &Error) -> Option<&StateError> {
    let operation = error.downcast_ref::<operations::Error>();
    error.downcast_ref().or(operation.and_then(operations::Error::of_state))
}

fn is_usage(error: &Error) -> bool {
    let operation = error.downcast_ref::<operations::Error>();
    error.is::<Usage>()
        || error.is::<importer::config::ConfigError>()
        || matches!(error.downcast_ref(), Some(StateError::Location(_)))
        || operation.is_some_and(|error| {
            matches!(error, operations::Error::Usage(_) | operations::Error::Config(_))
                || matches!(error.of_state(), Some(StateError::Location(_)))
        })
}

fn is_broken_pipe(error: &Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn hint(error: &Error) -> Option<Cow<'static, str>> {
    let state = of_state(error).or(error.chain().find_map(|cause| cause.downcast_ref::<StateError>()));
    if state.is_some_and(StateError::is_damage) {
        return Some(
            "stop what runs, copy the root away, move state.db and what stands beside it out of the root, then \
             `package-import restore --state-only BACKUP` (docs/operations.md)"
                .into(),
        );
    }
    if let Some(StateError::Denied { advice, .. }) = state {
        return Some(advice.clone().into());
    }
    if let Some(StateError::Login { .. }) = state {
        return Some("logins, pass files and certificates: docs/postgresql.md".into());
    }
    let text = format!("{error:#}");
    if !text.contains("ermission denied") {
        return None;
    }
    if let Some(user) = owner::changed() {
        return Some(
            format!(
                "{user} owns the root, so root works as {user} here: give {user} the rights to what is named, or name \
                 another place"
            )
            .into(),
        );
    }
    if let Some(Unwritable(path)) = error.downcast_ref() {
        let folder = path.parent().unwrap_or(path).display();
        return Some(
            format!("it is written beside its place: let this user write to the folder {folder}").into(),
        );
    }
    Some("run it as the user who owns the root, or choose another with --root".into())
}
