//! `[[notify.webhook]]`.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Wrong, wrong};

/// A request to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// What it looks like.
    pub template: Template,
    /// Where it goes; or the file that says so, for addresses that are secrets themselves.
    pub url: Result<String, PathBuf>,
    /// The key by which a request of the template `json` is sealed.
    pub secret_file: Option<PathBuf>,
    /// What is sent as `Authorization: Bearer`.
    pub token_file: Option<PathBuf>,
    /// The room of Matrix.
    pub room: Option<String>,
    /// The topic of ntfy.
    pub topic: Option<String>,
    /// Whether it may be an address of this machine or of a private network.
    pub allow_private: bool,
}

/// What a request looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Template {
    /// Everything, in a form of our own.
    Json,
    /// What Slack, Mattermost and others take.
    Slack,
    /// A message in a room of Matrix.
    Matrix,
    /// A topic of ntfy.
    Ntfy,
}

impl Template {
    /// The template as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Template::Json => "json",
            Template::Slack => "slack",
            Template::Matrix => "matrix",
            Template::Ntfy => "ntfy",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    template: Option<Template>,
    url: Option<String>,
    url_file: Option<PathBuf>,
    secret_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
    room: Option<String>,
    topic: Option<String>,
    #[serde(default)]
    allow_private: bool,
}

pub(super) fn read(table: toml::Table, name: &str) -> Result<Webhook, Wrong> {
    let file: File = table.try_into().map_err(|error| wrong("notify.webhook", &error))?;
    let at = |text: &str| Wrong(format!("[[notify.webhook]] {name}: {text}"));
    let template = file.template.unwrap_or(Template::Json);
    let url = match (file.url, file.url_file) {
        (Some(url), None) => {
            check_address("[notify.webhook]", name, &url)?;
            Ok(url)
        }
        (None, Some(file)) => Err(file),
        _ => return Err(at("url or url_file, one of them")),
    };
    let is = |wanted: Template, is_there: bool, key: &str, other: &str| match (template == wanted, is_there) {
        (false, true) => Err(at(&format!("{key} is for the template {}", wanted.as_str()))),
        (true, false) if !other.is_empty() => Err(at(other)),
        _ => Ok(()),
    };
    is(Template::Json, file.secret_file.is_some(), "secret_file", "")?;
    is(Template::Matrix, file.room.is_some(), "room", "room: the id of the room, !abc:example.org")?;
    is(Template::Ntfy, file.topic.is_some(), "topic", "topic: the name of the topic")?;
    if template == Template::Matrix && file.token_file.is_none() {
        return Err(at("token_file: the access token of the account that writes"));
    }
    Ok(Webhook {
        template,
        url,
        secret_file: file.secret_file,
        token_file: file.token_file,
        room: file.room,
        topic: file.topic,
        allow_private: file.allow_private,
    })
}

/// Refuses what is no address of the web.
pub(super) fn check_address(section: &str, name: &str, url: &str) -> Result<(), Wrong> {
    let host = ["https://", "http://"].iter().find_map(|start| url.strip_prefix(start));
    let is_bad = |c: char| c.is_whitespace() || c.is_control();
    // Names and passwords in addresses end up in logs.
    let has_login = host.is_some_and(|rest| rest.split('/').next().unwrap_or_default().contains('@'));
    if host.is_none_or(str::is_empty) || url.contains(is_bad) || has_login {
        return Err(Wrong(format!(
            "[{section}] {name}: {url:?} is no https:// or http:// address without a login"
        )));
    }
    Ok(())
}
