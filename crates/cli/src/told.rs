//! Errors that cron mails: an error that every run meets is printed once, when it begins or changes, and again after a
//! day.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Error;

use crate::exit;

/// Name of the file in the root with the last printed error.
const NAME: &str = "run-error";

/// Time after which it is printed again.
const AGAIN: Duration = Duration::from_secs(24 * 3600);

/// Result of a run that nobody watches: for an error that the last run printed, too, only the exit code.
pub fn once(root: &Path, result: Result<u8, Error>) -> Result<u8, Error> {
    let path = root.join(NAME);
    match result {
        Ok(code) => {
            // A file that is missing, or cannot be removed, is handled again by the next error.
            drop(fs::remove_file(path));
            Ok(code)
        }
        Err(error) => {
            let text = without_numbers(&format!("{error:#}"));
            if last(&path).as_deref() == Some(&text) {
                return Ok(exit::number(&error));
            }
            keep(path, &text);
            Err(error)
        }
    }
}

/// Differences that are no news: times, ports and processes.
fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit() && !c.is_control()).collect()
}

fn last(path: &Path) -> Option<String> {
    let mut file = bounded::file::open_regular(path).ok()?;
    if file.metadata().ok()?.modified().ok()?.elapsed().ok()? >= AGAIN {
        return None;
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(text)
}

/// Stores the text of an error. If that fails, every run prints the error.
fn keep(path: PathBuf, text: &str) {
    drop(fs::remove_file(&path));
    if let Ok(mut file) = bounded::file::create(&path) {
        drop(file.write_all(text.as_bytes()));
    }
}
