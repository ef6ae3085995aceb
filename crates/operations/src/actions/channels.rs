//! Messages by channels: those that are due, and trials.

use std::time::{SystemTime, UNIX_EPOCH};

use importer::root::host_name;
use notify::{Channel, Config, Round};
use state::audit;
use state::outbox::messages;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::role::{Permit, Role};
use crate::telling;

/// Sends the messages that are due by the channels of this machine's configuration. What a channel does not take stays due. The
/// messages themselves are the record: no entry in the audit trail.
#[derive(Clone, Copy, Debug)]
pub struct SendDue;

impl Action for SendDue {
    const NAME: &'static str = "notify";
    const ROLE: Role = Role::Admin;
    type Done = Round;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let config = telling::config(&at.config)?;
        let send =
            |it: &Channel| Change::new(Kind::Channel, it.name()).after("what is due is sent".to_owned());
        Ok(Preview::of(config.channels.iter().map(send)))
    }

    fn act(&self, at: &Opened, _: &Permit<'_>) -> Result<Round, Error> {
        Ok(notify::deliver(&at.store, &telling::config(&at.config)?, &host_name())?)
    }
}

/// Sends a trial by a channel, whatever is due; messages that wait for the channel are sent next if it works. On record:
/// `notify-test`, one entry, with the result.
#[derive(Clone, Debug)]
pub struct TestChannel {
    /// Name of the channel in the configuration of this machine.
    pub channel: String,
}

impl TestChannel {
    fn find<'a>(&self, config: &'a Config) -> Result<&'a Channel, Error> {
        config.channel(&self.channel).ok_or_else(|| {
            let known: Vec<&str> = config.channels.iter().map(Channel::name).collect();
            let known = if known.is_empty() { "[notify] has none".to_owned() } else { known.join(", ") };
            Error::NotFound(format!("there is no channel {:?}: {known}", self.channel))
        })
    }
}

impl Action for TestChannel {
    const NAME: &'static str = "notify-test";
    const ROLE: Role = Role::Admin;
    type Done = ();

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let config = telling::config(&at.config)?;
        let channel = self.find(&config)?;
        Ok(Preview::of([Change::new(Kind::Channel, channel.name()).after("a trial is sent".to_owned())]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<(), Error> {
        let config = telling::config(&at.config)?;
        let channel = self.find(&config)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let uid = format!("trial-{}-{now}", std::process::id());
        let sent = notify::trial(channel, &config, &host_name(), &uid, i64::try_from(now).unwrap_or(0));
        let outcome = sent.as_ref().map_or_else(ToString::to_string, |()| "sent".to_owned());
        let (name, by) = (&self.channel, permit.by());
        at.store.write(|tx| {
            if sent.is_ok() {
                messages::hurry(tx, name)?;
            }
            audit::record(tx, by.actor, "notify-test", name, by.reason, None, Some(&outcome))
        })?;
        sent.map_err(|why| Error::Failed(format!("channel {name}: {why}")))
    }
}
