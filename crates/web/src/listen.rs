//! Address that the pages are served on: a TCP address or a Unix socket, and the path below which they are.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system, for a proxy on this machine.
    Unix(PathBuf),
}

impl Listen {
    /// True when only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Listen::Tcp(address) => address.ip().is_loopback(),
            Listen::Unix(_) => true,
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Listen, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("unix: needs the path of a socket after it".to_owned()),
                path => Ok(Listen::Unix(path.into())),
            };
        }
        if text.starts_with('/') {
            return Ok(Listen::Unix(text.into()));
        }
        text.parse().map(Listen::Tcp).map_err(|_| {
            format!("{text:?} is neither ADDRESS:PORT (127.0.0.1:8420, [::1]:8420) nor the path of a socket (/run/import.sock)")
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => write!(f, "http://{address}"),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The path below which the pages are: empty, or `/imports`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The path, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Rest of a request's path behind the prefix; `None` if it is not below the prefix.
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.0.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Prefix, String> {
        let trimmed = text.trim_end_matches('/');
        if trimmed.is_empty() {
            return Ok(Prefix::default());
        }
        let is_good = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
            !part.is_empty() && part.chars().all(allowed) && !matches!(part, "." | "..")
        };
        match trimmed.strip_prefix('/') {
            Some(rest) if rest.split('/').all(is_good) => Ok(Prefix(trimmed.to_owned())),
            _ => {
                Err(format!("{text:?} is no path: /imports, of letters, digits, - _ . ~ and single slashes"))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_sockets() {
        let listen = |text: &str| text.parse::<Listen>();
        assert!(listen("127.0.0.1:8420").unwrap().is_local());
        assert!(listen("[::1]:1").unwrap().is_local());
        assert!(!listen("0.0.0.0:8420").unwrap().is_local());
        assert_eq!(listen("unix:/run/x"), listen("/run/x"));
        for wrong in ["", "8420", "localhost:8420", "unix:", "127.0.0.1", "127.0.0.1:99999"] {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn prefixes() {
        let prefix = |text: &str| text.parse::<Prefix>();
        assert_eq!(prefix("").unwrap().as_str(), "");
        assert_eq!(prefix("/").unwrap().as_str(), "");
        assert_eq!(prefix("/imports/").unwrap().as_str(), "/imports");
        assert_eq!(prefix("/a/b").unwrap().strip("/a/b/queue"), Some("/queue"));
        assert_eq!(prefix("/a").unwrap().strip("/ab"), None);
        for wrong in ["imports", "/a//b", "/../x", "/a b", "/a?b", "/\u{e9}", "//evil.example"] {
            assert!(prefix(wrong).is_err(), "{wrong}");
        }
    }
}
