//! Telling people: by the channels of this machine's configuration. What is told stands in the state, so that any machine whose
//! configuration has a channel can do it.

use std::sync::Arc;

use importer::queue::session::Session;
use notify::text::Text;
use notify::{Config, Courier, Round};
use serde::Serialize;
use state::Store;
use state::outbox::channels::{self, Channel};

use crate::error::Error;
use crate::installation::Opened;

/// The noun for what cannot be recorded.
const MESSAGES: &str = "messages";

/// The session whose state a courier works with.
struct OfSession(Arc<Session>);

impl AsRef<Store> for OfSession {
    fn as_ref(&self) -> &Store {
        &self.0.store
    }
}

/// `[notify]`, as it was looked at when the configuration was read.
pub(crate) fn config(config: &importer::config::Config) -> Result<Config, Error> {
    Config::of(&config.notify).map_err(|error| Error::Usage(error.to_string()))
}

/// Tells beside a run, until it is dropped.
///
/// # Errors
/// The configuration, or the machine has no thread left.
pub fn start(session: &Arc<Session>) -> Result<Courier, Error> {
    let config = config(&session.config)?;
    let (store, listener) = (OfSession(Arc::clone(session)), Arc::clone(session));
    let told = move |round: Result<Round, _>| match round {
        Ok(round) => {
            listener.troubles.clear(MESSAGES);
            let failed = round.failed.into_iter();
            failed.for_each(|(channel, why)| listener.troubles.say(format!("channel {channel}: {why}")));
        }
        Err(error) => listener.troubles.note(MESSAGES, &error),
    };
    Courier::start(store, config, importer::root::host_name(), told)
        .map_err(|error| Error::File { what: "cannot start a thread that tells people".into(), error })
}

/// Has a round made on the copy of a state: each message is handed over, and nothing is sent.
///
/// # Errors
/// The configuration or the state.
pub(crate) fn rehearse(at: &Opened, told: &mut dyn FnMut(&str, &Text)) -> Result<(), Error> {
    Ok(notify::rehearse(&at.store, &config(&at.config)?, &importer::root::host_name(), told)?)
}

/// The times of the next digests in a rehearsal, in milliseconds since 1970.
///
/// # Errors
/// The state.
pub(crate) fn digests_due(at: &Opened) -> Result<Vec<i64>, Error> {
    let channels = at.store.read(channels::list)?.into_iter();
    Ok(channels.filter(|it| it.kind == notify::REHEARSAL).filter_map(|it| it.digest_due).collect())
}

/// A message as its channel gets it: the channel and the subject, then the body.
pub(crate) fn as_sent(channel: &str, text: &Text) -> String {
    format!("to {channel}: {}\n{}", text.subject, text.body.trim_end())
}

/// A channel of the configuration, or one that another host has.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Its name.
    pub channel: String,
    /// `mail`, or the template of a webhook.
    pub kind: String,
    /// True if it is in the configuration of this machine.
    pub here: bool,
    /// The kinds of notices that are sent at once.
    pub now: Vec<&'static str>,
    /// Times of the digest of the rest, in UTC.
    pub digest: Vec<String>,
    /// The state of the channel; `None` if nothing was sent to it yet.
    pub status: Option<Channel>,
}

/// Channels.
#[derive(Clone, Debug, Serialize)]
pub struct Channels {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// Each.
    pub channels: Vec<Listed>,
}

/// All channels: those of this machine in the order of its configuration, then those that other hosts have.
///
/// # Errors
/// The configuration or the state.
pub fn list(at: &Opened) -> Result<Channels, Error> {
    let config = config(&at.config)?;
    let (now, mut known) = at.store.read(|tx| Ok((tx.now()?, channels::list(tx)?)))?;
    let mut found: Vec<Listed> = (config.channels.iter())
        .map(|it| Listed {
            channel: it.name().to_owned(),
            kind: it.kind().to_owned(),
            here: true,
            now: it.rule.now.iter().map(|kind| kind.as_str()).collect(),
            digest: it.rule.times.iter().map(|time| format!("{:02}:{:02}", time / 60, time % 60)).collect(),
            status: known.iter().find(|other| other.channel == it.name()).cloned(),
        })
        .collect();
    known.retain(|other| !found.iter().any(|it| it.channel == other.channel));
    found.extend(known.into_iter().map(|it| Listed {
        channel: it.channel.clone(),
        kind: it.kind.clone(),
        here: false,
        now: Vec::new(),
        digest: Vec::new(),
        status: Some(it),
    }));
    Ok(Channels { now, channels: found })
}
