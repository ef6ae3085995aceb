//! Errors that keep this host from recording its work: shown in its log and in the state until they are over.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Time after which the same message is logged again.
const AGAIN: Duration = Duration::from_secs(600);
/// Largest number of characters of a database's message in the state.
const LONGEST: usize = 500;

/// Present errors, by the noun of the work that failed.
#[derive(Default)]
pub struct Troubles(Mutex<Known>);

#[derive(Default)]
struct Known {
    troubles: BTreeMap<String, Trouble>,
    notes: Vec<String>,
}

struct Trouble {
    text: String,
    said: Instant,
}

impl Troubles {
    /// Notes that `what` (a noun: "the end of attempt 7 of hello") cannot be recorded now.
    pub fn note(&self, what: &str, why: &dyn Display) {
        let text = why.to_string();
        let mut known = self.known();
        let is_news = known.troubles.get(what).is_none_or(|it| it.text != text || it.said.elapsed() >= AGAIN);
        if is_news {
            known.notes.push(format!("cannot record {what}, and will try again: {text}"));
            known.troubles.insert(what.to_owned(), Trouble { text, said: Instant::now() });
        }
    }

    /// Logs an error that is not tried again.
    pub fn say(&self, text: String) {
        self.known().notes.push(text);
    }

    /// Notes that a record was written after all.
    pub fn clear(&self, what: &str) {
        let mut known = self.known();
        if known.troubles.remove(what).is_some() {
            known.notes.push(format!("recorded {what}"));
        }
    }

    /// Messages for the log.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.known().notes)
    }

    /// All errors in a sentence, for others.
    pub fn summary(&self) -> Option<String> {
        let known = self.known();
        let (what, first) = known.troubles.first_key_value()?;
        let others = known.troubles.len() - 1;
        let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        let text = format!("cannot record {what}{more}: {}", first.text);
        Some(text.chars().take(LONGEST).collect())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_said_once_and_its_end_is_said() {
        let troubles = Troubles::default();
        assert_eq!(troubles.summary(), None);
        troubles.clear("versions");
        for _ in 0..3 {
            troubles.note("versions", &"permission denied");
        }
        troubles.note("versions", &"no space");
        troubles.note("samples", &"permission denied");
        assert_eq!(troubles.take_notes().len(), 3);
        let summary = troubles.summary().unwrap_or_default();
        assert!(summary.contains("(and 1 more)"), "{summary}");
        troubles.clear("samples");
        troubles.clear("versions");
        assert_eq!(troubles.take_notes(), ["recorded samples", "recorded versions"]);
        assert_eq!(troubles.summary(), None);
    }
}
