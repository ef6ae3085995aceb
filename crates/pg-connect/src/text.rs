//! Parser of a connection string: from its text to pairs of keys and values. The module `settings` has the meaning of
//! the keys.

use crate::error::TargetError;

/// A key and its value. Empty values are left out: they mean "not given".
pub(crate) type Pair = (String, String);

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// The pairs of a URL or of `key=value` words.
pub(crate) fn pairs(text: &str) -> Result<Vec<Pair>, TargetError> {
    let text = text.trim();
    if text.contains('\0') {
        return Err(TargetError::Malformed("it contains a NUL"));
    }
    let mut pairs = match SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        Some(rest) => url(rest)?,
        None => words(text)?,
    };
    if pairs.iter().any(|(key, _)| matches!(key.as_str(), "password" | "sslpassword")) {
        return Err(TargetError::Password);
    }
    pairs.retain(|(_, value)| !value.is_empty());
    for (number, (key, _)) in pairs.iter().enumerate() {
        if pairs.iter().skip(number + 1).any(|(other, _)| other == key) {
            return Err(TargetError::Twice(key.clone()));
        }
    }
    Ok(pairs)
}

/// Reads `[user@][host[:port],...][/dbname][?key=value&...]`.
fn url(rest: &str) -> Result<Vec<Pair>, TargetError> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    // The last `@`, so that a password with an `@` in it is recognised, and refused.
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    if user.contains(':') {
        return Err(TargetError::Password);
    }
    let (hosts, ports) = host_lists(hosts)?;
    let mut pairs = vec![
        ("user".to_owned(), decode(user)?),
        ("host".to_owned(), hosts),
        ("port".to_owned(), ports),
        ("dbname".to_owned(), decode(database)?),
    ];
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, value) =
            parameter.split_once('=').ok_or(TargetError::Malformed("a parameter without \"=\""))?;
        pairs.push((decode(key)?, decode(value)?));
    }
    Ok(pairs)
}

/// The hosts and the ports of a URL's authority as the lists that the keys `host` and `port` take.
fn host_lists(text: &str) -> Result<(String, String), TargetError> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for item in text.split(',') {
        let (host, port) = match item.strip_prefix('[') {
            Some(rest) => {
                let (host, after) =
                    rest.split_once(']').ok_or(TargetError::Malformed("a \"[\" without \"]\""))?;
                let port = match after.strip_prefix(':') {
                    Some(port) => port,
                    None if after.is_empty() => "",
                    None => return Err(TargetError::Malformed("something other than a port after \"]\"")),
                };
                (host, port)
            }
            None => item.split_once(':').unwrap_or((item, "")),
        };
        let host = decode(host)?;
        if host.contains(',') {
            return Err(TargetError::Malformed("a host with a comma"));
        }
        hosts.push(host);
        ports.push(port);
    }
    let none = ports.iter().all(|port| port.is_empty());
    Ok((hosts.join(","), if none { String::new() } else { ports.join(",") }))
}

/// Percent-decoding of a text.
fn decode(text: &str) -> Result<String, TargetError> {
    const BAD: TargetError = TargetError::Malformed("\"%\" must be followed by two hexadecimal digits");
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(BAD);
        let value = digit()? * 16 + digit()?;
        decoded.push(u8::try_from(value).map_err(|_| BAD)?);
    }
    if decoded.contains(&0) {
        return Err(TargetError::Malformed("it contains a NUL"));
    }
    String::from_utf8(decoded).map_err(|_| TargetError::Malformed("it is not UTF-8"))
}

/// `key = 'value with spaces' other=value`, as `libpq` reads it.
fn words(text: &str) -> Result<Vec<Pair>, TargetError> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let after = after.trim_start().strip_prefix('=').ok_or(TargetError::Malformed(
            "it is neither a URL (postgresql://...) nor \"key=value\" words",
        ))?;
        if key.is_empty() {
            return Err(TargetError::Malformed("a value without a key"));
        }
        let (value, after) = word(after.trim_start())?;
        pairs.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// One value and what follows it.
fn word(text: &str) -> Result<(String, &str), TargetError> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            '\'' if quoted => {
                let after = text.get(at + 1..).unwrap_or("");
                if after.starts_with(|c: char| !c.is_whitespace()) {
                    return Err(TargetError::Malformed("no space after a closing quote"));
                }
                return Ok((value, after));
            }
            c if c.is_whitespace() && !quoted => return Ok((value, text.get(at..).unwrap_or(""))),
            c => value.push(c),
        }
    }
    if quoted { Err(TargetError::Malformed("a quote that is not closed")) } else { Ok((value, "")) }
}
