//! The right name for a misspelt one.

use strsim::osa_distance;

/// The name with the smallest distance from this one, if it can be meant: at most a third of its letters are left
/// out, added, changed or, two beside each other, swapped.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let best = known.into_iter().min_by_key(|other| osa_distance(name, other))?;
    let allowed = (best.chars().count() / 3).max(1);
    (osa_distance(name, best) <= allowed).then_some(best)
}
