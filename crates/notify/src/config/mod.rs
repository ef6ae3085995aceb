//! `[notify]` of `config.toml`: what is told, when, and by which channels.

mod mail;
mod times;
mod webhook;

use std::time::Duration;

use serde::Deserialize;
use state::outbox::messages::Rule;
use state::outbox::watch::Ages;
use state::outbox::words::Kind;

pub use mail::{Mail, Route, Security, Server};
pub use webhook::{Template, Webhook};

/// The most notices in one message; the rest is counted.
const MOST: usize = 40;

/// An error of `[notify]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

/// The notices to send, their times, and their channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name of this installation in messages; by default the host's name.
    pub name: Option<String>,
    /// Address of its pages, for links.
    pub url: Option<String>,
    /// From when on backups and remotes are told.
    pub ages: Ages,
    /// The channels, in the order of the file.
    pub channels: Vec<Channel>,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The notices that it gets.
    pub rule: Rule,
    /// The way to reach it.
    pub way: Way,
}

/// The kinds of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By mail.
    Mail(Mail),
    /// By a request to a server.
    Webhook(Webhook),
}

impl Channel {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.rule.channel
    }

    /// `mail`, or the template of the webhook.
    pub fn kind(&self) -> &'static str {
        match &self.way {
            Way::Mail(_) => "mail",
            Way::Webhook(webhook) => webhook.template.as_str(),
        }
    }
}

/// The table as it is written in the file.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    name: Option<String>,
    url: Option<String>,
    backup: Option<String>,
    remote: Option<String>,
    pace: Option<String>,
    digest: Option<Vec<String>>,
    now: Option<Vec<String>>,
    mail: Vec<toml::Table>,
    webhook: Vec<toml::Table>,
}

/// The keys that every channel may have.
#[derive(Deserialize)]
pub(crate) struct Common {
    name: String,
    now: Option<Vec<String>>,
    digest: Option<Vec<String>>,
    pace: Option<String>,
}

/// Keys of [`Common`].
const COMMON: [&str; 4] = ["name", "now", "digest", "pace"];

impl Config {
    /// Parses the table `notify`.
    ///
    /// # Errors
    /// A description of what is unusable.
    pub fn of(table: &toml::Table) -> Result<Config, Wrong> {
        let file: File = table.clone().try_into().map_err(|error| wrong("notify", &error))?;
        let ages = Ages {
            backup: age("backup", file.backup.as_deref(), "2d")?,
            remote: age("remote", file.remote.as_deref(), "4h")?,
        };
        let mut channels = Vec::new();
        for table in &file.mail {
            let (common, own) = split("notify.mail", table)?;
            let rule = rule("notify.mail", &file, &common)?;
            channels.push(Channel { rule, way: Way::Mail(mail::read(own, &common.name)?) });
        }
        for table in &file.webhook {
            let (common, own) = split("notify.webhook", table)?;
            let rule = rule("notify.webhook", &file, &common)?;
            channels.push(Channel { rule, way: Way::Webhook(webhook::read(own, &common.name)?) });
        }
        for (index, channel) in channels.iter().enumerate() {
            if channels.iter().take(index).any(|other| other.name() == channel.name()) {
                return Err(Wrong(format!("[notify]: two channels are called {:?}", channel.name())));
            }
        }
        if let Some(url) = &file.url {
            webhook::check_address("notify", "url", url)?;
        }
        if file
            .name
            .as_deref()
            .is_some_and(|name| name.trim().is_empty() || name.chars().any(char::is_control))
        {
            return Err(Wrong("[notify] name: it is no name".into()));
        }
        let url = file.url.map(|url| url.trim_end_matches('/').to_owned());
        Ok(Config { name: file.name, url, ages, channels })
    }

    /// The rules of the channels; without any channel, that of one with the usual times.
    ///
    /// # Errors
    /// The usual times cannot be read.
    pub(crate) fn rules(&self) -> Result<Vec<Rule>, Wrong> {
        if !self.channels.is_empty() {
            return Ok(self.channels.iter().map(|it| it.rule.clone()).collect());
        }
        let common = Common { name: "nobody".into(), now: None, digest: None, pace: None };
        rule("notify", &File::default(), &common).map(|rule| vec![rule])
    }

    /// A channel by its name.
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name() == name)
    }
}

fn wrong(section: &str, error: &toml::de::Error) -> Wrong {
    Wrong(format!("[{section}]: {}", error.message().trim()))
}

/// Splits a table into the keys that every channel may have, and those of its kind.
fn split(section: &str, table: &toml::Table) -> Result<(Common, toml::Table), Wrong> {
    let of = |is_common: bool| -> toml::Table {
        let wanted = |key: &str| COMMON.contains(&key) == is_common;
        table.iter().filter(|(key, _)| wanted(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let common: Common = of(true).try_into().map_err(|error| wrong(section, &error))?;
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if common.name.is_empty() || common.name.len() > 60 || !common.name.chars().all(is_good) {
        return Err(Wrong(format!(
            "[[{section}]] name = {:?}: letters, digits and - _ . alone",
            common.name
        )));
    }
    Ok((common, of(false)))
}

fn rule(section: &str, file: &File, common: &Common) -> Result<Rule, Wrong> {
    let at = |key: &str, error: String| Wrong(format!("[[{section}]] {}: {key}: {error}", common.name));
    let now = match common.now.as_ref().or(file.now.as_ref()) {
        Some(words) => words
            .iter()
            .map(|word| word.parse::<Kind>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| at("now", error))?,
        None => Kind::URGENT.to_vec(),
    };
    let usual = vec!["07:00".to_owned()];
    let times = common.digest.as_ref().or(file.digest.as_ref()).unwrap_or(&usual);
    let times = times.iter().map(|text| times::minute(text)).collect::<Result<Vec<_>, _>>();
    let pace = common.pace.as_ref().or(file.pace.as_ref()).map_or("5m", String::as_str);
    let pace = milliseconds(pace).map_err(|error| at("pace", error))?;
    Ok(Rule {
        channel: common.name.clone(),
        digest: Kind::ALL.into_iter().filter(|kind| !now.contains(kind)).collect(),
        now,
        times: times.map_err(|error| at("digest", error))?,
        pace,
        most: MOST,
    })
}

/// An age from which on something is told: `2d`, or `never`.
fn age(key: &str, text: Option<&str>, usual: &str) -> Result<Option<i64>, Wrong> {
    match text.unwrap_or(usual) {
        "never" => Ok(None),
        text => milliseconds(text)
            .map(Some)
            .map_err(|error| Wrong(format!("[notify] {key}: {error}, or \"never\""))),
    }
}

fn milliseconds(text: &str) -> Result<i64, String> {
    let found =
        humantime::parse_duration(text).map_err(|_| format!("{text:?} is no time such as 5m, 4h, 2d"))?;
    let year = Duration::from_secs(366 * 24 * 3600);
    if found > year {
        return Err(format!("{text:?} is longer than a year"));
    }
    Ok(i64::try_from(found.as_millis()).unwrap_or(i64::MAX))
}
