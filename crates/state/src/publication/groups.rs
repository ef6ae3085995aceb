//! Publications, in the groups in which they were imported first: what an import makes hangs on what was there before, so that
//! all of a package comes out the same only if it is imported in the same steps.

use std::collections::{BTreeMap, HashMap};

use super::rows::{Publication, all};
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// An attempt records so many versions in one transaction, with one time.
const TOGETHER: usize = 60;

/// The imported publications of a package, in their order; those of one attempt together.
///
/// # Errors
/// The database.
pub fn as_imported(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Vec<Publication>>, StateError> {
    let known = all(tx, package, i64::MAX)?;
    let mut done: HashMap<i64, Publication> =
        known.iter().filter(|it| it.done.is_some()).map(|it| (it.id, it.clone())).collect();
    let ids: Vec<i64> = done.keys().copied().collect();
    let groups = grouped(tx, package, &known, &ids)?;
    let full = groups.into_iter().map(|group| group.iter().filter_map(|id| done.remove(id)).collect());
    Ok(full.collect())
}

/// The same of given publications, also of those that are to be imported again. New ones come last, together.
///
/// # Errors
/// The database.
pub fn of(tx: &mut Tx<'_>, package: i64, ids: &[i64]) -> Result<Vec<Vec<i64>>, StateError> {
    let known = tx.first("SELECT 1 FROM version WHERE package_id = ?1 LIMIT 1", values![package])?;
    if known.is_none() {
        return Ok(vec![ids.to_vec()]);
    }
    let known = all(tx, package, i64::MAX)?;
    grouped(tx, package, &known, ids)
}

fn grouped(
    tx: &mut Tx<'_>,
    package: i64,
    known: &[Publication],
    ids: &[i64],
) -> Result<Vec<Vec<i64>>, StateError> {
    let times = first_times(tx, package, known)?;
    let sql = "SELECT started, ended FROM attempt WHERE package_id = ?1 AND ended IS NOT NULL ORDER BY id";
    let attempts: Vec<(i64, i64)> =
        tx.query(sql, values![package])?.iter().map(|row| (row.int(0), row.int(1))).collect();
    let mut dated: Vec<(i64, i64)> =
        ids.iter().map(|id| (times.get(id).copied().unwrap_or(i64::MAX), *id)).collect();
    dated.sort_unstable();
    let attempt = |time: i64| attempts.iter().position(|(from, to)| (*from..=*to).contains(&time));
    let mut groups: Vec<Vec<i64>> = Vec::new();
    let mut last: Option<(i64, Option<usize>)> = None;
    for (time, id) in dated {
        let of = attempt(time);
        let is_next = |group: &Vec<i64>| match last {
            Some((before, _)) if before == time => true,
            // Attempts are forgotten after some time.
            Some((_, None)) => of.is_none() && time != i64::MAX && group.len().is_multiple_of(TOGETHER),
            Some((_, before)) => of == before,
            None => false,
        };
        match groups.last_mut().filter(|group| is_next(group)) {
            Some(group) => group.push(id),
            None => groups.push(vec![id]),
        }
        last = Some((time, of));
    }
    Ok(groups)
}

/// The times at which publications were imported first, by their ids. The contents of a version are told apart by their
/// `.dsc`: the first one that was published is the first one that was imported.
fn first_times(
    tx: &mut Tx<'_>,
    package: i64,
    known: &[Publication],
) -> Result<HashMap<i64, i64>, StateError> {
    let sql = "SELECT distro, version, imported FROM version WHERE package_id = ?1 ORDER BY imported";
    let mut imported: HashMap<(String, String), Vec<i64>> = HashMap::new();
    for row in tx.query(sql, values![package])? {
        imported.entry((row.text(0), row.text(1))).or_default().push(row.int(2));
    }
    let mut contents: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut oldest: Vec<&Publication> = known.iter().collect();
    oldest.sort_by_key(|it| it.id);
    for it in &oldest {
        let some = contents.entry((&it.what.distro, &it.what.version)).or_default();
        if !some.contains(&it.what.dsc_sha256.as_str()) {
            some.push(&it.what.dsc_sha256);
        }
    }
    let mut times = HashMap::new();
    for it in oldest {
        let name = (it.what.distro.as_str(), it.what.version.as_str());
        let place =
            contents.get(&name).and_then(|some| some.iter().position(|it_is| *it_is == it.what.dsc_sha256));
        let rows = imported.get(&(it.what.distro.clone(), it.what.version.clone()));
        let first = rows.zip(place).and_then(|(rows, place)| rows.get(place).copied());
        // A row that was lost and found again is younger than the import.
        let time = match (first, it.done) {
            (Some(first), Some(done)) => Some(first.min(done)),
            (first, done) => first.or(done),
        };
        times.extend(time.map(|time| (it.id, time)));
    }
    Ok(times)
}
