//! The order in which the versions of one plan become commits: parents before children, whatever order they were
//! given in.

use std::collections::HashMap;

use source_package::version::Version;

/// Facts that the order depends on.
#[derive(Clone, Copy, Debug)]
pub struct OrderKey<'a> {
    /// Version of the source package.
    pub version: &'a Version,
    /// The SHA-256 of its `.dsc`: decides between two of the same version.
    pub dsc_sha256: &'a str,
    /// The versions below the top of its changelog, newest first.
    pub below: &'a [Version],
}

impl OrderKey<'_> {
    /// Orders places by version, then by content.
    pub fn compare(&self, other: &OrderKey<'_>) -> std::cmp::Ordering {
        (self.version.cmp(other.version)).then_with(|| self.dsc_sha256.cmp(other.dsc_sha256))
    }
}

/// Order in which every version comes after those of the plan that its changelog names. Where changelogs name
/// each other, the lower version comes first.
pub fn by_history(places: &[OrderKey<'_>]) -> Vec<usize> {
    let mut sorted: Vec<usize> = (0..places.len()).collect();
    sorted.sort_by(|&a, &b| places[a].compare(&places[b]));
    let mut by_version: HashMap<&str, Vec<usize>> = HashMap::new();
    for &place in &sorted {
        by_version.entry(places[place].version.as_str()).or_default().push(place);
    }
    let parents = without_loops(&sorted, places, &by_version);
    let mut order = Vec::with_capacity(places.len());
    let mut seen = vec![false; places.len()];
    for &start in &sorted {
        visit(start, &parents, &by_version, &mut seen, &mut order);
    }
    order
}

/// Version of the plan that each version is built on: the first one in its changelog. (The repository may have a nearer
/// one; the order is right in any case.) Where changelogs form a circle, its lowest version is built on none.
fn without_loops<'p>(
    sorted: &[usize],
    places: &[OrderKey<'p>],
    by_version: &HashMap<&str, Vec<usize>>,
) -> Vec<Option<&'p str>> {
    let first = |place: &OrderKey<'p>| {
        let below = place.below.iter().map(Version::as_str);
        below.into_iter().find(|version| by_version.contains_key(version))
    };
    let mut parents: Vec<Option<&str>> = places.iter().map(first).collect();
    // Walk that has met each place.
    let mut met: Vec<Option<usize>> = vec![None; places.len()];
    for &start in sorted {
        let (mut way, mut at) = (Vec::new(), Some(start));
        while let Some(place) = at {
            if met[place].is_some() {
                break;
            }
            met[place] = Some(start);
            way.push(place);
            at = parents[place].and_then(|version| by_version.get(version)?.first().copied());
        }
        if let Some(begin) = at.and_then(|place| way.iter().position(|&other| other == place))
            && let Some(&lowest) = way[begin..].iter().min_by(|&&a, &&b| places[a].compare(&places[b]))
        {
            parents[lowest] = None;
        }
    }
    parents
}

/// Walks down from a version without recursion: a history may be thousands of versions deep.
fn visit(
    start: usize,
    parents: &[Option<&str>],
    by_version: &HashMap<&str, Vec<usize>>,
    seen: &mut [bool],
    order: &mut Vec<usize>,
) {
    let mut stack = vec![(start, false)];
    while let Some((place, parents_done)) = stack.pop() {
        if parents_done {
            order.push(place);
            continue;
        }
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        stack.push((place, true));
        let parents = parents[place].and_then(|version| by_version.get(version));
        stack.extend(parents.into_iter().flatten().map(|&parent| (parent, false)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn order(versions: &[(&str, &[&str])]) -> Vec<String> {
        let parsed: Vec<(Version, Vec<Version>)> = versions
            .iter()
            .map(|(version, below)| {
                (Version::new(version).unwrap(), below.iter().map(|v| Version::new(v).unwrap()).collect())
            })
            .collect();
        let places: Vec<OrderKey<'_>> =
            parsed.iter().map(|(version, below)| OrderKey { version, dsc_sha256: "", below }).collect();
        by_history(&places).into_iter().map(|place| versions[place].0.to_owned()).collect()
    }

    #[test]
    fn parents_come_first_in_whatever_order_they_are_given() {
        let versions: [(&str, &[&str]); 3] = [("3", &["2", "1"]), ("1", &[]), ("2", &["1"])];
        assert_eq!(order(&versions), ["1", "2", "3"]);
        let reversed: Vec<_> = versions.iter().rev().copied().collect();
        assert_eq!(order(&reversed), ["1", "2", "3"]);
    }

    #[test]
    fn changelogs_decide_before_versions() {
        assert_eq!(order(&[("1", &["5"]), ("5", &[])]), ["5", "1"]);
    }

    #[test]
    fn loops_are_cut_at_the_lower_version() {
        assert_eq!(order(&[("2", &["1"]), ("1", &["2"])]), ["1", "2"]);
        assert_eq!(order(&[("1", &["1"])]), ["1"]);
        assert_eq!(order(&[("2", &["3"]), ("3", &["1"]), ("1", &["2"])]), ["1", "3", "2"]);
        assert_eq!(order(&[("5", &["2"]), ("2", &["3"]), ("3", &["2"])]), ["2", "3", "5"]);
    }
}
