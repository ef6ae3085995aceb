//! Present state of packages: their work, hold, wait and failure, of many in one question.

use std::collections::BTreeMap;

use super::package::work;
use super::queue::{self, Spot};
use crate::db::tx::Tx;
use crate::driver::{Row, Value};
use crate::error::StateError;
use crate::words::Lane;

/// Reasons that keep a package back.
pub(super) struct Standing {
    /// Number of the package.
    pub id: i64,
    /// Name of the package.
    pub package: String,
    /// Hold: actor, reason and end.
    pub held: Option<(String, String, Option<i64>)>,
    /// As in [`super::package::Package`].
    pub work: &'static str,
    /// The lane of its job.
    pub lane: String,
    /// Unix milliseconds of the next try.
    pub due: Option<i64>,
    /// Dependency that its job is parked on.
    pub waits_for: Option<String>,
    /// Wait: its reason and its latest end.
    pub wait: Option<(String, i64)>,
    /// Its failure.
    pub failure: Option<Cause>,
    /// Its place in the queue.
    pub place: Option<i64>,
}

/// Why a package fails.
pub(super) struct Cause {
    /// `retrying`, `failing` or `wedged`.
    pub state: String,
    /// Stage, code and message.
    pub cause: String,
    /// The signature's short id.
    pub signature: String,
}

/// Packages in one statement: it has one form only, and stays prepared.
const AT_ONCE: usize = 50;

const COLUMNS: &str =
    "SELECT p.id, p.name, p.held, p.held_by, p.held_reason, p.held_until, j.state, j.lane, j.due, d.name,
    w.reason, w.until, f.state, f.stage, f.code, f.message, s.short, j.entered, j.held
    FROM package p LEFT JOIN job j ON j.package_id = p.id LEFT JOIN dependency d ON d.id = j.dependency_id
    LEFT JOIN wait w ON w.package_id = p.id LEFT JOIN failure f ON f.package_id = p.id
    LEFT JOIN signature s ON s.id = f.signature_id";

/// Reads packages, in the order of their numbers that is given. Unknown ones are left out.
pub(super) fn read(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<Standing>, StateError> {
    let (mut found, mut spots) = (BTreeMap::new(), Vec::new());
    for some in ids.chunks(AT_ONCE) {
        // The last one several times, so that there is one number of them.
        let last = some.last().copied().unwrap_or(0);
        let numbers: Vec<Value> =
            some.iter().copied().chain(std::iter::repeat(last)).take(AT_ONCE).map(Value::Int).collect();
        let marks: Vec<String> = (1..=AT_ONCE).map(|number| format!("?{number}")).collect();
        for row in tx.query(&format!("{COLUMNS} WHERE p.id IN ({})", marks.join(", ")), &numbers)? {
            spots.extend(spot(&row));
            found.insert(row.int(0), standing(&row));
        }
    }
    for (id, place) in queue::places(tx, spots)? {
        if let Some(it) = found.get_mut(&id) {
            it.place = Some(place);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Where it waits in the queue, if it does.
fn spot(row: &Row) -> Option<Spot> {
    let waits = row.opt_text(6).as_deref() == Some("pending") && !row.flag(18);
    waits.then(|| Spot { lane: row.int(7), entered: row.int(17), package: row.int(0) })
}

fn standing(row: &Row) -> Standing {
    Standing {
        id: row.int(0),
        package: row.text(1),
        held: row.flag(2).then(|| (row.text(3), row.text(4), row.opt_int(5))),
        work: work(row.opt_text(6).as_deref()),
        lane: row.opt_int(7).map_or(Lane::Upload, Lane::at).as_str().to_owned(),
        due: row.opt_int(8),
        waits_for: row.opt_text(9),
        wait: row.opt_text(10).map(|reason| (reason, row.int(11))),
        failure: row.opt_text(16).map(|signature| Cause {
            state: row.text(12),
            cause: format!("{}/{}: {}", row.text(13), row.text(14), row.text(15)),
            signature,
        }),
        place: None,
    }
}
