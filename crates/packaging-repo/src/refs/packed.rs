//! The file `packed-refs`, as text.

use std::io::{self, BufRead, BufReader};
use std::path::Path;

use bounded::file::open_regular;

use crate::refs::{Refs, Value};
use crate::{Error, ObjectId};

const HEADER: &str = "# pack-refs with: peeled fully-peeled sorted \n";

/// All refs that are packed.
#[derive(Default)]
pub(crate) struct Packed {
    pub(crate) refs: Refs,
    /// Refs under names that are not UTF-8, pushed by others. They are kept unchanged and otherwise ignored.
    others: Vec<(Vec<u8>, Value)>,
}

/// Reads the file; a missing file counts as an empty one.
pub(crate) fn read(repository: &Path) -> Result<Packed, Error> {
    let path = repository.join("packed-refs");
    let text = match bounded::file::read(&path, u64::MAX) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Packed::default()),
        Err(error) => return Err(Error::file("read", &path, error)),
    };
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
        let name = std::str::from_utf8(name).map_err(|_| name);
        last_is_other = name.is_err();
        match name {
            Ok(name) => refs.push((name.to_owned(), value)),
            Err(bytes) => others.push((bytes.to_owned(), value)),
        }
    }
    Ok(Packed { refs: refs.into_iter().collect(), others })
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
