//! The end of an attempt: its outcome, and the new state of its package's job and failure. One transaction.

use source_package::code::FailureCode;

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::failure::current;
use crate::failure::retry_policy::Retries;
use crate::failure::signature::Signature;
use crate::job::settle::settle_job;
use crate::job::transition::lock_leased;
use crate::job::wait::{self, Wait};
use crate::past::things::Kind;
use crate::values;
use crate::words::{Class, FailureState, Outcome};

/// The part of a failed attempt's log that is stored with it, so that it can be read on another machine.
pub const LOG_KEPT: usize = 64 << 10;

/// An error as the importer classified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Stage of the import that failed.
    pub stage: String,
    /// Code of the failure.
    pub code: FailureCode,
    /// Class of the code.
    pub class: Class,
    /// Message for operators.
    pub message: String,
    /// The distro of the version that failed first.
    pub distro: Option<String>,
    /// Version that failed, if the failure concerns one.
    pub version: Option<String>,
}

/// Cost of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Elapsed time in milliseconds.
    pub wall_ms: i64,
    /// Processor time in milliseconds.
    pub cpu_ms: i64,
    /// The largest memory in bytes.
    pub peak_rss: i64,
    /// Bytes read from elsewhere.
    pub bytes_in: i64,
    /// Bytes written.
    pub bytes_out: i64,
}

/// A version that is now in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The publication that asked for it.
    pub publication: i64,
    /// Distro of the version.
    pub distro: String,
    /// Version of the source package.
    pub version: String,
    /// The commit, patches unapplied.
    pub commit: String,
    /// Id of the tree.
    pub tree: String,
    /// The commit with patches applied.
    pub applied: Option<String>,
    /// Name of the tag.
    pub tag: String,
}

/// End of an attempt, as the importer reports it.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Number of the attempt.
    pub attempt: i64,
    /// Row of the package.
    pub package_id: i64,
    /// Name of the package.
    pub package: String,
    /// Outcome of the attempt.
    pub outcome: Outcome,
    /// Cause, if the attempt failed or a version was imported without patches.
    pub cause: Option<Cause>,
    /// Cost of the attempt.
    pub usage: Usage,
    /// Number of versions that were dealt with.
    pub versions: i64,
    /// Publications that were tried for the first time, and how many of them failed.
    pub first_tries: (i64, i64),
    /// The end of its log, if it failed.
    pub log: Option<String>,
    /// Dependency that the job is parked on, if the outcome is `parked`.
    pub parked_on: Option<i64>,
    /// Missing history or base that the package waits for, with the latest end of the wait.
    pub wait: Option<Wait>,
    /// Version of the program.
    pub importer: String,
}

/// State of a package after the end of its attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The state of its failure, if it has one.
    pub failure: Option<FailureState>,
    /// The signature of its failure.
    pub signature: Option<String>,
    /// Unix milliseconds of the next try.
    pub due: Option<i64>,
    /// True when there is more to do at once.
    pub again: bool,
}

/// Finishes an attempt. Refused if its lease is lost; repeating it after a broken connection changes nothing.
pub fn finish(tx: &mut Tx<'_>, finished: &Finished, retries: &Retries) -> Result<Settled, StateError> {
    let Some(job) = lock_leased(tx, finished.package_id, finished.attempt)? else {
        return already(tx, finished);
    };
    let mut settled = Settled { failure: None, signature: None, due: None, again: job.more_wanted() };
    let mut signature = None;
    match finished.outcome {
        Outcome::Imported | Outcome::AlreadyThere | Outcome::UnappliedOnly => {
            current::clear_failure(tx, finished.package_id)?;
            note_success(tx, finished)?;
            // Patches that do not apply are not a failure of the package, but a fact that has a signature.
            if let Some(cause) = &finished.cause {
                signature = Some(current::record_signature(tx, finished, cause)?);
            }
        }
        Outcome::Maintained => current::clear_failure(tx, finished.package_id)?,
        Outcome::Failed => {
            if let Some(cause) = &finished.cause {
                signature = Some(current::record_failure(tx, finished, cause, retries, &mut settled)?);
            }
        }
        Outcome::Lost | Outcome::Cancelled | Outcome::Parked | Outcome::Waiting => {}
    }
    wait::settle(tx, finished)?;
    close_attempt(tx, finished, signature.as_ref())?;
    settle_job(tx, finished, &job, &mut settled, signature.as_ref())?;
    count_in_run(tx, finished)?;
    crate::job::retry_batch::note(
        tx,
        finished.package_id,
        finished.outcome,
        signature.as_ref().map(|it| it.id),
    )?;
    Ok(settled)
}

fn already(tx: &mut Tx<'_>, finished: &Finished) -> Result<Settled, StateError> {
    let row = tx.first("SELECT outcome FROM attempt WHERE id = ?1", values![finished.attempt])?;
    match row.and_then(|row| row.opt_text(0)) {
        Some(outcome) if outcome == finished.outcome.as_str() => {
            Ok(Settled { failure: None, signature: None, due: None, again: false })
        }
        _ => Err(StateError::LeaseLost(finished.attempt)),
    }
}

fn close_attempt(
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
    // Failures are counted by signature, so that those of a signature that is suppressed later can be left out.
    signature.map_or(Ok(()), |signature| tx.flow(&format!("failed:{}", signature.short), failed))
}

/// True when failures of a package do not count, because it is held or suppressed.
fn is_left_out(tx: &mut Tx<'_>, package: i64) -> Result<bool, StateError> {
    let now = tx.now()?;
    let sql = "SELECT p.held, (SELECT COUNT(*) FROM suppression u WHERE u.ended IS NULL AND u.until > ?2
        AND u.kind = 'package' AND u.subject_id = p.id) FROM package p WHERE p.id = ?1";
    Ok(tx.first(sql, values![package, now])?.is_some_and(|row| row.flag(0) || row.flag(1)))
}

fn note_success(tx: &mut Tx<'_>, finished: &Finished) -> Result<(), StateError> {
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

/// Adds an attempt to the counters of its run, which are about imports. Maintenance of repositories does not count as
/// an import, but is progress. An attempt of a dead run that another run records is neither; nor is a failure of the
/// class `infrastructure`.
fn count_in_run(tx: &mut Tx<'_>, finished: &Finished) -> Result<(), StateError> {
    let now = tx.now()?;
    let good = matches!(finished.outcome, Outcome::Imported | Outcome::AlreadyThere | Outcome::UnappliedOnly);
    let failed = finished.outcome == Outcome::Failed;
    let counts = finished.outcome != Outcome::Maintained;
    let by_machine = finished.cause.as_ref().is_some_and(|cause| cause.class == Class::Infrastructure);
    let is_progress = match finished.outcome {
        Outcome::Failed => !by_machine,
        Outcome::Lost | Outcome::Cancelled | Outcome::Parked => false,
        _ => true,
    };
    tx.execute(
        "UPDATE run SET attempts = attempts + ?2, imported = imported + ?3, failed = failed + ?4,
            worked_ms = worked_ms + ?5, progress = CASE WHEN ?6 = 1 THEN CAST(?7 AS BIGINT) ELSE progress END
         WHERE id = (SELECT run_id FROM attempt WHERE id = ?1)",
        values![
            finished.attempt,
            counts,
            good,
            failed,
            if counts { finished.usage.wall_ms } else { 0 },
            is_progress,
            now
        ],
    )?;
    let run = tx.first("SELECT run_id FROM attempt WHERE id = ?1", values![finished.attempt])?;
    if let Some(run) = run {
        tx.touch_thing(Kind::Run, &run.int(0).to_string());
    }
    Ok(())
}

/// Records versions that are now in the repository, some at a time; only the holder of the lease may.
pub fn record_versions(
    tx: &mut Tx<'_>,
    finished: &Finished,
    versions: &[Done],
    rules: i64,
) -> Result<(), StateError> {
    let now = tx.now()?;
    if lock_leased(tx, finished.package_id, finished.attempt)?.is_none() {
        return Err(StateError::LeaseLost(finished.attempt));
    }
    for done in versions {
        tx.execute(
            "UPDATE publication SET done = ?2 WHERE id = ?1 AND done IS NULL",
            values![done.publication, now],
        )?;
        tx.execute(
            "INSERT INTO version (package_id, distro, version, commit_id, tree_id, applied_id, tag, rules, importer,
                imported)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
            values![
                finished.package_id,
                &done.distro,
                &done.version,
                &done.commit,
                &done.tree,
                done.applied.as_deref(),
                &done.tag,
                rules,
                &finished.importer,
                now
            ],
        )?;
    }
    Ok(())
}
