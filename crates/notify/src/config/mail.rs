//! `[[notify.mail]]`.

use std::path::PathBuf;

use lettre::message::Mailbox;
use serde::Deserialize;

use super::{Wrong, wrong};

/// Mail to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The sender.
    pub from: Mailbox,
    /// The recipients.
    pub to: Vec<Mailbox>,
    /// The way out of this machine.
    pub route: Route,
}

/// The ways in which mail leaves this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// By the program that every mail server of a machine brings.
    Sendmail(PathBuf),
    /// By a server.
    Smtp(Server),
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The encryption of the connection.
    pub security: Security,
    /// User name, and the file with the password.
    pub login: Option<(String, PathBuf)>,
    /// The only certificates that may vouch for it, as PEM; else those that this machine trusts.
    pub ca_file: Option<PathBuf>,
}

/// The encryption of a connection to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// In the clear.
    None,
    /// In the clear until TLS has begun, which has to.
    StartTls,
    /// By TLS from the beginning.
    Tls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    from: String,
    to: Vec<String>,
    smtp: Option<String>,
    sendmail: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

/// The program of the machine's own mail server.
const SENDMAIL: &str = "/usr/sbin/sendmail";

pub(super) fn read(table: toml::Table, name: &str) -> Result<Mail, Wrong> {
    let file: File = table.try_into().map_err(|error| wrong("notify.mail", &error))?;
    let at = |text: String| Wrong(format!("[[notify.mail]] {name}: {text}"));
    let mailbox = |text: &String| {
        let is_one = !text.chars().any(char::is_control);
        text.parse::<Mailbox>()
            .ok()
            .filter(|_| is_one)
            .ok_or_else(|| at(format!("{text:?} is no address of mail")))
    };
    let from = mailbox(&file.from)?;
    let to = file.to.iter().map(mailbox).collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() {
        return Err(at("to: nobody would get it".into()));
    }
    let route = match (&file.smtp, file.sendmail) {
        (Some(_), Some(_)) => return Err(at("smtp or sendmail, not both".into())),
        (Some(url), None) => {
            let login = match (file.user, file.password_file) {
                (Some(user), Some(file)) => Some((user, file)),
                (None, None) => None,
                _ => return Err(at("user and password_file belong together".into())),
            };
            let mut server = server(url, login).map_err(at)?;
            if file.ca_file.is_some() && server.security == Security::None {
                return Err(at("ca_file is for smtps:// and smtp+starttls://".into()));
            }
            server.ca_file = file.ca_file;
            Route::Smtp(server)
        }
        (None, _) if file.user.is_some() || file.password_file.is_some() || file.ca_file.is_some() => {
            return Err(at("user, password_file and ca_file are for smtp".into()));
        }
        (None, program) => Route::Sendmail(program.unwrap_or_else(|| SENDMAIL.into())),
    };
    Ok(Mail { from, to, route })
}

/// `smtps://HOST`, `smtp+starttls://HOST`, `smtp://HOST`, each with a port if it is not the usual one.
fn server(url: &str, login: Option<(String, PathBuf)>) -> Result<Server, String> {
    let form = || {
        format!(
            "smtp = {url:?}: smtps://HOST, smtp+starttls://HOST or smtp://HOST, with :PORT if it is not 465, 587, 25"
        )
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
    let (security, usual) = match scheme {
        "smtps" => (Security::Tls, 465),
        "smtp+starttls" => (Security::StartTls, 587),
        "smtp" => (Security::None, 25),
        _ => return Err(form()),
    };
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, usual),
        Some((host, port)) => (host, port.strip_prefix(':').and_then(|it| it.parse().ok()).ok_or_else(form)?),
        None => match rest.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| form())?),
            None => (rest, usual),
        },
    };
    let is_good = |c: char| c.is_ascii_alphanumeric() || ".-:_".contains(c);
    if host.is_empty() || !host.chars().all(is_good) {
        return Err(form());
    }
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
    if login.is_some() && security == Security::None && !is_here {
        return Err("the password would travel in the clear: smtps:// or smtp+starttls://".into());
    }
    Ok(Server { host: host.to_owned(), port, security, login, ca_file: None })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn servers() {
        let of = |url: &str| server(url, None);
        let it = of("smtps://mail.example.org").unwrap();
        assert_eq!((it.host.as_str(), it.port, it.security), ("mail.example.org", 465, Security::Tls));
        assert_eq!(of("smtp+starttls://a:2525/").unwrap().port, 2525);
        assert_eq!(of("smtp://[::1]").unwrap().host, "::1");
        assert_eq!(of("smtp://[::1]:26").unwrap().port, 26);
        for wrong in
            ["", "mail", "http://a", "smtp://", "smtp://a:b", "smtp://u:p@a", "smtp://a b", "smtp://[::1]x"]
        {
            assert!(of(wrong).unwrap_err().contains("smtps://HOST"), "{wrong}");
        }
        let login = Some(("olga".to_owned(), PathBuf::from("/p")));
        assert!(server("smtp://a", login.clone()).unwrap_err().contains("in the clear"));
        assert!(server("smtp://127.0.0.1", login).is_ok());
    }
}
