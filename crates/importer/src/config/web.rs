//! Section `[web]`: users of the pages of `serve`, and their roles.

use std::net::IpAddr;

use serde::Deserialize;

/// Section `[web]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// True when everybody may look, without hosts, paths, logs and names of operators.
    pub public: bool,
    /// Header in which a proxy names the user. It is trusted from a Unix socket, and from `proxies`.
    pub user_header: Option<String>,
    /// Addresses of proxies whose header is trusted.
    pub proxies: Vec<IpAddr>,
    /// Users that may look, by the names that a proxy gives; `*` is everybody.
    pub view: Vec<String>,
    /// Users that may retry, hold, release and so on.
    pub operate: Vec<String>,
    /// Users that may do everything.
    pub admin: Vec<String>,
    /// The names by which the pages are reached. If there are any, requests for others are refused.
    pub names: Vec<String>,
    /// Address of a commit on a web page, with `{package}` and `{commit}`.
    pub commit_url: Option<String>,
    /// As many connections at once.
    pub connections: usize,
}

impl Default for Web {
    fn default() -> Self {
        Web {
            public: false,
            user_header: None,
            proxies: Vec::new(),
            view: Vec::new(),
            operate: Vec::new(),
            admin: Vec::new(),
            names: Vec::new(),
            commit_url: None,
            connections: 200,
        }
    }
}

/// Reason why `[web]` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// No header has such a name.
    #[error("[web] user_header = {0:?} is no name of a header: letters, digits and -")]
    Header(String),
    /// A header that clients and proxies set for other reasons.
    #[error("[web] user_header = {0:?} is a header with another meaning; X-Remote-User is usual")]
    Taken(String),
    /// Lists of names, or proxies, without a header that names anybody.
    #[error(
        "[web] {0} is set, but no user_header, so a proxy cannot name a user; accounts have their roles from `user add`"
    )]
    NoHeader(&'static str),
    /// A header that names users, without any role for them.
    #[error("[web] user_header is set, but view, operate and admin are empty: nobody may do anything")]
    NoRoles,
    /// Everybody may only look.
    #[error("[web] {0} = [\"*\"]: everybody may only look; name who may {0}")]
    Everybody(&'static str),
    /// A name that is none.
    #[error("[web] {list}: {name:?} is no name")]
    Name {
        /// Name of the list.
        list: &'static str,
        /// The name.
        name: String,
    },
    /// No address of a commit.
    #[error(
        "[web] commit_url = {0:?}: it has to begin with https:// or http:// and to have {{commit}} in it"
    )]
    Commit(String),
    /// No number of connections.
    #[error("[web] connections = {0}: from 1 to 10000")]
    Connections(usize),
}

/// Headers that have a meaning of their own.
const TAKEN: [&str; 9] = [
    "authorization",
    "cookie",
    "host",
    "origin",
    "referer",
    "user-agent",
    "content-type",
    "content-length",
    "connection",
];

impl Web {
    /// True when a proxy tells who a user is.
    pub fn has_proxy(&self) -> bool {
        self.user_header.is_some()
    }

    /// Checks that the section can be used.
    ///
    /// # Errors
    ///
    /// [`Wrong`] with the reason.
    pub fn check(&self) -> Result<(), Wrong> {
        self.check_header()?;
        self.check_names()?;
        if let Some(url) = &self.commit_url {
            let begins = ["https://", "http://"].iter().any(|start| url.starts_with(start));
            let is_bad = |c: char| c.is_whitespace() || c.is_control();
            if !begins || !url.contains("{commit}") || url.contains(is_bad) {
                return Err(Wrong::Commit(url.clone()));
            }
        }
        if !(1..=10_000).contains(&self.connections) {
            return Err(Wrong::Connections(self.connections));
        }
        Ok(())
    }

    fn check_header(&self) -> Result<(), Wrong> {
        let lists = [&self.view, &self.operate, &self.admin];
        let Some(header) = &self.user_header else {
            let named = [("proxies", self.proxies.is_empty()), ("view", self.view.is_empty())];
            let rest = [("operate", self.operate.is_empty()), ("admin", self.admin.is_empty())];
            let set = named.into_iter().chain(rest).find(|(_, is_empty)| !is_empty);
            return set.map_or(Ok(()), |(name, _)| Err(Wrong::NoHeader(name)));
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if header.is_empty() || !header.chars().all(allowed) {
            return Err(Wrong::Header(header.clone()));
        }
        if TAKEN.contains(&header.to_ascii_lowercase().as_str()) {
            return Err(Wrong::Taken(header.clone()));
        }
        if lists.iter().all(|list| list.is_empty()) {
            return Err(Wrong::NoRoles);
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), Wrong> {
        let lists = [
            ("view", &self.view),
            ("operate", &self.operate),
            ("admin", &self.admin),
            ("names", &self.names),
        ];
        for (list, names) in lists {
            for name in names {
                if name == "*" && list != "view" {
                    return Err(Wrong::Everybody(list));
                }
                if name.trim().is_empty() || name.chars().any(char::is_control) {
                    return Err(Wrong::Name { list, name: name.clone() });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        let web: Web = toml::from_str(text).map_err(|error| error.to_string())?;
        web.check().map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, said) in [
            ("user_header = 'X Y'\nview = ['*']", "no name of a header"),
            ("user_header = 'Cookie'\nview = ['*']", "another meaning"),
            ("user_header = 'X-Remote-User'", "nobody may do anything"),
            ("operate = ['olga']", "no user_header"),
            ("proxies = ['10.0.0.1']", "no user_header"),
            ("user_header = 'X-U'\nadmin = ['*']", "name who may admin"),
            ("user_header = 'X-U'\noperate = [' ']", "is no name"),
            ("commit_url = 'javascript:alert(1)//{commit}'", "https://"),
            ("commit_url = 'https://git/'", "{commit}"),
            ("connections = 0", "from 1"),
            ("pubic = true", "unknown field"),
            ("proxies = ['proxy.example.org']", "invalid"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn what_can_be_meant_is_taken() {
        check("").unwrap();
        check("public = true").unwrap();
        check(
            "user_header = 'X-Remote-User'\nproxies = ['::1', '10.0.0.1']\nview = ['*']\noperate = ['olga']",
        )
        .unwrap();
        check("commit_url = 'https://git.example.org/{package}/commit/{commit}'").unwrap();
    }
}
