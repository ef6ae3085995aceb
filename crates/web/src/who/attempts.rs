//! Sign-in attempts, limited: by name, by address, and in total.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Number of failed attempts without a pause.
const FREE: u32 = 5;
/// The wait after too many attempts, after which they are forgotten.
const PAUSE: Duration = Duration::from_secs(60);
/// Largest number of names and addresses that are remembered.
const REMEMBERED: usize = 1000;

/// Failed attempts, by account and by address.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<String, (u32, Instant)>>);

impl Attempts {
    /// True when one more attempt may be made for all of these.
    pub fn may(&self, who: &[String]) -> bool {
        let made = self.made();
        who.iter()
            .all(|who| made.get(who).is_none_or(|(count, last)| *count < FREE || last.elapsed() >= PAUSE))
    }

    /// A wrong one was made.
    pub fn failed(&self, who: &[String]) {
        let mut made = self.made();
        made.retain(|_, (_, last)| last.elapsed() < PAUSE);
        for who in who {
            // Somebody who fills it with names pushes out those that are least suspect.
            if made.len() >= REMEMBERED && !made.contains_key(who) {
                let least = made.iter().min_by_key(|(_, (count, last))| (*count, *last));
                if let Some(least) = least.map(|(who, _)| who.clone()) {
                    made.remove(&least);
                }
            }
            let (count, last) = made.entry(who.clone()).or_insert((0, Instant::now()));
            (*count, *last) = (*count + 1, Instant::now());
        }
    }

    /// A right one was made.
    pub fn succeeded(&self, who: &[String]) {
        let mut made = self.made();
        for who in who {
            made.remove(who);
        }
    }

    fn made(&self) -> std::sync::MutexGuard<'_, HashMap<String, (u32, Instant)>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_five_wrong_ones_there_is_a_pause() {
        let attempts = Attempts::default();
        let (olga, there) = (["olga".to_owned()], ["10.0.0.1".to_owned(), "ivan".to_owned()]);
        for _ in 0..FREE {
            assert!(attempts.may(&olga));
            attempts.failed(&olga);
        }
        assert!(!attempts.may(&olga));
        assert!(attempts.may(&there));
        attempts.succeeded(&olga);
        assert!(attempts.may(&olga));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..3000 {
            attempts.failed(&[number.to_string()]);
        }
        assert!(attempts.made().len() <= REMEMBERED);
        let olga = ["olga".to_owned()];
        for number in 0..FREE {
            assert!(attempts.may(&olga), "{number}");
            attempts.failed(&olga);
        }
        (0..3000).for_each(|number| attempts.failed(&[format!("again {number}")]));
        assert!(!attempts.may(&olga), "many others make nobody forget her");
    }
}
