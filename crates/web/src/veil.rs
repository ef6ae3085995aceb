//! Veil over public pages: it hides hosts, paths, logs and names of operators.

use serde_json::Value;

use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{clean, short};

/// Replacements of a text.
pub struct Veil {
    is_on: bool,
    hosts: Vec<String>,
}

/// Fields of answers that are never public.
const HIDDEN: [&str; 22] = [
    "channels",
    "host",
    "hosts",
    "running",
    "last_run",
    "unwalled",
    "locks",
    "repository",
    "actor",
    "by",
    "made_by",
    "note",
    "bug",
    "attempts",
    "mirror",
    "remotes",
    "unpublished",
    "collisions",
    "place",
    "who",
    "decided_by",
    "changed_by",
];
/// Kinds of waits: what such a thing waits for is public.
const WAITS: [&str; 3] = ["history", "base", "pool"];
/// Replacement of a path; next, of a host.
const PATH: &str = "[path]";
const HOST: &str = "[host]";

impl Veil {
    /// Veil for a request's user.
    ///
    /// # Errors
    /// The names of the hosts cannot be read, so that nobody knows what has to be hidden.
    pub async fn of(asked: &Asked) -> Result<Veil, Problem> {
        if !asked.viewer.is_public {
            return Ok(Veil { is_on: false, hosts: Vec::new() });
        }
        let found = asked.app.reader.hosts(None).await?;
        let hosts = found.value.hosts.iter().map(|host| host.host.clone()).collect();
        Ok(Veil { is_on: true, hosts })
    }

    /// True when something is hidden.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// A text in one line, as far as it is public.
    pub fn text(&self, text: &str) -> String {
        if self.is_on { self.without(&clean(text)) } else { clean(text) }
    }

    /// Same, of at most `most` characters.
    pub fn short(&self, text: &str, most: usize) -> String {
        short(&self.text(text), most)
    }

    /// An answer, as far as it is public.
    pub fn json(&self, value: &mut Value) {
        if !self.is_on {
            return;
        }
        match value {
            Value::Object(fields) => {
                let is_reason_public = is_reason_public(fields);
                fields.retain(|name, value| {
                    let is_number = value.is_number();
                    is_number || !HIDDEN.contains(&name.as_str())
                });
                if !is_reason_public {
                    fields.remove("reason");
                }
                fields.values_mut().for_each(|value| self.json(value));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.json(value)),
            Value::String(text) => *text = self.without(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn without(&self, text: &str) -> String {
        let mut shown = without_paths(text);
        for host in self.hosts.iter().filter(|host| host.len() > 2) {
            shown = shown.replace(host.as_str(), HOST);
        }
        shown
    }
}

/// True if a reason is the importer's: why a package is behind, what it waits for. All others were written by people.
fn is_reason_public(fields: &serde_json::Map<String, Value>) -> bool {
    let is_wait = |kind: &Value| WAITS.iter().any(|it| kind == it);
    fields.get("why").is_some_and(|why| why != "held") || fields.get("kind").is_some_and(is_wait)
}

/// A text without the paths of files; web addresses stay.
fn without_paths(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let (mut rest, mut before) = (text, ' ');
    while let Some(at) = rest.find('/') {
        let (start, path) = rest.split_at(at);
        shown.push_str(start);
        before = start.chars().next_back().unwrap_or(before);
        let length = path.find(is_end).unwrap_or(path.len());
        let (path, behind) = path.split_at(length);
        let begins =
            before.is_whitespace() || matches!(before, '"' | '\'' | '(' | '=' | '`' | ',' | '[' | '<');
        let is_path = (begins || shown.ends_with("file://"))
            && path.trim_matches('/').contains(|c: char| c.is_alphanumeric());
        shown.push_str(if is_path { PATH } else { path });
        before = path.chars().next_back().unwrap_or(before);
        rest = behind;
    }
    shown.push_str(rest);
    shown.replace("file:///", "file:").replace("file:[path]", PATH)
}

fn is_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | ')' | ',' | ';' | '`' | ']' | '>' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil() -> Veil {
        Veil { is_on: true, hosts: vec!["worker7".to_owned()] }
    }

    #[test]
    fn paths_and_hosts_are_kept_back() {
        for (text, shown) in [
            ("cannot read /var/lib/package-import/x.dsc: no such file", "cannot read [path]: no such file"),
            (
                "GET https://deb.debian.org/debian/pool/x.dsc: 404",
                "GET https://deb.debian.org/debian/pool/x.dsc: 404",
            ),
            ("(/srv/a) and '/srv/b'", "([path]) and '[path]'"),
            ("patch debian/patches/a.patch fails", "patch debian/patches/a.patch fails"),
            ("on worker7: 3/4", "on [host]: 3/4"),
            ("and/or a / b", "and/or a / b"),
            ("/etc", "[path]"),
        ] {
            assert_eq!(veil().text(text), shown);
        }
    }

    #[test]
    fn answers_have_neither_hosts_nor_people() {
        let mut value = serde_json::json!({
            "now": 1, "hosts": [{"host": "worker7"}], "held": {"by": "olga", "reason": "looks"},
            "collisions": [{"who": "olga"}], "suppressed": [{"kind": "package", "subject": "x", "reason": "olga says so"}],
            "wait": {"kind": "base", "reason": "x 1.0-1"}, "running": 3, "packages": [{"why": "held", "reason": "held by olga: x"}, {"why": "queued", "reason": "number 3"}],
        });
        veil().json(&mut value);
        let text = value.to_string();
        assert!(!text.contains("olga") && !text.contains("worker7"), "{text}");
        assert!(text.contains("number 3") && text.contains("x 1.0-1") && value["running"] == 3, "{text}");
    }
}
