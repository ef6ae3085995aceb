//! The pass file: lines of `host:port:database:user:password`, the first that fits counts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Result of looking up a login in a pass file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The password.
    Found(Vec<u8>),
    /// There is none, and why: shown only if the server wants one.
    Missing(String),
}

/// The login that a password is wanted for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login<'a> {
    pub host: &'a str,
    pub port: u16,
    pub dbname: &'a str,
    pub user: &'a str,
}

/// Looks a login up. A file that others may read is not used, as `libpq` does not use it.
pub(crate) fn look_up(path: &Path, login: Login<'_>) -> Lookup {
    let shown = path.display();
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) => return Lookup::Missing(format!("no pass file {shown}: {error}")),
    };
    if !meta.is_file() {
        return Lookup::Missing(format!("the pass file {shown} is no plain file"));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        return Lookup::Missing(format!(
            "the pass file {shown} was ignored, because its group or others have rights to it: chmod 0600"
        ));
    }
    match bounded::file::read(path, 1 << 20) {
        Ok(text) => find(&text, login).map_or_else(
            || Lookup::Missing(format!("the pass file {shown} has no line for this login")),
            Lookup::Found,
        ),
        Err(error) => Lookup::Missing(format!("cannot read the pass file {shown}: {error}")),
    }
}

/// The password of the first line that fits.
pub(crate) fn find(text: &[u8], login: Login<'_>) -> Option<Vec<u8>> {
    let port = login.port.to_string();
    let wanted = [login.host, &port, login.dbname, login.user];
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"#") {
            return None;
        }
        let mut rest = line;
        for wanted in wanted {
            rest = field(rest, wanted.as_bytes())?;
        }
        let password = unescape(rest);
        (!password.is_empty()).then_some(password)
    })
}

/// Rest of the line behind the first field and its colon, if the field is `*` or the wanted value.
fn field<'a>(line: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut escaped = false;
    let end = line.iter().position(|byte| {
        let ends = *byte == b':' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    let (field, rest) = line.split_at_checked(end)?;
    (field == b"*" || unescape(field) == wanted).then(|| rest.get(1..).unwrap_or(&[]))
}

/// A backslash stands before a colon or a backslash that is meant literally.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.extend(bytes.next()),
            byte => plain.push(*byte),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login<'static> = Login { host: "db", port: 5432, dbname: "import", user: "monitor" };

    fn password(text: &str) -> Option<String> {
        find(text.as_bytes(), LOGIN).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        assert_eq!(password("db:5432:import:monitor:one\n*:*:*:*:two\n").as_deref(), Some("one"));
        assert_eq!(password("other:5432:import:monitor:one\r\n*:*:*:*:two\r\n").as_deref(), Some("two"));
        assert_eq!(password("# db:*:*:*:x\nother:*:*:*:one\n"), None);
        assert_eq!(password("db:5433:import:monitor:one"), None);
        assert_eq!(password("db:5432:import:monitor"), None);
        assert_eq!(password("db:5432:import:monitor:"), None);
        assert_eq!(password(""), None);
    }

    #[test]
    fn backslashes_protect_colons() {
        assert_eq!(password(r"*:*:*:*:a\:b\\c:d").as_deref(), Some(r"a:b\c:d"));
        let login = Login { host: "::1", ..LOGIN };
        assert_eq!(find(br"\:\:1:5432:import:monitor:six", login).as_deref(), Some(b"six".as_slice()));
    }
}
