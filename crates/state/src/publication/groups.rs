//! Imported publications, in the groups in which they were imported: what an import makes hangs on what was there before.

use std::collections::HashMap;

use super::rows::{Publication, all};
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// The imported publications of a package, in the groups and the order in which they were imported first: those of one
/// attempt together.
///
/// # Errors
/// The database.
pub fn as_imported(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Vec<Publication>>, StateError> {
    // An attempt records so many versions in one transaction, with one time.
    const TOGETHER: usize = 60;
    let sql = "SELECT distro, version, MIN(imported), COUNT(*) FROM version WHERE package_id = ?1
        GROUP BY distro, version";
    let versions = tx.query(sql, values![package])?;
    let first: HashMap<(String, String), i64> = (versions.iter().filter(|row| row.int(3) == 1))
        .map(|row| ((row.text(0), row.text(1)), row.int(2)))
        .collect();
    let sql = "SELECT started, ended FROM attempt WHERE package_id = ?1 AND ended IS NOT NULL ORDER BY id";
    let attempts: Vec<(i64, i64)> =
        tx.query(sql, values![package])?.iter().map(|row| (row.int(0), row.int(1))).collect();
    let mut dated: Vec<(i64, Publication)> = Vec::new();
    for it in all(tx, package, i64::MAX)? {
        let Some(done) = it.done else { continue };
        // A version that was asked for again was imported when it came first.
        let name = (it.what.distro.clone(), it.what.version.clone());
        dated.push((first.get(&name).map_or(done, |first| done.min(*first)), it));
    }
    dated.sort_by_key(|(time, it)| (*time, it.id));
    let attempt =
        |time: i64| attempts.iter().position(|(started, ended)| (*started..=*ended).contains(&time));
    let mut groups: Vec<Vec<Publication>> = Vec::new();
    let mut last: Option<(i64, Option<usize>)> = None;
    for (time, it) in dated {
        let of = attempt(time);
        let is_next = |group: &Vec<Publication>| match last {
            Some((before, _)) if before == time => true,
            // Attempts are forgotten after some time.
            Some((_, None)) => of.is_none() && group.len() % TOGETHER == 0,
            Some((_, before)) => of == before,
            None => false,
        };
        match groups.last_mut().filter(|group| is_next(group)) {
            Some(group) => group.push(it),
            None => groups.push(vec![it]),
        }
        last = Some((time, of));
    }
    Ok(groups)
}
