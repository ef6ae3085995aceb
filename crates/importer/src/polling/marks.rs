//! Conditions for "unchanged", beside an unchanged index: the same reader, the same use, and rows that are still those
//! from the lists.

use std::collections::{BTreeMap, HashMap};

use archive::config::Archive;
use archive::poll::{READER, Reading, Remembered};
use archive::source::Followed;
use sha2::{Digest, Sha256};
use state::publication::listing::{Key, Recorded};

/// Use of a suite's index, as a text to compare.
pub(super) fn used_for(config: &Archive, suite: &Followed) -> String {
    let entry = &suite.entry;
    format!(
        "reader {READER}; distro {}; branch {:?}; expect {:?}; weak {}; components {:?}",
        config.distro,
        entry.branch,
        entry.expect,
        config.allow_weak_checksums,
        config.components(entry)
    )
}

/// Hash over the entries of a list, in any order.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    count: u64,
    sum: u128,
}

impl Sum {
    /// Adds an entry, by the texts of its identity and its place.
    pub(super) fn add(&mut self, key: &str, place: &str) {
        let mut hash = Sha256::new();
        for part in [key, "\0", place, "\0"] {
            hash.update(part);
        }
        let mut half = [0; 16];
        half.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        self.count += 1;
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(half));
    }

    pub(super) fn reading(&self, bad: Vec<String>, count: u64) -> Reading {
        Reading { count: self.count, sum: format!("{:032x}", self.sum), bad: count, remarks: bad }
    }
}

/// True when the rows are those that the lists gave when they were read.
pub(super) fn agree(recorded: &HashMap<Key, Recorded>, remembered: &Remembered) -> bool {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for (key, row) in recorded {
        for place in row.places() {
            sums.entry(place.component()).or_default().add(key.as_str(), place.as_str());
        }
    }
    let same = |(component, reading): (&String, &Reading)| {
        let sum = sums.get(component.as_str()).cloned().unwrap_or_default();
        (sum.count, format!("{:032x}", sum.sum)) == (reading.count, reading.sum.clone())
    };
    remembered.read.iter().all(same) && sums.keys().all(|component| remembered.read.contains_key(*component))
}

#[cfg(test)]
mod tests {
    use super::*;
    use state::publication::listing::Place;

    #[test]
    fn rows_agree_with_their_list_in_any_order_and_no_other() {
        let key = |name: &str| Key::new(name, "1", "aa");
        let place = |component: &str, path: &str| Place::new(component, path);
        let row = |place: &Place, also: &[Place]| Recorded::new(1, place.clone(), also.to_vec(), None);
        let (one, two) = (place("main", "a"), place("main", "b"));
        let mut sum = Sum::default();
        sum.add(key("b").as_str(), two.as_str());
        sum.add(key("a").as_str(), one.as_str());
        let read = BTreeMap::from([("main".to_owned(), sum.reading(Vec::new(), 0))]);
        let remembered = Remembered { read, ..Remembered::default() };
        let rows = HashMap::from([(key("a"), row(&one, &[])), (key("b"), row(&two, &[]))]);
        assert!(agree(&rows, &remembered));
        let moved = HashMap::from([(key("a"), row(&one, &[])), (key("b"), row(&place("contrib", "b"), &[]))]);
        assert!(!agree(&moved, &remembered));
        let more =
            HashMap::from([(key("a"), row(&one, std::slice::from_ref(&two))), (key("b"), row(&two, &[]))]);
        assert!(!agree(&more, &remembered));
        assert!(!agree(&HashMap::new(), &remembered));
        assert!(agree(&HashMap::new(), &Remembered::default()));
    }
}
