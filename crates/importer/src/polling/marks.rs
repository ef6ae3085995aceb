//! Conditions for "unchanged", beside an unchanged index: the same reader, the same use, and rows that are still those
//! from the lists.

use std::collections::{BTreeMap, HashMap};

use archive::config::Archive;
use archive::poll::{READER, Reading, Remembered};
use archive::source::Followed;
use sha2::{Digest, Sha256};
use state::publication::listing::{Key, Place, Recorded};

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
    pub(super) fn add(&mut self, key: &Key, place: &Place) {
        let parts = [&key.0, &key.1, &key.2, &place.0, &place.1];
        let mut text = Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
        for part in parts {
            text.extend_from_slice(part.as_bytes());
            text.push(0);
        }
        let mut half = [0; 16];
        half.iter_mut().zip(Sha256::digest(&text)).for_each(|(to, from)| *to = from);
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
            sums.entry(place.0.as_str()).or_default().add(key, place);
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

    #[test]
    fn rows_agree_with_their_list_in_any_order_and_no_other() {
        let key = |name: &str| (name.to_owned(), "1".to_owned(), "aa".to_owned());
        let place = |component: &str, path: &str| (component.to_owned(), path.to_owned());
        let row = |place: &Place, also: &[Place]| Recorded {
            id: 1,
            place: place.clone(),
            also: also.to_vec(),
            tried: None,
        };
        let (one, two) = (place("main", "a"), place("main", "b"));
        let mut sum = Sum::default();
        sum.add(&key("b"), &two);
        sum.add(&key("a"), &one);
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
