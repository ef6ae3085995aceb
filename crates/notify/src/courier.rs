//! One round: what is due gets its place, each channel's message is put together, sent and noted. And the thread that makes a round
//! now and then beside a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use fail::fail_point;
use state::outbox::{channels, messages, sequence, watch};
use state::{StateError, Store};

use crate::config::{Channel, Config};
use crate::send::{Unsent, send};

/// A message belongs to whoever took it for so long: longer than any way of sending may take.
const LEASE: i64 = 8 * 60_000;
/// Messages of one channel in one round: what was due at once, a digest, what was held back.
const MOST: usize = 4;
/// The pause between two rounds beside a run.
const PAUSE: Duration = Duration::from_secs(20);
/// The interval of checks whether the run has ended.
const LOOK: Duration = Duration::from_millis(100);
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
    if !config.channels.is_empty() {
        store.write(|tx| watch::look(tx, &config.ages))?;
    }
    let wanted: Vec<(&str, &str)> = config.channels.iter().map(|it| (it.name(), it.kind())).collect();
    // One transaction where nothing has happened.
    let first = store.write(|tx| Ok((sequence(tx)?, channels::is_news(tx, &wanted, host)?)))?;
    while first.0 && store.write(sequence)? {}
    if first.1 {
        store.write(|tx| channels::follow(tx, &wanted, host))?;
    }
    let mut round = Round::default();
    for channel in &config.channels {
        serve(store, config, host, channel, &mut round)?;
    }
    Ok(round)
}

/// Gives one channel what it waits for.
fn serve(
    store: &Store,
    config: &Config,
    host: &str,
    channel: &Channel,
    round: &mut Round,
) -> Result<(), StateError> {
    let by = format!("{host}:{}", std::process::id());
    for _ in 0..MOST {
        store.write(|tx| messages::compose(tx, &channel.rule))?;
        let Some(message) = store.write(|tx| messages::claim(tx, channel.name(), &by, LEASE))? else {
            return Ok(());
        };
        match send(channel, config, host, &message) {
            Ok(()) => {
                fail_point!("notify/sent");
                store.write(|tx| messages::sent(tx, &message))?;
                round.sent.push(channel.name().to_owned());
            }
            Err(why) => {
                store.write(|tx| messages::failed(tx, &message, &why.0))?;
                round.failed.push((channel.name().to_owned(), why));
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
