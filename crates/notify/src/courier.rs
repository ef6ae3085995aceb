//! One round: what is due gets its place, each channel's message is put together, sent and noted. And the thread that makes a round
//! now and then beside a run. A rehearsal makes the same rounds, and sends nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use fail::fail_point;
use state::outbox::messages::{Message, Rule};
use state::outbox::watch::Ages;
use state::outbox::{channels, messages, sequence, watch};
use state::{StateError, Store};

use crate::config::Config;
use crate::send::{Unsent, send};
use crate::text::{self, Text};

/// A message belongs to whoever took it for so long: longer than any way of sending may take.
const LEASE: i64 = 8 * 60_000;
/// Messages of one channel in one round: what was due at once, a digest, what was held back.
const MOST: usize = 4;
/// The pause between two rounds beside a run.
const PAUSE: Duration = Duration::from_secs(20);
/// The interval of checks whether the run has ended.
const LOOK: Duration = Duration::from_millis(100);
/// The kind of a rehearsal's channels.
pub const REHEARSAL: &str = "rehearsal";
/// A run that ends waits no longer for the last round. What was not noted by then is sent again, with the same name.
const LAST: Duration = Duration::from_secs(60);

/// The result of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Channels, each once for each message that it took.
    pub sent: Vec<String>,
    /// Channels that did not take theirs, and why.
    pub failed: Vec<(String, Unsent)>,
}

/// Makes one round. `host` is the name of this machine.
///
/// # Errors
/// The state. What a channel does not take is no error: it stands in the round, and in the state.
pub fn deliver(store: &Store, config: &Config, host: &str) -> Result<Round, StateError> {
    let wanted: Vec<(&str, &str)> = config.channels.iter().map(|it| (it.name(), it.kind())).collect();
    place(store, &config.ages, &wanted, host)?;
    let mut round = Round::default();
    for channel in &config.channels {
        let mut post = |message: &Message| send(channel, config, host, message);
        serve(store, &channel.rule, host, &mut post, &mut round)?;
    }
    Ok(round)
}

/// Makes a round of which nothing leaves this machine: `told` gets each message, with the name of its channel, as the channel would
/// get it now. For a copy of a state: the messages are noted there as sent. Without a channel in the configuration there is one with
/// the usual times.
///
/// # Errors
/// The state, or the configuration.
pub fn rehearse(
    store: &Store,
    config: &Config,
    host: &str,
    told: &mut dyn FnMut(&str, &Text),
) -> Result<(), StateError> {
    let rules = config.rules().map_err(|wrong| StateError::Refused(wrong.to_string()))?;
    // In the copy, channels of other names: what waits for the real ones was not said by the rehearsal.
    let played: Vec<(Rule, String)> = (rules.into_iter())
        .map(|rule| {
            (Rule { channel: format!("rehearsal of {}", rule.channel), ..rule.clone() }, rule.channel)
        })
        .collect();
    let wanted: Vec<(&str, &str)> =
        played.iter().map(|(rule, _)| (rule.channel.as_str(), REHEARSAL)).collect();
    place(store, &config.ages, &wanted, host)?;
    let name = config.name.as_deref().unwrap_or(host);
    for (rule, channel) in &played {
        let mut post = |message: &Message| {
            told(channel, &text::of(message, name, config.url.as_deref()));
            Ok(())
        };
        serve(store, rule, host, &mut post, &mut Round::default())?;
    }
    Ok(())
}

/// Gives what is due its place, and follows the channels that are wanted, each a name and a kind.
fn place(store: &Store, ages: &Ages, wanted: &[(&str, &str)], host: &str) -> Result<(), StateError> {
    if !wanted.is_empty() {
        store.write(|tx| watch::look(tx, ages))?;
    }
    // One transaction where nothing has happened.
    let first = store.write(|tx| Ok((sequence(tx)?, channels::is_news(tx, wanted, host)?)))?;
    while first.0 && store.write(sequence)? {}
    if first.1 {
        store.write(|tx| channels::follow(tx, wanted, host))?;
    }
    Ok(())
}

/// Gives one channel what it waits for, by `post`.
fn serve(
    store: &Store,
    rule: &Rule,
    host: &str,
    post: &mut dyn FnMut(&Message) -> Result<(), Unsent>,
    round: &mut Round,
) -> Result<(), StateError> {
    let by = format!("{host}:{}", std::process::id());
    for _ in 0..MOST {
        store.write(|tx| messages::compose(tx, rule))?;
        let Some(message) = store.write(|tx| messages::claim(tx, &rule.channel, &by, LEASE))? else {
            return Ok(());
        };
        match post(&message) {
            Ok(()) => {
                fail_point!("notify/sent");
                store.write(|tx| messages::sent(tx, &message))?;
                round.sent.push(rule.channel.clone());
            }
            Err(why) => {
                store.write(|tx| messages::failed(tx, &message, &why.0))?;
                round.failed.push((rule.channel.clone(), why));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Makes rounds beside a run, and a last one when it goes.
pub struct Courier {
    is_over: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Courier {
    /// Starts it. `told` hears how each round went.
    ///
    /// # Errors
    /// The machine has no thread left.
    pub fn start(
        store: impl AsRef<Store> + Send + 'static,
        config: Config,
        host: String,
        told: impl Fn(Result<Round, StateError>) + Send + 'static,
    ) -> std::io::Result<Courier> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let (end, ended) = mpsc::channel();
        thread::Builder::new().name("courier".into()).spawn(move || {
            loop {
                let is_last = over.load(Ordering::SeqCst);
                told(deliver(store.as_ref(), &config, &host));
                if is_last {
                    break;
                }
                let next = Instant::now() + PAUSE;
                while Instant::now() < next && !over.load(Ordering::SeqCst) {
                    thread::sleep(LOOK);
                }
            }
            drop(store);
            let _ = end.send(());
        })?;
        Ok(Courier { is_over, ended })
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = self.ended.recv_timeout(LAST);
    }
}
