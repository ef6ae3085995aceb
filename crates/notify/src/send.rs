//! Sending a message by whatever way a channel has.

use baseline::time::Millis;
use state::outbox::messages::{Content, Message};
use state::outbox::notices::Notice;

use crate::config::{Channel, Config, Way};
use crate::outgoing::Outgoing;
use crate::{mail, text, webhook};

/// Why a message was not taken. The text has no secret in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsent(pub String);

/// Sends a message. `host` names the installation if the configuration does not.
pub(crate) fn send(channel: &Channel, config: &Config, host: &str, message: &Message) -> Result<(), Unsent> {
    let name = config.name.as_deref().unwrap_or(host);
    let text = text::of(message, name, config.url.as_deref());
    let outgoing = Outgoing { message, text: &text, name, url: config.url.as_deref() };
    let sent = match &channel.way {
        Way::Mail(mail) => mail::send(mail, host, &outgoing),
        Way::Webhook(webhook) => webhook::send(webhook, &outgoing),
    };
    sent.map_err(|why| Unsent(text::short(&text::clean(&why), 300)))
}

/// Sends a message that says that it is a trial. Nothing is recorded. `uid` is its name, `now` the time in Unix milliseconds.
///
/// # Errors
///
/// It was not taken.
pub fn trial(channel: &Channel, config: &Config, host: &str, uid: &str, now: i64) -> Result<(), Unsent> {
    let notice = Notice {
        id: 0,
        topic: "trial".into(),
        kind: "trial".into(),
        part: "once".into(),
        level: "ok".into(),
        subject: channel.name().into(),
        line: format!("channel {} works: this is a trial of {}", channel.name(), Millis(now)),
        items: vec!["Somebody has typed `package-import notify test`.".into()],
        hints: vec!["package-import notify list".into()],
        at: now,
        began: None,
    };
    let message = Message {
        id: 0,
        channel: channel.name().into(),
        kind: "trial".into(),
        uid: uid.into(),
        made: now,
        content: Content { notices: vec![notice], counts: vec![("trial".into(), 1)] },
        tries: 1,
    };
    send(channel, config, host, &message)
}
