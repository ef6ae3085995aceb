//! Targets of redirects.

use ureq::http::Uri;

/// Resolves `Location` against the address that answered. `None` if it leads nowhere that is followed: another
/// protocol, or from an encrypted connection to one that is not.
pub(super) fn resolve(from: &Uri, location: &str) -> Option<Uri> {
    let scheme = from.scheme_str()?;
    let authority = from.authority()?;
    let location = location.split('#').next().unwrap_or_default();
    let target = if has_scheme(location) {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let target: Uri = target.parse().ok()?;
    let weaker = scheme == "https" && target.scheme_str() != Some("https");
    let web = matches!(target.scheme_str(), Some("http" | "https"));
    let plain = target.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    (web && plain && !weaker).then_some(target)
}

/// True when an address has a scheme. Its query may contain another address.
fn has_scheme(location: &str) -> bool {
    let Some((scheme, rest)) = location.split_once(':') else { return false };
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    rest.starts_with("//")
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(fits)
}

/// Writes a path of an archive so that it can stand in an address. A plus is encoded, too: some servers take it for a
/// space.
pub(super) fn encode(path: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:,=".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn as_browsers_do() {
        let from =
            |from: &str, location: &str| resolve(&from.parse().unwrap(), location).map(|uri| uri.to_string());
        let http = "http://a.example:8080/debian/pool/x";
        assert_eq!(from(http, "https://b.example/y").unwrap(), "https://b.example/y");
        assert_eq!(from(http, "/y?z").unwrap(), "http://a.example:8080/y?z");
        assert_eq!(from(http, "y").unwrap(), "http://a.example:8080/debian/pool/y");
        assert_eq!(from(http, "//c/y#z").unwrap(), "http://c/y");
        assert_eq!(
            from(http, "y?url=https://x/z").unwrap(),
            "http://a.example:8080/debian/pool/y?url=https://x/z"
        );
        assert_eq!(from(http, "/y?url=https://x/z").unwrap(), "http://a.example:8080/y?url=https://x/z");
        assert_eq!(from("https://a/x", "http://a/x"), None);
        assert_eq!(from(http, "file:///etc/passwd"), None);
        assert_eq!(from(http, "http://user@b/"), None);
        assert_eq!(from(http, ""), Some("http://a.example:8080/debian/pool/".to_owned()));
    }

    #[test]
    fn encodes_what_servers_misread() {
        assert_eq!(encode("pool/g++_1.0~a:b.dsc"), "pool/g%2B%2B_1.0~a:b.dsc");
    }
}
