//! Addresses of mirrors.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use ureq::http::Uri;

/// The address of a mirror: `http`, `https` or `file`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// A web server: scheme, host with port, and the folder, without a slash at the end.
    Web {
        /// The address.
        base: String,
        /// Host, and port where one is given.
        host: String,
    },
    /// A folder of this machine, or one that is mounted there.
    Folder(PathBuf),
}

/// Reason why a text is no address of a mirror.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Not an address at all.
    #[error("{0:?} is no address; it should look like https://deb.debian.org/debian or file:///srv/mirror")]
    Malformed(String),
    /// A password in the configuration.
    #[error("an address with a user name or password in it is not taken")]
    Credentials,
    /// Something after `?` or `#`.
    #[error("{0:?} has a query")]
    Query(String),
}

impl Location {
    /// Reads an address.
    ///
    /// # Errors
    /// [`LocationError`] when it is malformed, or has a name and password or a query.
    pub fn parse(text: &str) -> Result<Location, LocationError> {
        let malformed = || LocationError::Malformed(text.to_owned());
        if let Some(path) = text.strip_prefix("file://") {
            let path = path.strip_prefix("localhost").unwrap_or(path);
            return match path.starts_with('/') {
                true => Ok(Location::Folder(path.into())),
                false => Err(malformed()),
            };
        }
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let authority = uri.authority().ok_or_else(malformed)?.as_str();
        if authority.contains('@') {
            return Err(LocationError::Credentials);
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(LocationError::Query(text.to_owned()));
        }
        match uri.scheme_str() {
            Some("http" | "https") => {
                Ok(Location::Web { base: text.trim_end_matches('/').to_owned(), host: authority.to_owned() })
            }
            _ => Err(malformed()),
        }
    }

    /// Dependency of this mirror: the host, or the folder. The circuit breaker counts errors by it.
    pub fn dependency(&self) -> String {
        match self {
            Location::Web { host, .. } => host.clone(),
            Location::Folder(path) => format!("file://{}", path.display()),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Web { base, .. } => f.write_str(base),
            Location::Folder(path) => write!(f, "file://{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Location::parse(&text).map_err(serde::de::Error::custom)
    }
}
