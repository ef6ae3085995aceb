//! Keys of a connection string, and their meaning.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use crate::error::TargetError;
use crate::target::{DEFAULT_PORT, SYSTEM_SOCKETS, Server, SslMode, Target};
use crate::text::Pair;

/// The target that the pairs describe.
pub(crate) fn target(pairs: &[Pair]) -> Result<Target, TargetError> {
    let mut target = Target::default();
    let mut lists = Lists::default();
    for (key, value) in pairs {
        if !lists.take(key, value) {
            apply(&mut target, key, value)?;
        }
    }
    target.servers = lists.servers()?;
    Ok(target)
}

fn apply(target: &mut Target, key: &str, value: &str) -> Result<(), TargetError> {
    match key {
        "dbname" => target.dbname = Some(value.to_owned()),
        "user" => target.user = Some(value.to_owned()),
        "passfile" => target.passfile = Some(value.into()),
        "sslrootcert" => target.root_certificates = Some(value.into()),
        "application_name" => target.application_name = Some(value.to_owned()),
        "options" => target.options = Some(value.to_owned()),
        "sslmode" => target.ssl_mode = ssl_mode(key, value)?,
        "channel_binding" => {
            let words = [("disable", Some(false)), ("prefer", None), ("require", Some(true))];
            target.channel_binding = choice(key, value, &words, "disable, prefer or require")?;
        }
        "target_session_attrs" => {
            let words = [("any", None), ("read-write", Some(true)), ("read-only", Some(false))];
            target.writable = choice(key, value, &words, "any, read-write or read-only")?;
        }
        "connect_timeout" => target.connect_timeout = Duration::from_secs(positive(key, value)?.into()),
        "tcp_user_timeout" => target.tcp_user_timeout = Duration::from_millis(positive(key, value)?.into()),
        "keepalives" => {
            target.keepalive.on = choice(key, value, &[("0", false), ("1", true)], "0 or 1")?;
        }
        "keepalives_idle" => target.keepalive.idle = Duration::from_secs(positive(key, value)?.into()),
        "keepalives_interval" => {
            target.keepalive.interval = Duration::from_secs(positive(key, value)?.into())
        }
        "keepalives_count" => target.keepalive.count = positive(key, value)?,
        _ => return Err(TargetError::UnknownKey(key.to_owned())),
    }
    Ok(())
}

fn ssl_mode(key: &str, value: &str) -> Result<SslMode, TargetError> {
    let modes = [SslMode::Disable, SslMode::Prefer, SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull];
    let words = modes.map(|mode| (mode.as_str(), mode));
    choice(key, value, &words, "disable, prefer, require, verify-ca or verify-full")
}

fn choice<T: Copy>(
    key: &str,
    value: &str,
    words: &[(&str, T)],
    wanted: &'static str,
) -> Result<T, TargetError> {
    let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| TargetError::Value { key: key.to_owned(), wanted })
}

/// Zero would mean "forever" to `libpq`; no wait here is unlimited.
fn positive(key: &str, value: &str) -> Result<u32, TargetError> {
    let number = u32::from_str(value).ok().filter(|number| (1..=i32::MAX as u32).contains(number));
    number.ok_or_else(|| TargetError::Value { key: key.to_owned(), wanted: "a whole number above 0" })
}

/// The keys that take lists, which belong together.
#[derive(Default)]
struct Lists<'a> {
    hosts: Option<&'a str>,
    addresses: Option<&'a str>,
    ports: Option<&'a str>,
}

impl<'a> Lists<'a> {
    fn take(&mut self, key: &str, value: &'a str) -> bool {
        match key {
            "host" => self.hosts = Some(value),
            "hostaddr" => self.addresses = Some(value),
            "port" => self.ports = Some(value),
            _ => return false,
        }
        true
    }

    fn servers(&self) -> Result<Vec<Server>, TargetError> {
        let names: Vec<&str> = match (self.hosts, self.addresses) {
            (Some(hosts), _) => hosts.split(',').collect(),
            (None, Some(addresses)) => addresses.split(',').collect(),
            (None, None) => vec![""],
        };
        let addresses = per_host("hostaddr", self.addresses, names.len(), false)?;
        let ports = per_host("port", self.ports, names.len(), true)?;
        let server = |((name, address), port): ((&&str, &str), &str)| {
            let address = optional::<IpAddr>("hostaddr", address, "an IP address")?;
            let port = optional::<u16>("port", port, "a port number")?.unwrap_or(DEFAULT_PORT);
            let host = match (name.is_empty(), address) {
                (false, _) => (*name).to_owned(),
                (true, Some(address)) => address.to_string(),
                (true, None) => SYSTEM_SOCKETS.to_owned(),
            };
            Ok(Server { host, address, port })
        };
        names.iter().zip(addresses).zip(ports).map(server).collect()
    }
}

/// One item for each host: a list of the same length, an empty one, or (ports only) a single one for all.
fn per_host<'a>(
    key: &'static str,
    list: Option<&'a str>,
    hosts: usize,
    single: bool,
) -> Result<Vec<&'a str>, TargetError> {
    let items: Vec<&str> = list.map_or_else(|| vec![""; hosts], |list| list.split(',').collect());
    match items.as_slice() {
        [item] if single => Ok(vec![item; hosts]),
        items if items.len() == hosts => Ok(items.to_vec()),
        _ => Err(TargetError::Lists(key)),
    }
}

fn optional<T: FromStr>(key: &str, text: &str, wanted: &'static str) -> Result<Option<T>, TargetError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| TargetError::Value { key: key.to_owned(), wanted })
}
