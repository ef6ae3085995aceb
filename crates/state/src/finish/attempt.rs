//! What an attempt leaves in the records: its row, its run's sums, its package's figures, and the flows that checks measure.

use super::Finished;
use crate::error::StateError;
use crate::signature::Signature;
use crate::tx::Tx;
use crate::values;
use crate::words::{Class, Outcome};

pub(super) fn close_attempt(
    tx: &mut Tx<'_>,
    finished: &Finished,
    signature: Option<&Signature>,
) -> Result<(), StateError> {
    let now = tx.now()?;
    let cause = finished.cause.as_ref();
    let counts = finished.outcome == Outcome::Failed
        && cause.is_some_and(|cause| cause.class != Class::Infrastructure);
    let usage = &finished.usage;
    tx.execute(
        "UPDATE attempt SET ended = ?2, outcome = ?3, counts = ?4, stage = ?5, code = ?6, signature_id = ?7,
            message = ?8, versions = ?9, wall_ms = ?10, cpu_ms = ?11, peak_rss = ?12, bytes_in = ?13,
            bytes_out = ?14, log = ?15
         WHERE id = ?1",
        values![
            finished.attempt,
            now,
            finished.outcome.as_str(),
            counts,
            cause.map(|cause| cause.stage.as_str()),
            cause.map(|cause| cause.code.as_str()),
            signature.map(|it| it.id),
            cause.map(|cause| cause.message.as_str()),
            finished.versions,
            usage.wall_ms,
            usage.cpu_ms,
            usage.peak_rss,
            usage.bytes_in,
            usage.bytes_out,
            finished.log.as_deref(),
        ],
    )?;
    let (tried, failed) = finished.first_tries;
    tx.flow("attempted", tried)?;
    if failed == 0 || is_left_out(tx, finished.package_id)? {
        return Ok(());
    }
    tx.flow("failed", failed)?;
    // What fails with a signature can be left out later, when somebody suppresses it.
    signature.map_or(Ok(()), |signature| tx.flow(&format!("failed:{}", signature.short), failed))
}

/// Whether what fails of a package is no news: it is held or suppressed.
fn is_left_out(tx: &mut Tx<'_>, package: i64) -> Result<bool, StateError> {
    let now = tx.now()?;
    let sql = "SELECT p.held, (SELECT COUNT(*) FROM suppression u WHERE u.ended IS NULL AND u.until > ?2
        AND u.kind = 'package' AND u.subject_id = p.id) FROM package p WHERE p.id = ?1";
    Ok(tx.first(sql, values![package, now])?.is_some_and(|row| row.flag(0) || row.flag(1)))
}

pub(super) fn note_success(tx: &mut Tx<'_>, finished: &Finished) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "UPDATE package SET last_success = ?2, last_attempt = ?2, imported_by = ?3,
            peak_rss = CASE WHEN COALESCE(peak_rss, 0) > ?4 THEN peak_rss ELSE ?4 END, wall_ms = ?5
         WHERE id = ?1",
        values![
            finished.package_id,
            now,
            finished.importer.as_str(),
            finished.usage.peak_rss,
            finished.usage.wall_ms
        ],
    )?;
    Ok(())
}

pub(super) fn count_in_run(tx: &mut Tx<'_>, finished: &Finished) -> Result<(), StateError> {
    let good = matches!(finished.outcome, Outcome::Imported | Outcome::AlreadyThere | Outcome::UnappliedOnly);
    let failed = finished.outcome == Outcome::Failed;
    tx.execute(
        "UPDATE run SET attempts = attempts + 1, imported = imported + ?2, failed = failed + ?3
         WHERE id = (SELECT run_id FROM attempt WHERE id = ?1)",
        values![finished.attempt, good, failed],
    )?;
    Ok(())
}
