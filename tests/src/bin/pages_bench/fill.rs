//! A large archive with a long history.

use std::time::Instant;

use crate::database::Database;
use crate::{DAY, FAILING, HOUR, PACKAGES, now};

/// A message as long as such a line is.
const TEXT: &str =
    "a message about a patch that does not apply, with a path and numbers in it, as long as such a line is";
/// Milliseconds between two changes of packages.
const PAUSE: i64 = 5000;
/// Changes of each package that are kept.
const CHANGES: i64 = 40;
/// Changes of a package that fails, from the first failure until it is mended.
const ROUND: i64 = 7;
/// Packages of a transaction of a first listing.
const LISTED: i64 = 60;

/// Fills it.
pub fn fill(database: &mut Database, attempts: i64) {
    let began = Instant::now();
    let indexes = database.without_indexes();
    let now = now();
    hosts(database, now);
    packages(database, now);
    failures(database, now);
    history(database, now, attempts);
    past(database, now);
    repairs(database, now);
    archives(database, now);
    indexes.iter().for_each(|sql| database.run(sql));
    database.run(&format!("UPDATE meta SET value = '{}' WHERE name = 'past_since'", now - 89 * DAY));
    database.settle();
    eprintln!("filled in {} s", began.elapsed().as_secs());
}

/// The time of the first change.
fn begin(now: i64) -> i64 {
    now - CHANGES * PACKAGES * PAUSE
}

/// The name of a package.
fn package(number: &str) -> String {
    format!("'package-' || substr(CAST(100000 + {number} AS TEXT), 2, 5)")
}

/// A hash: 40 or 64 letters.
fn hash(length: usize) -> String {
    format!("CAST(1000000000 + i AS TEXT) || '{}'", "0".repeat(length - 10))
}

fn hosts(database: &mut Database, now: i64) {
    let into = "host (name, state, expected, heartbeat)";
    database.rows(1, into, &format!("'worker1', 'online', 1, {now}"));
    let into = "run (host_id, mode, pid, pid_start, boot, version, started, heartbeat, jobs)";
    database.rows(1, into, &format!("1, 'service', 1, 1, 'b', '0.2.0', {}, {now}, 8", now - 90 * DAY));
}

fn packages(database: &mut Database, now: i64) {
    let into = "package (id, name, first_seen, last_success, wall_ms)";
    database.rows(PACKAGES, into, &format!("i, {}, 1, {} - i, 3000", package("i"), now - DAY));
    let into = "job (package_id, lane, state, tasks, wanted, entered)";
    database.rows(2_000, into, &format!("i + 6000, i % 4, 'pending', 1, 1, {now} - i * 1000"));
    let into = "version (package_id, distro, version, commit_id, tree_id, tag, rules, importer, imported)";
    let select = format!(
        "1 + i % {PACKAGES}, 'debian', '1.' || i || '-1', {}, 't', 'debian/1.' || i || '-1', 1, '0.2.0', {} + i",
        hash(40),
        now - 90 * DAY
    );
    database.rows(3 * PACKAGES, into, &select);
    let into = "publication (package_id, archive, distro, suite, component, version, dsc, dsc_sha256, trust, files, published,
        first_seen, done)";
    let select = format!(
        "i, 'debian', 'debian', 'sid', 'main', '1.0-1', 'a', {}, 'index', '[]', {1} + i, {1} + i,
         CASE WHEN i % 50 > 0 THEN {1} + i + 600000 END",
        hash(64),
        now - 5 * DAY
    );
    database.rows(PACKAGES, into, &select);
}

fn failures(database: &mut Database, now: i64) {
    let into = "signature (id, short, stage, code, text, example, normaliser, class, failing, first_seen, last_seen)";
    let select = format!(
        "i, 's' || substr(CAST(1000000 + i AS TEXT), 2, 6), 'patch', 'patch-fails', '{TEXT} ' || i, '', 1, 'permanent', 16, {}, {now}",
        now - 80 * DAY
    );
    database.rows(300, into, &select);
    let into = "failure (package_id, signature_id, attempt_id, stage, code, class, state, message, since, last, attempts, in_row,
        distro, version)";
    let since = begin(now) + CHANGES / ROUND * ROUND * PACKAGES * PAUSE;
    let select = format!(
        "i, 1 + i % 300, 1, 'patch', 'patch-fails', 'permanent', 'failing', '{TEXT} {TEXT}', {since} + (i - 1) * {PAUSE}, {now}, 3, 3,
         'debian', '1.0-1'"
    );
    database.rows(FAILING, into, &select);
    database.rows(1, "counter (name, shard, value)", &format!("'failing', 0, {FAILING}"));
}

fn history(database: &mut Database, now: i64, attempts: i64) {
    let into = "attempt (package_id, run_id, lane, tasks, started, ended, outcome, stage, code, signature_id, message, importer,
        versions, wall_ms, cpu_ms, peak_rss)";
    let select = format!(
        "1 + i * 7919 % {PACKAGES}, 1, 0, 1, {0} + i * {1}, {0} + i * {1} + 3000, 'imported', NULL, NULL, NULL, NULL, '0.2.0', 1,
         3000, 900, 20000000",
        now - 90 * DAY,
        90 * DAY / attempts
    );
    database.rows(attempts, into, &select);
    let select = format!(
        "{} + i * 15000, 'olga@host1', 'retry', {}, '{TEXT}'",
        now - 90 * DAY,
        package(&format!("1 + i % {PACKAGES}"))
    );
    database.rows(500_000, "event (at, actor, action, subject, reason)", &select);
    let select = format!(
        "{} + i * {DAY}, 'package-import', CASE WHEN i % 2 = 1 THEN 'breaker-open' ELSE 'breaker-closed' END, 'deb.example.org',
         'it timed out', 'a', 'b'",
        now - 21 * DAY
    );
    database.rows(20, "event (at, actor, action, subject, reason, before, after)", &select);
    let select = format!("'failing', {} - i, 0, 5000 + i % 7", now / HOUR);
    database.rows(90 * 24, "sample (figure, hour, shard, value)", &select);
}

/// What is kept to look back: each package has changed again and again since it was first listed; the packages that were not at rest
/// have been listed as often as the importer does with so many changes.
fn past(database: &mut Database, now: i64) {
    let begin = begin(now);
    let fails = format!("i % {PACKAGES} < {FAILING} AND i / {PACKAGES} % {ROUND} < {ROUND} - 1");
    let into = "package_past (package_id, at, last_success, failure, signature_id, failed_attempt, stage, code, class, message,
        since, last, attempts, distro, version, began)";
    let select = format!(
        "1 + i % {PACKAGES}, {begin} + i * {PAUSE}, {begin}, CASE WHEN {fails} THEN 'failing' END, 1 + i % 300, 1,
         'patch', 'patch-fails', 'permanent', '{TEXT}', {begin} + i * {PAUSE}, {begin} + i * {PAUSE}, 1, 'debian', '1.0-1',
         CASE WHEN {fails} AND i / {PACKAGES} % {ROUND} = 0 THEN 1 END"
    );
    database.rows(CHANGES * PACKAGES, into, &select);
    let select = format!(
        "'born', CAST(1 + (i - 1) * {LISTED} AS TEXT), {} + i,
         '{{\"lane\":3,\"packages\":[[' || (1 + (i - 1) * {LISTED}) || ',' || (i * {LISTED}) || ']]}}'",
        begin - DAY
    );
    database.rows(PACKAGES / LISTED, "past (kind, name, at, value)", &select);
    let every = PACKAGES / 8 * PAUSE;
    let busy: Vec<String> = (1..=FAILING).map(|number| number.to_string()).collect();
    let select = format!("'busy', '', {begin} + i * {every}, '{}'", busy.join(","));
    database.rows((now - begin) / every - 1, "past (kind, name, at, value)", &select);
}

fn repairs(database: &mut Database, now: i64) {
    let into = "finding (package_id, code, subject, message, since)";
    let select = format!(
        "i, CASE WHEN i % 2 = 0 THEN 'tag-gone' ELSE 'branch-behind' END, 'debian/1.0-1', '{TEXT}', {now}"
    );
    database.rows(2_000, into, &select);
    let into = "repair_plan (id, made, made_by, kind)";
    database.rows(1, into, &format!("1, {now}, 'olga@host1', 'repair'"));
    let into = "repair_part (plan_id, package_id, state, plan, changed, by_whom)";
    database.rows(2_000, into, &format!("1, i, 'planned', '{}', {now}, 'olga@host1'", plan()));
}

/// A plan as the state keeps it.
fn plan() -> String {
    let step = serde_json::json!({
        "act": "ref", "mark": "create", "subject": "refs/tags/debian/1.0-1", "before": null, "after": "1".repeat(40),
        "reason": "an import has written it", "reversible": true, "automatic": false,
    });
    let finding =
        serde_json::json!({ "code": "tag-gone", "subject": "debian/1.0-1", "message": "the tag is gone" });
    serde_json::json!({ "package": "x", "findings": [finding], "steps": [step, step, step] }).to_string()
}

fn archives(database: &mut Database, now: i64) {
    let into = "dependency (name, state, since, parked)";
    database.rows(1, into, &format!("'deb.example.org', 'closed', {now}, 0"));
    let into = "suite (archive, suite, distro, branch, followed, polled, changed, release_date, mirror, listed, every)";
    let select = format!(
        "'debian', 'sid', 'debian', 'sid', {now}, {now}, {now}, {now}, 'https://deb.example.org', {PACKAGES}, 900000"
    );
    database.rows(1, into, &select);
}
