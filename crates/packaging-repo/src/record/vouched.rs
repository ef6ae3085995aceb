//! What the state keeps of a repository that a host has as a cache only: what the importer has put on the remote, and what it
//! may have put there. It is sealed as the record in the repository's own folder is: who can write a row can make none.
//!
//! A remote's word proves nothing. A ref of it is ours if it points where this says; everything else there is somebody else's.

use std::collections::BTreeMap;

use super::{Entry, Record, SEAL};
use crate::ObjectId;
use crate::seal::PackageKey;

const HEADER: &str = "# package-import remote record 1\n";
/// What was about to be put somewhere is kept of so many attempts: each has died in between.
const ATTEMPTS: usize = 16;

/// What may be believed of a remote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vouched {
    /// What was read back.
    record: Record,
    /// What attempts were about to put there, whose end nobody has recorded: a push may have come through all the same, and
    /// that of a worker which stands still may come yet.
    begun: BTreeMap<String, Vec<ObjectId>>,
}

impl Vouched {
    /// Reads it; `None` if it was not sealed with this key.
    pub fn parse(text: &str, key: &PackageKey) -> Option<Vouched> {
        let end = text.rfind(&format!("\n{SEAL}"))? + 1;
        let (body, seal) = text.split_at_checked(end)?;
        if !key.is_sealed(body.as_bytes(), seal.strip_prefix(SEAL)?.trim_end()) {
            return None;
        }
        let mut vouched = Vouched::default();
        for line in body.strip_prefix(HEADER)?.lines() {
            let (mark, line) = line.split_once(' ')?;
            let (id, name) = line.split_once(' ')?;
            let id = ObjectId::from_hex(id.as_bytes()).ok()?;
            let name = name.to_owned();
            match mark {
                "=" => vouched.record.entries.entry(name).or_default().written = Some(id),
                "~" => vouched.record.entries.entry(name).or_default().adopted = Some(id),
                "+" => vouched.begun.entry(name).or_default().push(id),
                _ => return None,
            }
        }
        Some(vouched)
    }

    /// The text, sealed.
    pub fn encode(&self, key: &PackageKey) -> String {
        let mut text = HEADER.to_owned();
        for (name, entry) in &self.record.entries {
            for (mark, id) in [('=', entry.written.or(entry.begun)), ('~', entry.adopted)] {
                if let Some(id) = id {
                    text.push_str(&format!("{mark} {id} {name}\n"));
                }
            }
        }
        for (name, ids) in &self.begun {
            ids.iter().for_each(|id| text.push_str(&format!("+ {id} {name}\n")));
        }
        let seal = key.seal(text.as_bytes());
        text.push_str(&format!("{SEAL}{seal}\n"));
        text
    }

    /// Whether the importer has put a ref there, or may have.
    pub fn knows(&self, name: &str, id: ObjectId) -> bool {
        self.record.knows(name, id) || self.begun.get(name).is_some_and(|ids| ids.contains(&id))
    }

    /// The names that are spoken of, sorted.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.record
            .entries
            .keys()
            .chain(self.begun.keys().filter(|it| !self.record.entries.contains_key(*it)))
    }

    /// Where each ref has to be that was read back; what was adopted is where somebody else has put it.
    pub fn expected(&self) -> impl Iterator<Item = (&String, ObjectId)> {
        let places = self.record.entries.iter();
        places.filter_map(|(name, entry)| Some((name, entry.adopted.or(entry.written)?)))
    }

    /// What is on record of a repository that has these refs.
    pub fn record(&self, there: &BTreeMap<String, ObjectId>) -> Record {
        let mut record = Record::default();
        for name in self.names() {
            let known = self.record.entries.get(name).copied().unwrap_or_default();
            let found = there.get(name).copied();
            let entry = match found.filter(|id| self.knows(name, *id)) {
                Some(id) => Entry { written: Some(id), ..Entry::default() },
                None => {
                    Entry { begun: None, adopted: known.adopted.filter(|id| found == Some(*id)), ..known }
                }
            };
            if entry.written.is_some() {
                record.entries.insert(name.clone(), entry);
            }
        }
        record
    }

    /// Notes what is about to be put there.
    pub fn begin(&mut self, wanted: &Record) {
        for (name, entry) in &wanted.entries {
            let Some(id) = entry.begun.or(entry.written) else { continue };
            let ids = self.begun.entry(name.clone()).or_default();
            if self.record.entries.get(name).is_none_or(|it| it.written != Some(id)) && !ids.contains(&id) {
                ids.push(id);
                ids.drain(..ids.len().saturating_sub(ATTEMPTS));
            }
        }
        self.begun.retain(|_, ids| !ids.is_empty());
    }

    /// Notes that all of this was read back. A tag that is there moves no more; a branch could still be moved on by whoever
    /// was about to.
    pub fn settle(&mut self, there: &Record) {
        self.record = there.clone();
        for (name, ids) in &mut self.begun {
            match there.entries.get(name) {
                Some(_) if !name.starts_with("refs/heads/") => ids.clear(),
                Some(entry) => ids.retain(|id| entry.written != Some(*id)),
                None => {}
            }
        }
        self.begun.retain(|_, ids| !ids.is_empty());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use source_package::version::PackageName;

    use super::*;
    use crate::seal::Key;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    fn record(all: &[(&str, char)]) -> Record {
        let mut record = Record::default();
        all.iter().for_each(|(name, it)| record.confirm((*name).to_owned(), id(*it)));
        record
    }

    fn there(all: &[(&str, char)]) -> BTreeMap<String, ObjectId> {
        all.iter().map(|(name, it)| ((*name).to_owned(), id(*it))).collect()
    }

    const TAG: &str = "refs/tags/debian/1";
    const BRANCH: &str = "refs/heads/debian/sid";

    #[test]
    fn what_was_begun_is_ours_once_it_is_there_and_never_before() {
        let mut vouched = Vouched::default();
        vouched.begin(&record(&[(TAG, '1'), (BRANCH, '2')]));
        assert_eq!(vouched.record(&there(&[])), Record::default(), "nothing was read back");
        let half = vouched.record(&there(&[(TAG, '1')]));
        assert!(half.knows(TAG, id('1')) && !half.knows(BRANCH, id('2')));
        assert!(!vouched.record(&there(&[(TAG, '9')])).knows(TAG, id('9')), "somebody else's");
        // Another attempt does it otherwise, and the first may still come through.
        vouched.begin(&record(&[(TAG, '3'), (BRANCH, '4')]));
        vouched.settle(&record(&[(TAG, '3'), (BRANCH, '4')]));
        assert!(!vouched.knows(TAG, id('1')), "a tag that is there does not move");
        assert!(vouched.knows(BRANCH, id('2')) && !vouched.record(&there(&[])).knows(BRANCH, id('2')));
        let expected: Vec<_> = vouched.expected().map(|(name, id)| (name.clone(), id)).collect();
        assert_eq!(expected, [(BRANCH.to_owned(), id('4')), (TAG.to_owned(), id('3'))]);
    }

    #[test]
    fn what_is_kept_elsewhere_is_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str| {
            let key = Key::open_or_make(&folder.path().join("repos")).unwrap();
            key.of_package(&PackageName::new(name).unwrap())
        };
        let mut vouched = Vouched { record: record(&[(TAG, '1')]), ..Vouched::default() };
        vouched.record.adopt(BRANCH, id('5'), id('6'));
        vouched.begin(&record(&[(BRANCH, '7')]));
        let text = vouched.encode(&key("a0"));
        let read = Vouched::parse(&text, &key("a0")).unwrap();
        assert_eq!(read.encode(&key("a0")), text);
        assert!(
            read.knows(BRANCH, id('7')) && read.record(&there(&[(BRANCH, '6')])).adopted(BRANCH).is_some()
        );
        assert!(Vouched::parse(&text, &key("b0")).is_none());
        assert!(Vouched::parse(&text.replace('1', "2"), &key("a0")).is_none());
        assert!(Vouched::parse("", &key("a0")).is_none() && Vouched::parse(HEADER, &key("a0")).is_none());
    }

    #[test]
    fn attempts_that_died_are_kept_within_bounds() {
        let mut vouched = Vouched::default();
        for digit in "0123456789abcdef0123456789abcdef".chars() {
            vouched.begin(&record(&[(BRANCH, digit)]));
        }
        assert_eq!(vouched.begun[BRANCH].len(), ATTEMPTS);
    }
}
