//! Address of a package's repository on a remote: a template of URLs, or of folders of this machine.

use std::fmt;
use std::path::PathBuf;

/// Way to reach a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A folder of this machine.
    Path,
    /// A URL with `ssh://`.
    Ssh,
    /// A URL with `https://` or `http://`.
    Http,
}

/// A template of addresses, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    scheme: Scheme,
}

/// Reason why a text is no template of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// All packages would have one repository.
    #[error("{0:?} has no {{package}}: all packages would have one repository")]
    NoPackage(String),
    /// Something in braces that means nothing.
    #[error("{{{0}}} means nothing in an address: {{prefix}}, {{package}} and {{slug}} do")]
    Placeholder(String),
    /// No scheme that can be published to.
    #[error(
        "{0:?} is no address: write ssh://USER@HOST/PATH, https://HOST/PATH, or the absolute path of a folder"
    )]
    Scheme(String),
    /// An address such as `user@host:path`.
    #[error("write {0:?} as ssh://{1}")]
    Scp(String, String),
    /// A password stands in it.
    #[error("an address must not have a password in it: name a file with `password_file`")]
    Password,
    /// A part that a program could take for something else.
    #[error("{0:?} cannot stand in an address")]
    Character(char),
    /// The host name cannot be used.
    #[error("{0:?} has no host, or one that begins with a dash")]
    Host(String),
}

impl Template {
    /// Parses a text.
    ///
    /// # Errors
    /// [`AddressError`] when it is no template of addresses.
    pub fn parse(text: &str) -> Result<Template, AddressError> {
        let bad = |c: &char| c.is_control() || c.is_whitespace() || "'\"\\`$*?[]<>|&;!#".contains(*c);
        if let Some(c) = text.chars().find(bad) {
            return Err(AddressError::Character(c));
        }
        check_placeholders(text)?;
        let scheme = scheme(text)?;
        if scheme != Scheme::Path {
            check_host(text)?;
        }
        Ok(Template { text: text.to_owned(), scheme })
    }

    /// Way to reach it.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The address of a package's repository.
    pub fn of(&self, package: &str, prefix: &str) -> Address {
        // `+` is in names of packages, and not in those that GitLab takes; no package has `_` in its name.
        let slug = package.replace('+', "_plus");
        let text =
            self.text.replace("{prefix}", prefix).replace("{package}", package).replace("{slug}", &slug);
        Address { text, scheme: self.scheme }
    }

    /// Server or folder: the unit of an incident.
    pub fn server(&self) -> String {
        match self.scheme {
            Scheme::Path => {
                let fixed = self.text.split('{').next().unwrap_or_default();
                fixed.rfind('/').and_then(|end| fixed.get(..end)).unwrap_or("/").to_owned()
            }
            Scheme::Ssh | Scheme::Http => {
                let end = self.text.find("://").map_or(0, |at| at + 3);
                let rest = self.text.get(end..).unwrap_or_default();
                let host = rest.split('/').next().unwrap_or_default();
                host.rsplit('@').next().unwrap_or_default().to_owned()
            }
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn check_placeholders(text: &str) -> Result<(), AddressError> {
    let mut rest = text;
    let mut has_package = false;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) =
            after.split_once('}').ok_or_else(|| AddressError::Placeholder(after.to_owned()))?;
        match name {
            "package" | "slug" => has_package = true,
            "prefix" => {}
            other => return Err(AddressError::Placeholder(other.to_owned())),
        }
        rest = after;
    }
    if has_package { Ok(()) } else { Err(AddressError::NoPackage(text.to_owned())) }
}

fn scheme(text: &str) -> Result<Scheme, AddressError> {
    let other = || Err(AddressError::Scheme(text.to_owned()));
    match text.split_once("://") {
        Some(("ssh", _)) => Ok(Scheme::Ssh),
        Some(("https" | "http", _)) => Ok(Scheme::Http),
        Some(_) => other(),
        None if text.starts_with('/') && !text.split('/').any(|part| part == "..") => Ok(Scheme::Path),
        None => match text.split_once(':') {
            Some((host, path)) if !host.contains('/') && !host.is_empty() => {
                let url = format!("{host}/{}", path.trim_start_matches('/'));
                Err(AddressError::Scp(text.to_owned(), url))
            }
            _ => other(),
        },
    }
}

fn check_host(text: &str) -> Result<(), AddressError> {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if user.is_some_and(|user| user.contains(':')) {
        return Err(AddressError::Password);
    }
    let dashes = [Some(host), user].into_iter().flatten().any(|part| part.starts_with('-'));
    if host.is_empty() || path.is_empty() || dashes || authority.contains(['{', '%']) {
        return Err(AddressError::Host(text.to_owned()));
    }
    Ok(())
}

/// Address of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    text: String,
    scheme: Scheme,
}

impl Address {
    /// As Git takes it.
    pub fn url(&self) -> &str {
        &self.text
    }

    /// Way to reach it.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Path on its server: the part behind the host.
    pub fn path(&self) -> &str {
        match self.text.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
            None => &self.text,
        }
    }

    /// The folder, if it is one of this machine.
    pub fn folder(&self) -> Option<PathBuf> {
        (self.scheme == Scheme::Path).then(|| PathBuf::from(&self.text))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_packages() {
        for (template, url, path, server) in [
            (
                "ssh://git@git.example.org/imports/{prefix}/{package}.git",
                "ssh://git@git.example.org/imports/libs/libstdc++.git",
                "/imports/libs/libstdc++.git",
                "git.example.org",
            ),
            (
                "https://gitlab.example.org:8443/imports/{slug}.git",
                "https://gitlab.example.org:8443/imports/libstdc_plus_plus.git",
                "/imports/libstdc_plus_plus.git",
                "gitlab.example.org:8443",
            ),
            (
                "/srv/git/{prefix}/{package}.git",
                "/srv/git/libs/libstdc++.git",
                "/srv/git/libs/libstdc++.git",
                "/srv/git",
            ),
        ] {
            let template = Template::parse(template).unwrap();
            let address = template.of("libstdc++", "libs");
            assert_eq!((address.url(), address.path(), &template.server()[..]), (url, path, server));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_write() {
        for (text, says) in [
            ("/srv/git/all.git", "no {package}"),
            ("/srv/git/{name}.git", "{name} means nothing"),
            ("/srv/../{package}", "no address"),
            ("srv/{package}", "no address"),
            ("git://host/{package}", "no address"),
            ("ext::sh -c {package}", "cannot stand"),
            ("git@host:imports/{package}.git", "ssh://git@host/imports/{package}.git"),
            ("https://me:secret@host/{package}", "password_file"),
            ("ssh://-oProxyCommand=x/{package}", "dash"),
            ("ssh://{package}/x", "host"),
            ("ssh://host/$(x)/{package}", "cannot stand"),
            ("https:///{package}", "host"),
        ] {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
