//! Test whether a `.gitmodules` is certainly accepted by `git fsck --strict`.
//!
//! Git's own test is not repeated in full. A file that is refused here though Git would take it is only escaped
//! without need; one that is taken though Git refuses it would spoil the repository for everybody.

/// Schemes for which Git asks whether it could make a canonical URL.
const NORMALIZED: [&str; 4] = ["http://", "https://", "ftp://", "ftps://"];
/// The same with the name of a remote helper, which hides any other URL.
const HELPERS: [&str; 4] = ["http::", "https::", "ftp::", "ftps::"];

/// True when every line is one that an ordinary `.gitmodules` has.
pub(crate) fn are_harmless(content: &[u8]) -> bool {
    content.split(|&byte| byte == b'\n').all(|line| is_harmless_line(line.trim_ascii()))
}

fn is_harmless_line(line: &[u8]) -> bool {
    if line.is_empty() || line.starts_with(b"#") || line.starts_with(b";") {
        return true;
    }
    let Ok(line) = std::str::from_utf8(line) else { return false };
    if let Some(section) = line.strip_prefix("[submodule \"") {
        let name = section.strip_suffix("\"]").unwrap_or("..");
        return !name.is_empty() && !name.contains(['"', '\\']) && !name.split('/').any(|part| part == "..");
    }
    let Some((key, value)) = line.split_once('=') else { return false };
    let (key, value) = (key.trim(), without_comment(value).trim());
    let plain_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain_key && !value.contains(['"', '\\', '%']) && !value.starts_with(['-', '!']) && is_plain_url(value)
}

/// Git takes `#` and `;` anywhere outside of quotes for the beginning of a comment.
fn without_comment(value: &str) -> &str {
    value.split(['#', ';']).next().unwrap_or_default()
}

/// True for a value that is harmless as a URL. Every value is tested, because any key may be the one of the URL.
fn is_plain_url(value: &str) -> bool {
    if HELPERS.iter().any(|helper| value.starts_with(helper)) {
        return false;
    }
    match NORMALIZED.iter().find_map(|scheme| value.strip_prefix(scheme)) {
        Some(rest) => is_plain_address(rest),
        None => is_plain_relative(value),
    }
}

/// A relative URL must not climb into a host (`../:x`).
fn is_plain_relative(value: &str) -> bool {
    let mut rest = value;
    while let Some(shorter) = rest.strip_prefix("../").or_else(|| rest.strip_prefix("./")) {
        rest = shorter;
    }
    rest.len() == value.len() || !rest.starts_with([':', '/'])
}

/// `user@host:port/path`, all but the host optional, as everybody writes it.
fn is_plain_address(address: &str) -> bool {
    let (authority, path) = match address.find('/') {
        Some(slash) => address.split_at(slash),
        None => (address, ""),
    };
    let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    let only = |text: &str, others: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.as_bytes().contains(&byte))
    };
    let plain_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(number) => !number.is_empty() && only(number, ":."),
        None => !host.is_empty() && only(host, ".-_"),
    };
    let plain_port = port.is_none_or(|port| only(port, "") && port.parse::<u16>().is_ok_and(|port| port > 0));
    only(user, ".-_~:") && plain_host && plain_port && only(path, "/.-_~+@,:=?&") && stays_below_root(path)
}

fn stays_below_root(path: &str) -> bool {
    // A question mark ends the path: the rest is not tested as a path, which is the stricter way.
    let depth = path.split('/').skip(1).try_fold(0i32, |depth, part| match part {
        "." | "" => Some(depth),
        ".." => (depth > 0).then(|| depth - 1),
        _ => Some(depth + 1),
    });
    depth.is_some() && !(path.contains('?') && path.contains(".."))
}
