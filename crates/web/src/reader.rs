//! Reader of the state: one thread that may wait for its database, while pages may not. The last answers are kept, so
//! that pages can show them, and their age, while the database cannot be reached.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use operations::{Class, Error, Opened};
use tokio::sync::oneshot;

/// Time for which a page waits for the database; then it shows the last known values.
pub const PATIENCE: Duration = Duration::from_millis(1500);
/// The same while the thread is still busy with a query whose asker has given up.
const IMPATIENCE: Duration = Duration::from_millis(100);
/// Longest time of an action, and of a question about what is over.
pub const LENGTH: Duration = Duration::from_secs(12);
/// An answer up to this age is given again: fifty open pages cause no more queries than one.
const FRESH: Duration = Duration::from_secs(1);
/// The same of a reader that is asked about what is over, which takes longer.
const LATELY: Duration = Duration::from_secs(15);
/// The same of a time that is over, which does not change any more.
const PAST: Duration = Duration::from_secs(60);
/// Questions that wait for the thread.
const WAITING: usize = 64;
/// Answers that are kept.
const KEPT: usize = 64;
/// The pause after the database could not be opened.
const PAUSE: Duration = Duration::from_millis(500);

/// Function that opens an installation for this thread.
pub type Open = Box<dyn Fn() -> Result<Opened, Error> + Send>;

type Question = Box<dyn FnOnce(&mut Hand) + Send>;

/// Part of the reader that runs in the thread.
struct Hand {
    open: Open,
    at: Option<Opened>,
    seen: Option<Seen>,
    failed: Option<(Instant, String)>,
}

/// The file that was opened, if it is one: after a restore it is another.
#[derive(PartialEq, Eq)]
struct Seen(u64, u64);

/// An answer, and its time.
pub struct Answer<T> {
    /// The answer.
    pub value: Arc<T>,
    /// Unix milliseconds of the reading, by this machine's clock.
    pub read: i64,
    /// Reason why it is not newer, if the database cannot be reached.
    pub away: Option<String>,
}

/// Reason why there is no answer, not even an old one.
#[derive(Debug)]
pub enum Trouble {
    /// There is no such package or signature.
    Unknown(String),
    /// The question cannot be used.
    Usage(String),
    /// It may not be done.
    Refused(String),
    /// The database cannot be reached.
    Away(String),
}

struct Kept {
    value: Arc<dyn Any + Send + Sync>,
    since: Instant,
    read: i64,
}

/// Reader of the state.
pub struct Reader {
    patience: Duration,
    questions: Sender<Question>,
    kept: Arc<Mutex<HashMap<String, Kept>>>,
    is_stuck: Arc<AtomicBool>,
    away: Mutex<Option<(i64, String)>>,
}

impl Reader {
    /// Starts the thread, for questions that take no longer than this. It ends when the reader is dropped.
    pub fn start(open: Open, patience: Duration) -> std::io::Result<Reader> {
        let (questions, asked): (Sender<Question>, Receiver<Question>) = bounded(WAITING);
        let is_stuck = Arc::new(AtomicBool::new(false));
        let freed = Arc::clone(&is_stuck);
        std::thread::Builder::new().name("state".into()).spawn(move || {
            let mut hand = Hand { open, at: None, seen: None, failed: None };
            for question in asked {
                question(&mut hand);
                freed.store(false, Ordering::SeqCst);
            }
        })?;
        Ok(Reader { patience, questions, kept: Arc::default(), is_stuck, away: Mutex::default() })
    }

    /// Asks, or returns the answer of a moment ago to the same question. `key` names the question with its arguments. `then`: as
    /// it was at a time, in Unix milliseconds.
    pub async fn ask<T: Send + Sync + 'static>(
        &self,
        key: String,
        then: Option<i64>,
        question: impl FnOnce(&Opened) -> Result<T, Error> + Send + 'static,
    ) -> Result<Answer<T>, Trouble> {
        let (key, age) = match then {
            Some(then) => (format!("{key} at {then}"), PAST),
            None if self.patience > PATIENCE => (key, LATELY),
            None => (key, FRESH),
        };
        if let Some(answer) = self.known(&key, Some(age), None) {
            return Ok(answer);
        }
        let (kept, of) = (Arc::clone(&self.kept), key.clone());
        // The thread keeps the answer itself: one that comes too late for its page is there for the next.
        let keeping = move |at: &Opened| {
            let (value, read) = (Arc::new(question(at)?), now());
            keep(&kept, of, Arc::clone(&value) as Arc<dyn Any + Send + Sync>, read);
            Ok((value, read))
        };
        match self.within(self.patience(), then, keeping).await {
            Ok((value, read)) => Ok(Answer { value, read, away: None }),
            Err(Trouble::Away(cause)) => {
                self.known(&key, None, Some(cause.clone())).ok_or(Trouble::Away(cause))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Asks something whose answer is not cached.
    pub async fn once<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Opened) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.within(self.patience(), None, question).await
    }

    fn patience(&self) -> Duration {
        let is_impatient = self.patience <= PATIENCE && self.is_stuck.load(Ordering::SeqCst);
        if is_impatient { IMPATIENCE } else { self.patience }
    }

    /// Does something that may take longer than a query.
    pub async fn at_length<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Opened) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.within(LENGTH, None, work).await
    }

    async fn within<T: Send + 'static>(
        &self,
        patience: Duration,
        then: Option<i64>,
        question: impl FnOnce(&Opened) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (tell, told) = oneshot::channel();
        let work: Question = Box::new(move |hand| {
            // Nobody waits for the answer any more: nothing is asked, and nothing is changed.
            if !tell.is_closed() {
                let _ = tell.send(hand.answer(then, question));
            }
        });
        let answer = match self.questions.try_send(work) {
            Err(TrySendError::Full(_)) => Err(Trouble::Away("too many questions wait for it".into())),
            Err(TrySendError::Disconnected(_)) => Err(Trouble::Away("this server ends".into())),
            Ok(()) => match tokio::time::timeout(patience, told).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(Trouble::Away("it gave no answer".into())),
                Err(_) => {
                    self.is_stuck.store(true, Ordering::SeqCst);
                    Err(Trouble::Away("it does not answer".into()))
                }
            },
        };
        self.note(&answer);
        answer
    }

    /// Unix milliseconds since which the database cannot be reached, and the error.
    pub fn away(&self) -> Option<(i64, String)> {
        locked(&self.away).clone()
    }

    /// Drops the kept answers: something was changed.
    pub fn forget(&self) {
        locked(&self.kept).clear();
    }

    fn note<T>(&self, answer: &Result<T, Trouble>) {
        let mut away = locked(&self.away);
        match answer {
            Err(Trouble::Away(cause)) => {
                let since = away.as_ref().map_or_else(now, |(since, _)| *since);
                *away = Some((since, cause.clone()));
            }
            _ => *away = None,
        }
    }

    fn known<T: Send + Sync + 'static>(
        &self,
        key: &str,
        age: Option<Duration>,
        away: Option<String>,
    ) -> Option<Answer<T>> {
        let kept = locked(&self.kept);
        let found = kept.get(key).filter(|it| age.is_none_or(|age| it.since.elapsed() <= age))?;
        let value = Arc::clone(&found.value).downcast().ok()?;
        Some(Answer { value, read: found.read, away })
    }
}

fn keep(kept: &Mutex<HashMap<String, Kept>>, key: String, value: Arc<dyn Any + Send + Sync>, read: i64) {
    let mut kept = locked(kept);
    if kept.len() >= KEPT && !kept.contains_key(&key) {
        let oldest = kept.iter().min_by_key(|(_, it)| it.since).map(|(key, _)| key.clone());
        oldest.and_then(|oldest| kept.remove(&oldest));
    }
    kept.insert(key, Kept { value, since: Instant::now(), read });
}

impl Hand {
    fn answer<T>(
        &mut self,
        then: Option<i64>,
        question: impl FnOnce(&Opened) -> Result<T, Error>,
    ) -> Result<T, Trouble> {
        let at = self.opened()?;
        at.store.look_back(then);
        let answer = question(at).map_err(trouble);
        at.store.look_back(None);
        let answer = match answer {
            // A time that is still to come, or before what is kept.
            Err(Trouble::Refused(text)) if then.is_some() => Err(Trouble::Usage(text)),
            answer => answer,
        };
        // After an error the installation is opened again: the file may be another one by then.
        if matches!(answer, Err(Trouble::Away(_))) {
            self.at = None;
        }
        answer
    }

    fn opened(&mut self) -> Result<&mut Opened, Trouble> {
        if self.at.is_some() && self.seen() != self.seen {
            self.at = None;
        }
        if self.at.is_none() {
            if let Some((_, cause)) = self.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE) {
                return Err(Trouble::Away(cause.clone()));
            }
            match (self.open)() {
                Ok(at) => {
                    self.failed = None;
                    self.at = Some(at);
                    self.seen = self.seen();
                }
                Err(error) => {
                    let cause = error.to_string();
                    self.failed = Some((Instant::now(), cause.clone()));
                    return Err(Trouble::Away(cause));
                }
            }
        }
        self.at.as_mut().ok_or_else(|| Trouble::Away("it is not open".into()))
    }

    fn seen(&self) -> Option<Seen> {
        use std::os::unix::fs::MetadataExt;
        let path = self.at.as_ref()?.store.path()?;
        // A missing file differs from every file that was opened.
        Some(std::fs::metadata(path).map_or(Seen(0, 0), |it| Seen(it.dev(), it.ino())))
    }
}

/// Meaning of an error for a page.
fn trouble(error: Error) -> Trouble {
    let text = error.to_string();
    match error.class() {
        Class::NotFound => Trouble::Unknown(text),
        Class::Usage => Trouble::Usage(text),
        Class::Refused => Trouble::Refused(text),
        Class::Unavailable => Trouble::Away(text),
    }
}

/// The time of this machine in Unix milliseconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A panic elsewhere does not spoil the kept answers.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
