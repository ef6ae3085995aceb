//! Refs as a server lists them, and as they are wanted.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::ObjectId;

/// A ref that a remote is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Full name of the ref.
    pub name: String,
    /// Object that it points to.
    pub id: ObjectId,
    /// Object behind it, if it is an annotated tag.
    pub peeled: Option<ObjectId>,
}

impl Wanted {
    /// True for a branch.
    pub fn is_branch(&self) -> bool {
        self.name.starts_with("refs/heads/")
    }
}

/// Refs that a server advertises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertised {
    /// Object that each ref points to.
    pub refs: BTreeMap<String, ObjectId>,
    /// The branch that a clone checks out, if it exists.
    pub head: Option<String>,
}

impl Advertised {
    /// True when there is no branch yet.
    pub fn is_new(&self) -> bool {
        !self.refs.keys().any(|name| name.starts_with("refs/heads/"))
    }
}

/// Reads the output of `git ls-remote --symref`. Unknown lines and the `^{}` lines of tags are skipped.
pub fn parse(text: &[u8]) -> Advertised {
    let mut found = Advertised::default();
    for line in text.split(|&byte| byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let Some((what, name)) = line.split_once('\t') else { continue };
        if let Some(target) = what.strip_prefix("ref: ") {
            if name == "HEAD" {
                found.head = Some(target.to_owned());
            }
            continue;
        }
        let Ok(id) = ObjectId::from_hex(what.as_bytes()) else { continue };
        if name.starts_with("refs/") && !name.ends_with("^{}") {
            found.refs.insert(name.to_owned(), id);
        }
    }
    found
}

/// One hash of refs and their values, independent of the order in which they are given.
pub fn fingerprint<'a>(refs: impl Iterator<Item = (&'a str, &'a ObjectId)>) -> String {
    let sorted: BTreeMap<&str, &ObjectId> = refs.collect();
    let mut hash = Sha256::new();
    for (name, id) in sorted {
        hash.update(format!("{id} {name}\n"));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_server_says() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let text = format!(
            "ref: refs/heads/debian/sid\tHEAD\n{a}\tHEAD\n{a}\trefs/heads/debian/sid\n{b}\trefs/tags/x\n{a}\trefs/tags/x^{{}}\nrubbish\nzz\trefs/heads/y\n"
        );
        let found = parse(text.as_bytes());
        assert_eq!(found.head.as_deref(), Some("refs/heads/debian/sid"));
        let names: Vec<&String> = found.refs.keys().collect();
        assert_eq!(names, ["refs/heads/debian/sid", "refs/tags/x"]);
        assert!(!found.is_new() && parse(b"").is_new());
    }
}
