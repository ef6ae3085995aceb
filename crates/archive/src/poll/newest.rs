//! Asks all mirrors for their index, the newest of which wins: a mirror that is not updated any more can only be
//! noticed beside others.

use super::visit::{Turn, Visit};
use super::{Served, is_ours, signed};
use crate::dates::show_date;
use crate::error::{Error, Stage};

/// Mirrors that have an index, the newest first; of equal ones those that stand first in the configuration.
pub(super) fn first<'a>(visits: Vec<Visit<'a>>, skipped: &mut Vec<Error>) -> Vec<Turn<'a>> {
    let mut found = Vec::new();
    for visit in visits {
        let answer = visit.index(true).and_then(|answer| {
            if let signed::Answer::New(index) = &answer {
                visit.check(&index.release)?;
            }
            Ok(answer)
        });
        match answer {
            Ok(answer) => found.push((date(&visit, &answer), visit, answer)),
            Err(error) => {
                let is_last = is_ours(&error);
                skipped.push(error.at(Stage::Poll));
                if is_last {
                    break;
                }
            }
        }
    }
    // Stable: equal ones stay in their order.
    found.sort_by_key(|(date, ..)| std::cmp::Reverse(*date));
    let newest = found.first().map_or(0, |(date, ..)| *date);
    let from = found.first().map(|(_, visit, _)| visit.mirror.location().to_string()).unwrap_or_default();
    let behind = found.iter().filter(|(date, ..)| *date < newest).map(|(date, visit, _)| {
        let mirror = visit.mirror.location();
        format!(
            "{mirror} is behind: its index is of {}, that of {from} of {}",
            show_date(*date),
            show_date(newest)
        )
    });
    let remarks: Vec<String> = behind.collect();
    let served: Vec<(String, String, Served)> = found.iter().filter_map(|it| told(&it.1, &it.2)).collect();
    let turn = |(_, visit, answer): (i64, Visit<'a>, signed::Answer)| {
        let own = told(&visit, &answer).map(|(_, sha256, _)| sha256);
        let same = served.iter().filter(|(_, sha256, _)| Some(sha256) == own.as_ref());
        let also = same.map(|(address, _, served)| (address.clone(), served.clone())).collect();
        Turn { visit, answer: Some(answer), remarks: remarks.clone(), also }
    };
    found.into_iter().map(turn).collect()
}

fn date(visit: &Visit<'_>, answer: &signed::Answer) -> i64 {
    match answer {
        signed::Answer::New(index) => index.release.date,
        signed::Answer::Same(_) => visit.remembered.map_or(0, |known| known.date),
    }
}

/// Address, hash of the index, and how it is served.
fn told(visit: &Visit<'_>, answer: &signed::Answer) -> Option<(String, String, Served)> {
    let address = visit.mirror.location().to_string();
    match answer {
        signed::Answer::New(index) => Some((address, index.sha256.clone(), index.served.clone())),
        signed::Answer::Same(served) => {
            let known = visit.remembered?;
            let served = served.clone().or_else(|| known.mirrors.get(&address).cloned())?;
            Some((address, known.sha256.clone(), served))
        }
    }
}
