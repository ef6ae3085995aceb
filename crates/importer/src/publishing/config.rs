//! Section `[[remotes]]` of `config.toml`.

use std::path::PathBuf;

use remote::address::{AddressError, Scheme, Template};
use serde::Deserialize;

/// A remote: where repositories are published.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteConfig {
    /// Its name, for people.
    pub name: String,
    /// Address of a package's repository: `ssh://`, `https://`, or a folder, with `{package}`, `{prefix}`, `{slug}`.
    pub url: String,
    /// A private key, for ssh.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// The keys of hosts, for ssh; `known_hosts` in the root if not set.
    #[serde(default)]
    pub known_hosts: Option<PathBuf>,
    /// The user's name, for HTTP.
    #[serde(default)]
    pub user: Option<String>,
    /// A file with the password, for HTTP.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The credential of the service with the password, for HTTP.
    #[serde(default)]
    pub credential: Option<String>,
    /// Certificates of the authorities that vouch for the server, in place of those of the machine.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// A proxy, for HTTP.
    #[serde(default)]
    pub proxy: Option<String>,
    /// A command that makes a repository that is missing.
    #[serde(default)]
    pub create: Option<String>,
    /// A command that has a clone check out the right branch.
    #[serde(default)]
    pub head: Option<String>,
    /// Packages at a time.
    #[serde(default = "four")]
    pub jobs: usize,
    /// Requests are so far apart: `200ms`.
    #[serde(default, deserialize_with = "milliseconds")]
    pub pace: u64,
    /// Seconds that a push may take; in the file `1h`.
    #[serde(default = "hour", deserialize_with = "milliseconds")]
    pub timeout: u64,
    /// Refs in one push.
    #[serde(default = "five_hundred")]
    pub batch: usize,
}

fn four() -> usize {
    4
}

fn hour() -> u64 {
    3_600_000
}

fn five_hundred() -> usize {
    500
}

fn milliseconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let duration = humantime::parse_duration(&text).map_err(serde::de::Error::custom)?;
    u64::try_from(duration.as_millis()).map_err(serde::de::Error::custom)
}

/// Reason why a remote cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The name cannot be used.
    #[error("remote {0:?}: a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit")]
    Name(String),
    /// Two of one name.
    #[error("there are two remotes {0:?}")]
    Twice(String),
    /// Two with one address.
    #[error("remotes {0} and {1} have the same address")]
    SameAddress(String, String),
    /// The address cannot be used.
    #[error("remote {name}: {error}")]
    Address {
        /// Name of the remote.
        name: String,
        /// Error of the address.
        error: AddressError,
    },
    /// A key that does not fit its address, or one that is missing.
    #[error("remote {name}: {what}")]
    Key {
        /// Name of the remote.
        name: String,
        /// Description of the error.
        what: String,
    },
}

impl RemoteConfig {
    /// Its template.
    ///
    /// # Errors
    /// [`RemoteError::Address`].
    pub fn template(&self) -> Result<Template, RemoteError> {
        Template::parse(&self.url).map_err(|error| RemoteError::Address { name: self.name.clone(), error })
    }

    fn check(&self) -> Result<(), RemoteError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let begins = self.name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || !self.name.chars().all(is_word) || self.name.len() > 60 {
            return Err(RemoteError::Name(self.name.clone()));
        }
        let key = |what: &str| Err(RemoteError::Key { name: self.name.clone(), what: what.to_owned() });
        let scheme = self.template()?.scheme();
        let of_ssh = [("key", self.key.is_some()), ("known_hosts", self.known_hosts.is_some())];
        let of_http = [
            ("user", self.user.is_some()),
            ("password_file", self.password_file.is_some()),
            ("credential", self.credential.is_some()),
            ("ca", self.ca.is_some()),
            ("proxy", self.proxy.is_some()),
        ];
        let of_servers = [("create", self.create.is_some()), ("head", self.head.is_some())];
        let strange = match scheme {
            Scheme::Path => [&of_ssh[..], &of_http[..], &of_servers[..]].concat(),
            Scheme::Ssh => of_http.to_vec(),
            Scheme::Http => of_ssh.to_vec(),
        };
        if let Some((name, _)) = strange.iter().find(|(_, is_set)| *is_set) {
            return key(&format!("`{name}` does not go with the address {}", self.url));
        }
        if scheme == Scheme::Ssh && self.key.is_none() {
            return key("`key` is missing: the path of the private key (keys in home folders are not tried)");
        }
        if self.password_file.is_some() && self.credential.is_some() {
            return key("set `password_file` or `credential`, not both");
        }
        let has_password = self.password_file.is_some() || self.credential.is_some();
        if has_password && self.url.starts_with("http://") && !is_loopback(&self.url) {
            return key("a password goes over https:// only");
        }
        if self.jobs == 0 || self.jobs > 64 || self.batch == 0 || self.batch > 5000 {
            return key("`jobs` is 1 to 64, `batch` 1 to 5000");
        }
        for command in [&self.create, &self.head].into_iter().flatten() {
            remote::create::check(command)
                .map_err(|what| RemoteError::Key { name: self.name.clone(), what })?;
        }
        Ok(())
    }
}

fn is_loopback(url: &str) -> bool {
    let host = url.trim_start_matches("http://");
    ["127.", "localhost", "[::1]"].iter().any(|it| host.starts_with(it))
}

/// Checks all of them together.
///
/// # Errors
/// [`RemoteError`] with the remote's name.
pub fn check(remotes: &[RemoteConfig]) -> Result<(), RemoteError> {
    for (place, it) in remotes.iter().enumerate() {
        it.check()?;
        for other in remotes.iter().take(place) {
            if other.name == it.name {
                return Err(RemoteError::Twice(it.name.clone()));
            }
            if other.url == it.url {
                return Err(RemoteError::SameAddress(other.name.clone(), it.name.clone()));
            }
        }
    }
    Ok(())
}
