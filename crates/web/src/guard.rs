//! Headers of every answer, and requests that are refused.

use axum::http::header::{HeaderName, HeaderValue, ORIGIN};
use axum::http::{HeaderMap, Method};

use crate::app::App;
use crate::listen::Listen;

/// Headers of every answer.
pub const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // Not no-referrer: our own forms would then send no origin.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("x-robots-tag", "noindex"),
];

/// Puts them on an answer.
pub fn protect(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry("cache-control").or_insert(HeaderValue::from_static("no-store"));
}

/// Reason why a request is refused.
pub enum Unheard {
    /// It changes something and comes from a page of another site.
    Elsewhere(String),
    /// It is for another name.
    Name(String),
}

/// Checks the origin of a request, and the host name that it is for.
pub fn examine(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), Unheard> {
    let mut hosts = headers.get_all("host").iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    if hosts.next().is_some() {
        return Err(Unheard::Name("the request has two names of a host: refused".to_owned()));
    }
    if !is_ours(app, host) {
        let name = host.unwrap_or_default();
        return Err(Unheard::Name(format!(
            "this server does not have the name {name:?}; add it to [web] names if it has"
        )));
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    from_here(headers, host).map_err(Unheard::Elsewhere)
}

/// True for a host name that is this server's. A foreign page can make its own name point to this address (DNS
/// rebinding), so where everybody may look, only names that cannot be redirected are accepted.
fn is_ours(app: &App, host: Option<&str>) -> bool {
    let name =
        host.map(|host| host.strip_suffix(|c: char| c.is_ascii_digit()).map_or(host, |_| without_port(host)));
    let named = |name: &str| app.gate.web.names.iter().any(|it| it.eq_ignore_ascii_case(name));
    let is_fixed = |name: &str| {
        name.eq_ignore_ascii_case("localhost")
            || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
    };
    let is_open = app.gate.is_open();
    match name {
        Some(name) if named(name) => true,
        _ if matches!(app.listen, Listen::Unix(_)) && app.gate.web.names.is_empty() => true,
        Some(name) if is_fixed(name) => app.gate.web.names.is_empty() || app.listen.is_local(),
        Some(_) => app.gate.web.names.is_empty() && !is_open,
        None => app.gate.web.names.is_empty(),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.chars().all(|c| c.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

/// Checks that a request which changes something was sent by a page of this server. A browser tells by
/// `Sec-Fetch-Site`, which no page can set; older ones by `Origin`.
fn from_here(headers: &HeaderMap, host: Option<&str>) -> Result<(), String> {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value.to_str().unwrap_or("?").to_owned()),
            (None, _) => None,
            _ => Some("?".to_owned()),
        }
    };
    match (one("sec-fetch-site"), one(ORIGIN.as_str())) {
        (Some(site), _) if site == "same-origin" => Ok(()),
        (Some(site), _) => Err(format!("Sec-Fetch-Site is {site:?}, not same-origin")),
        (None, Some(origin)) => {
            let from = origin.split_once("://").map(|(_, host)| host);
            if from.is_some() && from == host { Ok(()) } else { Err(format!("it comes from {origin:?}")) }
        }
        (None, None) => Err("it has neither Sec-Fetch-Site nor Origin".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_pages_of_this_server_may_change_anything() {
        let host = Some("imports.example.org");
        let heard = |pairs: &[(&'static str, &'static str)]| from_here(&headers(pairs), host).is_ok();
        assert!(heard(&[("sec-fetch-site", "same-origin")]));
        assert!(heard(&[("origin", "https://imports.example.org")]));
        for wrong in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://imports.example.org")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "https://imports.example.org.evil.example")],
            &[("origin", "https://imports.example.org"), ("origin", "https://evil.example")],
        ] {
            assert!(!heard(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn ports_are_no_part_of_a_name() {
        for (host, name) in [("a:80", "a"), ("[::1]:80", "[::1]"), ("a", "a"), ("::1", "::1")] {
            assert_eq!(without_port(host), name);
        }
    }
}
