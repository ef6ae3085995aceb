//! Messages about long waits: they name the thing that is waited for.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Callback for messages.
type Listener = Box<dyn Fn(&str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// A wait is reported after this time,
const EARLY: Duration = Duration::from_secs(5);
/// and again after this one, then after twice as long each time
const AGAIN: Duration = Duration::from_secs(10);
/// and at most this.
const LONGEST: Duration = Duration::from_secs(300);

/// Sets the callback of waits: the terminal of an operator, the log of a service. Once a process.
pub fn listen(listener: impl Fn(&str) + Send + Sync + 'static) {
    let _ = LISTENER.set(Box::new(listener));
}

/// Passes a message to the callback, such as what another process of ours waits for.
pub fn say(text: &str) {
    if let Some(listener) = LISTENER.get() {
        listener(text);
    }
}

/// A wait for somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    began: Instant,
    next: Duration,
    pause: Duration,
}

impl Default for Wait {
    fn default() -> Self {
        Wait::new()
    }
}

impl Wait {
    /// One that begins now.
    pub fn new() -> Wait {
        Wait { began: Instant::now(), next: EARLY, pause: AGAIN }
    }

    /// Time since its beginning.
    pub fn lasted(&self) -> Duration {
        self.began.elapsed()
    }

    /// Reports it, if it is time to. `text` names the thing that is waited for and its holder: `the lock of FILE:
    /// process 4711 (git) has it`. It is called only if there is a listener.
    pub fn tell(&mut self, text: impl FnOnce() -> String) {
        self.tell_after(self.lasted(), text);
    }

    /// Same for a wait whose length another clock has measured.
    pub fn tell_after(&mut self, lasted: Duration, text: impl FnOnce() -> String) {
        if self.is_due(lasted) {
            say(&format!("waiting for {} s for {}", lasted.as_secs(), text()));
        }
    }

    /// True when a wait that has lasted for so long is to be reported now.
    pub fn is_due(&mut self, lasted: Duration) -> bool {
        if lasted < self.next || LISTENER.get().is_none() {
            return false;
        }
        self.next = lasted + self.pause;
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}

/// Reports a pause of this length before it begins.
pub fn tell_pause(pause: Duration, text: impl FnOnce() -> String) {
    if pause >= EARLY && LISTENER.get().is_some() {
        say(&format!("waiting {} s for {}", pause.as_secs(), text()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_wait_is_told_soon_and_then_more_and_more_seldom() {
        static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
        listen(|text| HEARD.lock().unwrap().push(text.to_owned()));
        let mut wait = Wait::new();
        for second in 0..3600 {
            wait.tell_after(Duration::from_secs(second), || "the lock: process 7 has it".into());
        }
        let heard = HEARD.lock().unwrap();
        assert_eq!(heard[0], "waiting for 5 s for the lock: process 7 has it");
        assert_eq!(heard[1], "waiting for 15 s for the lock: process 7 has it");
        assert!((10..20).contains(&heard.len()), "{heard:?}");
        drop(heard);
        tell_pause(Duration::from_secs(2), || "a turn".into());
        tell_pause(Duration::from_secs(30), || "a turn".into());
        assert_eq!(HEARD.lock().unwrap().last().unwrap(), "waiting 30 s for a turn");
    }
}
