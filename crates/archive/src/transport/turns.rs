//! Pace of requests to a server: a least time between requests, longer after refusals, shared by all processes of this
//! machine that use one cache.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bounded::Deadline;
use bounded::lock::{Mode, lock};
use bounded::waiting::tell_pause;
use rustix::fs::OFlags;

use crate::clock::Clock;

/// The pause after the first refusal, in milliseconds. Each further one doubles it.
const FIRST: i64 = 100;
/// Longest pause between two requests that refusals lead to, in milliseconds. A server that wants a longer one sends
/// `Retry-After`; one that refuses every fourth file for reasons of its own must not slow the others down for hours.
const LONGEST: i64 = 2_000;
/// Number of answers in a row after which the pause becomes a quarter shorter.
const GOOD: i64 = 1;
/// A pause below this is none, in milliseconds.
const NONE: i64 = 50;
/// Milliseconds from now beyond which a stored turn was written by a wrong clock.
const WRONG_CLOCK: i64 = 24 * 3_600_000;

/// The turns of one archive's servers.
#[derive(Debug)]
pub(crate) struct Turns {
    clock: Arc<dyn Clock>,
    /// Folder of the turns that all processes share; without it they are this process's own.
    folder: Option<PathBuf>,
    /// The least time between two requests.
    least: Duration,
    own: Mutex<HashMap<String, State>>,
    /// True when there may be pauses that become shorter with each answer.
    is_slow: AtomicBool,
    /// Milliseconds since 1970 of the last proper answer of a server.
    answered: AtomicI64,
}

/// Pace of one server, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    /// Milliseconds since 1970 of the next request.
    next: i64,
    /// The pause between two requests.
    interval: i64,
    /// Answers since it was changed.
    good: i64,
}

impl Turns {
    pub(crate) fn new(clock: Arc<dyn Clock>, folder: Option<PathBuf>, least: Duration) -> Turns {
        let own = Mutex::default();
        Turns { clock, folder, least, own, is_slow: AtomicBool::new(false), answered: AtomicI64::new(0) }
    }

    /// Waits for the turn of a request, if it comes within `longest`. Else says when it comes.
    pub(crate) fn wait(&self, host: &str, longest: Duration) -> Result<(), Duration> {
        let least = millis(self.least);
        if least == 0 && !self.is_known(host) {
            return Ok(());
        }
        let now = self.clock.unix_millis();
        let (longest, mut slow) = (millis(longest), false);
        let wait = self.with(host, |state| {
            slow = state.interval > 0;
            if state.next > now + WRONG_CLOCK {
                state.next = now;
            }
            let turn = state.next.max(now);
            if turn - now <= longest {
                state.next = turn + state.interval.max(least);
            }
            turn - now
        });
        self.is_slow.fetch_or(slow, Ordering::Relaxed);
        if wait > longest {
            return Err(duration(wait));
        }
        if wait > 0 {
            tell_pause(duration(wait), || format!("a turn at {host}, which wants fewer requests"));
        }
        // Until a time, and not for a duration: other threads that wait have turns of their own.
        self.clock.sleep_until(now + wait);
        Ok(())
    }

    /// Notes that the server wants fewer requests, or none before a time.
    pub(crate) fn refused(&self, host: &str, after: Option<Duration>) {
        let now = self.clock.unix_millis();
        let after = after.map_or(0, millis).min(WRONG_CLOCK);
        self.with(host, |state| {
            state.interval = (state.interval * 2).clamp(FIRST, LONGEST);
            state.good = 0;
            state.next = state.next.max(now + state.interval.max(after));
            0
        });
        self.is_slow.store(true, Ordering::Relaxed);
    }

    /// Notes that the server has answered properly.
    pub(crate) fn good(&self, host: &str) {
        self.answered.store(self.clock.unix_millis(), Ordering::Relaxed);
        if !self.is_slow.load(Ordering::Relaxed) {
            return;
        }
        let left = self.with(host, |state| {
            state.good += 1;
            if state.good >= GOOD {
                state.good = 0;
                state.interval -= state.interval / 4;
                if state.interval < NONE {
                    state.interval = 0;
                }
            }
            state.interval
        });
        if left == 0 {
            self.is_slow.store(false, Ordering::Relaxed);
            self.forget(host);
        }
    }

    /// True when a server has answered within the last minute: then a refusal concerns the pace, and is no outage.
    pub(crate) fn is_alive(&self) -> bool {
        self.clock.unix_millis() - self.answered.load(Ordering::Relaxed) < 60_000
    }

    fn is_known(&self, host: &str) -> bool {
        match self.place(host) {
            Some(path) => path.exists(),
            None => self.own().contains_key(host),
        }
    }

    fn forget(&self, host: &str) {
        match self.place(host) {
            // A process that still has it open may write into it; its pause is lost, and comes again.
            Some(path) => drop(fs::remove_file(path)),
            None => drop(self.own().remove(host)),
        }
    }

    /// Changes the pace of a server. A file that cannot be used is no reason to stop asking.
    fn with(&self, host: &str, change: impl FnOnce(&mut State) -> i64) -> i64 {
        let Some(path) = self.place(host) else {
            return change(self.own().entry(host.to_owned()).or_default());
        };
        match locked(&path) {
            Ok(mut file) => {
                let mut state = read(&mut file).unwrap_or_default();
                let result = change(&mut state);
                let _ = write(&mut file, state);
                result
            }
            Err(_) => change(self.own().entry(host.to_owned()).or_default()),
        }
    }

    fn own(&self) -> std::sync::MutexGuard<'_, HashMap<String, State>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, host: &str) -> Option<PathBuf> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let name: String = host.chars().map(|c| if fits(c) { c } else { '_' }).take(200).collect();
        Some(self.folder.as_ref()?.join(format!("at-{name}")))
    }
}

/// Opens a file that nobody else can open, and waits for its lock, which is held for microseconds.
fn locked(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
    let deadline = Deadline::after(Duration::from_millis(500));
    lock(&file, path, Mode::Exclusive, deadline).map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))?;
    Ok(file)
}

fn read(file: &mut File) -> Option<State> {
    let mut text = String::new();
    file.take(100).read_to_string(&mut text).ok()?;
    let numbers: Vec<i64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    match numbers[..] {
        [next, interval, good] => {
            Some(State { next, interval: interval.clamp(0, LONGEST), good: good.clamp(0, GOOD) })
        }
        _ => None,
    }
}

fn write(file: &mut File, state: State) -> io::Result<()> {
    let text = format!("{} {} {}\n", state.next, state.interval, state.good);
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug, Default)]
    struct Fake(Mutex<i64>);

    impl Clock for Fake {
        fn now(&self) -> Duration {
            duration(*self.0.lock().unwrap())
        }
        fn unix(&self) -> i64 {
            1_800_000_000 + *self.0.lock().unwrap() / 1000
        }
        fn unix_millis(&self) -> i64 {
            1_800_000_000_000 + *self.0.lock().unwrap()
        }
        fn sleep(&self, time: Duration) {
            *self.0.lock().unwrap() += millis(time);
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn processes_share_their_turns() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Fake::default());
        let turns = |least| Turns::new(clock.clone(), Some(folder.path().to_owned()), least);
        let (one, two) = (turns(Duration::from_secs(1)), turns(Duration::from_secs(1)));
        for _ in 0..3 {
            one.wait("a:80", LONG).unwrap();
            two.wait("a:80", LONG).unwrap();
        }
        assert_eq!(clock.now(), Duration::from_secs(5), "six requests, one a second");
        two.wait("b:80", LONG).unwrap();
        assert_eq!(clock.now(), Duration::from_secs(5), "another server has turns of its own");
    }

    #[test]
    fn refusals_make_it_slower_and_answers_faster() {
        for shared in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let clock = Arc::new(Fake::default());
            let place = shared.then(|| folder.path().to_owned());
            let turns = Turns::new(clock.clone(), place, Duration::ZERO);
            turns.wait("a", LONG).unwrap();
            assert_eq!(clock.now(), Duration::ZERO);
            for _ in 0..4 {
                turns.refused("a", None);
                turns.wait("a", LONG).unwrap();
            }
            assert_eq!(clock.now(), Duration::from_millis(100 + 200 + 400 + 800));
            turns.refused("a", Some(Duration::from_secs(7)));
            let before = clock.now();
            turns.wait("a", LONG).unwrap();
            assert_eq!(clock.now() - before, Duration::from_secs(7), "as the server wants it");
            turns.refused("a", Some(Duration::from_secs(3600)));
            assert!(turns.wait("a", LONG).unwrap_err() > LONG, "longer than anybody waits for it here");
            clock.sleep(Duration::from_secs(3600));
            for _ in 0..1000 {
                turns.wait("a", LONG).unwrap();
                turns.good("a");
            }
            let before = clock.now();
            turns.wait("a", LONG).unwrap();
            assert_eq!(clock.now(), before, "in the end there is no pause any more");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "and no file");
        }
    }
}
