//! The file `packed-refs`, as text.

use std::io::{self, BufRead, BufReader};
use std::path::Path;

use bounded::file::open_regular;

use crate::refs::refname;
use crate::refs::{Refs, Value};
use crate::{Error, ObjectId};

const HEADER: &str = "# pack-refs with: peeled fully-peeled sorted \n";

/// No file of refs is larger: it would have two million of them.
const LARGEST: u64 = 256 << 20;

/// All refs that are packed.
#[derive(Default)]
pub(crate) struct Packed {
    pub(crate) refs: Refs,
    /// Refs under names that are not UTF-8, pushed by others, or that no ref can have. They are kept unchanged and
    /// otherwise ignored: a name with `..` is a path to elsewhere.
    others: Vec<(Vec<u8>, Value)>,
}

/// Reads the file; a missing file counts as an empty one.
pub(crate) fn read(repository: &Path) -> Result<Packed, Error> {
    let path = repository.join("packed-refs");
    let Some(text) = text(&path)? else { return Ok(Packed::default()) };
    let mut refs: Vec<(String, Value)> = Vec::new();
    let mut others = Vec::new();
    let mut last_is_other = false;
    for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let malformed = || Error::BadLine { path: path.clone(), line: number + 1 };
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if let Some(peeled) = line.strip_prefix(b"^") {
            let last = if last_is_other {
                others.last_mut().map(|(_, value)| value)
            } else {
                refs.last_mut().map(|(_, value)| value)
            };
            let last: &mut Value = last.ok_or_else(malformed)?;
            last.peeled = Some(ObjectId::from_hex(peeled).map_err(|_| malformed())?);
            continue;
        }
        let id = line.get(..40).and_then(|hex| ObjectId::from_hex(hex).ok()).ok_or_else(malformed)?;
        let name = line.get(41..).filter(|name| !name.is_empty()).ok_or_else(malformed)?;
        let value = Value { id, peeled: None };
        let name = std::str::from_utf8(name).ok().filter(|name| is_ref(name)).ok_or(name);
        last_is_other = name.is_err();
        match name {
            Ok(name) => refs.push((name.to_owned(), value)),
            Err(bytes) => others.push((bytes.to_owned(), value)),
        }
    }
    Ok(Packed { refs: refs.into_iter().collect(), others })
}

/// True for a name that a ref can have.
fn is_ref(name: &str) -> bool {
    name.starts_with("refs/") && refname::is_valid(name)
}

fn text(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match bounded::file::read(path, LARGEST) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path, error)),
    }
}

/// Reads what can be read of the file, and says what is wrong with the rest: lines that Git refuses, names that no ref can have,
/// an order in which Git does not find them.
pub(crate) fn read_damaged(repository: &Path) -> Result<(Packed, Vec<String>), Error> {
    let mut packed = Packed::default();
    let mut wrong = Vec::new();
    let Some(text) = text(&repository.join("packed-refs"))? else { return Ok((packed, wrong)) };
    let is_sorted = text.starts_with(b"# pack-refs with:")
        && text
            .split(|&byte| byte == b'\n')
            .next()
            .is_some_and(|line| line.windows(7).any(|it| it == b" sorted"));
    let mut before: Vec<u8> = Vec::new();
    let mut last: Option<String> = None;
    // A line that is cut off may name another ref than it did.
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        wrong.push("its last line is cut off".into());
    }
    for (number, line) in text[..whole].split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let mut say = |what: &str| wrong.push(format!("line {}: {what}", number + 1));
        if let Some(peeled) = line.strip_prefix(b"^") {
            match (ObjectId::from_hex(peeled), last.as_ref().and_then(|name| packed.refs.get_mut(name))) {
                (Ok(peeled), Some(value)) => value.peeled = Some(peeled),
                (Ok(_), None) => {}
                (Err(_), _) => say("what is behind the ref before it cannot be read"),
            }
            continue;
        }
        last = None;
        let id = line.get(..40).and_then(|hex| ObjectId::from_hex(hex).ok()).filter(|id| !id.is_null());
        let name = line.get(41..).filter(|_| line.get(40) == Some(&b' '));
        let (Some(id), Some(name)) = (id, name) else {
            say("is no ref");
            continue;
        };
        let value = Value { id, peeled: None };
        match std::str::from_utf8(name) {
            Ok(name) if is_ref(name) => {
                if packed.refs.insert(name.to_owned(), value).is_some() {
                    say("names a ref for the second time");
                }
                last = Some(name.to_owned());
            }
            Ok(_) => {
                say("no ref can have this name");
                continue;
            }
            Err(_) => packed.others.push((name.to_owned(), value)),
        }
        if is_sorted && name < before.as_slice() {
            say("is out of order: Git does not find it");
        }
        before = name.to_owned();
    }
    Ok((packed, wrong))
}

/// True when an entry without a peeled line is certainly no annotated tag. Other programs than Git write files that do
/// not promise this.
pub(crate) fn is_fully_peeled(repository: &Path) -> Result<bool, Error> {
    let path = repository.join("packed-refs");
    let mut line = Vec::new();
    match open_regular(&path).and_then(|file| BufReader::new(file).read_until(b'\n', &mut line)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(Error::file("read", &path, error)),
        Ok(_) => {}
    }
    let line = String::from_utf8_lossy(&line);
    let traits = line.strip_prefix("# pack-refs with:").unwrap_or_default();
    Ok(traits.split_whitespace().any(|word| word == "fully-peeled"))
}

impl Packed {
    /// All refs under any name, to find tags without a peeled value.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.refs.values_mut().chain(self.others.iter_mut().map(|(_, value)| value))
    }

    /// A ref that cannot exist beside one of this name: `a` and `a/b`.
    pub(crate) fn conflict(&self, name: &str) -> Option<String> {
        let below = format!("{name}/");
        let others = self.others.iter().map(|(other, _)| other);
        find_conflict(name, &self.refs).or_else(|| {
            others.clone().find(|other| other.starts_with(below.as_bytes())).map(|other| lossy(other))
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut all: Vec<(&[u8], &Value)> =
            self.refs.iter().map(|(name, value)| (name.as_bytes(), value)).collect();
        if !self.others.is_empty() {
            all.extend(self.others.iter().map(|(name, value)| (&name[..], value)));
            all.sort_by_key(|(name, _)| *name);
        }
        let mut text = Vec::with_capacity(all.len() * 112 + HEADER.len());
        text.extend_from_slice(HEADER.as_bytes());
        for (name, value) in all {
            push_hex(&mut text, &value.id);
            text.push(b' ');
            text.extend_from_slice(name);
            text.push(b'\n');
            if let Some(peeled) = &value.peeled {
                text.push(b'^');
                push_hex(&mut text, peeled);
                text.push(b'\n');
            }
        }
        text
    }
}

/// A name among sorted ones that is a folder of this name, or of which this name is a folder.
pub(crate) fn find_conflict<T>(name: &str, names: &std::collections::BTreeMap<String, T>) -> Option<String> {
    let mut folder = name;
    while let Some((shorter, _)) = folder.rsplit_once('/') {
        if names.contains_key(shorter) {
            return Some(shorter.to_owned());
        }
        folder = shorter;
    }
    let below = format!("{name}/");
    let (next, _) = names.range(below.clone()..).next()?;
    next.starts_with(&below).then(|| next.clone())
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn push_hex(text: &mut Vec<u8>, id: &ObjectId) {
    let start = text.len();
    text.resize(start + 40, 0);
    let _ = id.hex_to_buf(&mut text[start..]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_ref_can_have_are_kept_and_never_believed() {
        let folder = tempfile::tempdir().unwrap();
        let id = "0123456789abcdef0123456789abcdef01234567";
        let bad =
            ["refs/heads/../../../escape", "refs/heads/a b", "../x", "HEAD", "refs/tags/x.lock", "refs//x"];
        let lines: String = bad.iter().map(|name| format!("{id} {name}\n^{id}\n")).collect();
        let good = format!("{id} refs/tags/good\n");
        std::fs::write(
            folder.path().join("packed-refs"),
            format!("# pack-refs with: peeled \n{lines}{good}"),
        )
        .unwrap();
        let packed = read(folder.path()).unwrap();
        assert_eq!(packed.refs.keys().collect::<Vec<_>>(), ["refs/tags/good"]);
        let text = String::from_utf8(packed.encode()).unwrap();
        for name in bad {
            assert!(text.contains(&format!("{id} {name}\n^{id}\n")), "{text}");
        }
        let (_, wrong) = read_damaged(folder.path()).unwrap();
        assert_eq!(wrong.iter().filter(|it| it.contains("no ref can have this name")).count(), bad.len());
    }
}
