-- What the checks read. A view of a version is kept for two releases, whatever becomes of the tables: a check that is
-- older or newer than the importer goes on working. Times are milliseconds since 1970 in UTC.

DROP VIEW IF EXISTS check_v1_counters;
CREATE VIEW check_v1_counters AS
    SELECT name, CAST(SUM(value) AS BIGINT) AS value FROM counter GROUP BY name;

-- Facts about the state itself: schema, epoch, created, last_backup, integrity, integrity_at, filled.
DROP VIEW IF EXISTS check_v1_state;
CREATE VIEW check_v1_state AS
    SELECT name, value FROM meta
    WHERE name IN ('schema', 'epoch', 'created', 'last_backup', 'integrity', 'integrity_at', 'filled', 'moved_to');

-- One row a lane, highest first; oldest is when its oldest job entered.
DROP VIEW IF EXISTS check_v1_lanes;
CREATE VIEW check_v1_lanes AS
    SELECT l.place, l.lane, (SELECT entered FROM job WHERE lane = l.place AND state = 'pending' AND held = 0
        ORDER BY lane, entered, package_id LIMIT 1) AS oldest
    FROM (SELECT 0 AS place, 'operator' AS lane UNION ALL SELECT 1, 'upload' UNION ALL SELECT 2, 'retry'
        UNION ALL SELECT 3, 'rescan' UNION ALL SELECT 4, 'verify' UNION ALL SELECT 5, 'maintain') l;

DROP VIEW IF EXISTS check_v1_outages;
CREATE VIEW check_v1_outages AS
    SELECT name, since, cause, parked, probes, next_probe FROM dependency WHERE state = 'open';

-- Signatures that something fails with.
DROP VIEW IF EXISTS check_v1_signatures;
CREATE VIEW check_v1_signatures AS
    SELECT short, stage, code, text, failing, first_seen, last_seen FROM signature WHERE failing > 0;

-- What the newest failure with a signature said. Its reader asks for one by its short id.
DROP VIEW IF EXISTS check_v1_messages;
CREATE VIEW check_v1_messages AS
    SELECT s.short, (SELECT f.message FROM failure f WHERE f.signature_id = s.id ORDER BY f.since DESC LIMIT 1)
        AS message FROM signature s;

-- What does not count now, and how many failures that are. No failure is in two of them: that of a package whose
-- signature is suppressed belongs to the signature, and held packages count nowhere. One whose `until` has passed counts
-- again, although its row stays until the next sample is taken.
DROP VIEW IF EXISTS check_v1_suppressions;
CREATE VIEW check_v1_suppressions AS
    SELECT u.kind, u.subject, u.until, u.reason, t.failing AS failing
    FROM suppression u JOIN signature s ON u.kind = 'signature' AND s.id = u.subject_id
        JOIN signature t ON t.id = COALESCE(s.alias_of, s.id)
    WHERE u.ended IS NULL
    UNION ALL
    SELECT u.kind, u.subject, u.until, u.reason,
        (SELECT COUNT(*) FROM failure f JOIN package p ON p.id = f.package_id
            WHERE f.package_id = u.subject_id AND p.held = 0 AND NOT EXISTS (SELECT 1 FROM suppression o
                JOIN signature s ON s.id = o.subject_id
                WHERE o.ended IS NULL AND o.kind = 'signature' AND COALESCE(s.alias_of, s.id) = f.signature_id))
    FROM suppression u WHERE u.kind = 'package' AND u.ended IS NULL;

-- What is compared with the verdict's limits: failing packages, still with those of check_v1_suppressions, and parked
-- jobs without those of held and suppressed packages. A package is among both if it failed before its next try was parked:
-- parked_failing says how many are, without those that are suppressed in whatever way.
DROP VIEW IF EXISTS check_v1_live;
CREATE VIEW check_v1_live AS
    SELECT (SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counter WHERE name = 'failing') AS failing,
        (SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counter WHERE name = 'parked')
        - (SELECT COUNT(*) FROM package p JOIN job j ON j.package_id = p.id
            WHERE p.held = 1 AND j.state = 'parked')
        - (SELECT COUNT(*) FROM suppression u JOIN package p ON p.id = u.subject_id
            JOIN job j ON j.package_id = p.id
            WHERE u.kind = 'package' AND u.ended IS NULL AND p.held = 0 AND j.state = 'parked') AS parked,
        (SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counter WHERE name = 'parked_failing')
        - (SELECT CAST(COALESCE(SUM(t.parked), 0) AS BIGINT) FROM suppression u
            JOIN signature s ON u.kind = 'signature' AND s.id = u.subject_id
            JOIN signature t ON t.id = COALESCE(s.alias_of, s.id)
            WHERE u.ended IS NULL)
        - (SELECT COUNT(*) FROM suppression u JOIN package p ON p.id = u.subject_id
            JOIN job j ON j.package_id = p.id JOIN failure f ON f.package_id = p.id
            WHERE u.kind = 'package' AND u.ended IS NULL AND p.held = 0 AND j.state = 'parked'
                AND NOT EXISTS (SELECT 1 FROM suppression o JOIN signature s ON s.id = o.subject_id
                    WHERE o.ended IS NULL AND o.kind = 'signature' AND COALESCE(s.alias_of, s.id) = f.signature_id))
        AS parked_failing;

DROP VIEW IF EXISTS check_v1_verdicts;
CREATE VIEW check_v1_verdicts AS
    SELECT figure, at, state, since, value, warn, crit, text, detail FROM verdict;

DROP VIEW IF EXISTS check_v1_hosts;
CREATE VIEW check_v1_hosts AS
    SELECT h.name, h.state, h.reason, h.heartbeat, h.expected,
        (SELECT COUNT(*) FROM run r WHERE r.host_id = h.id AND r.ended IS NULL) AS runs,
        (SELECT COUNT(*) FROM run r JOIN job j ON j.run_id = r.id AND j.state = 'running'
            WHERE r.host_id = h.id AND r.ended IS NULL) AS running
    FROM host h;

-- Packages that are known.
DROP VIEW IF EXISTS check_v1_packages;
CREATE VIEW check_v1_packages AS SELECT name FROM package;

-- Runs over the queue, not what operators did by hand.
DROP VIEW IF EXISTS check_v1_runs;
CREATE VIEW check_v1_runs AS
    SELECT r.id, h.name AS host, r.mode, r.started, r.heartbeat, r.ended, r.outcome, r.attempts, r.failed
    FROM run r JOIN host h ON h.id = r.host_id WHERE r.mode IN ('until-empty', 'service');

-- usual_ms is how long the package's last import took, which tells nothing about a job that imports nothing.
DROP VIEW IF EXISTS check_v1_running;
CREATE VIEW check_v1_running AS
    SELECT a.id AS attempt, p.name AS package, h.name AS host, a.started,
        CASE WHEN a.tasks % 2 = 1 THEN p.wall_ms END AS usual_ms
    FROM job j JOIN attempt a ON a.id = j.attempt_id JOIN package p ON p.id = j.package_id
    JOIN run r ON r.id = j.run_id JOIN host h ON h.id = r.host_id WHERE j.state = 'running';

-- What waits for a person. suppressed_until is when it counts again, if it does not count now.
DROP VIEW IF EXISTS check_v1_wedged;
CREATE VIEW check_v1_wedged AS
    SELECT p.name AS package, f.since, f.stage, f.code, f.message,
        (SELECT MAX(u.until) FROM suppression u WHERE u.ended IS NULL AND (
            (u.kind = 'package' AND u.subject_id = f.package_id)
            OR (u.kind = 'signature' AND u.subject_id = f.signature_id))) AS suppressed_until
    FROM failure f JOIN package p ON p.id = f.package_id
    WHERE f.state = 'wedged' AND p.held = 0;

-- Refs of repositories that are not where the importer has put them: somebody else made, moved or removed them.
DROP VIEW IF EXISTS check_v1_foreign_refs;
CREATE VIEW check_v1_foreign_refs AS
    SELECT p.name AS package, f.name, f.kind, f.since FROM foreign_ref f JOIN package p ON p.id = f.package_id
    WHERE p.held = 0;

-- Refs of ours that somebody else made or moved, and that wait for a person's decision.
DROP VIEW IF EXISTS check_v1_collisions;
CREATE VIEW check_v1_collisions AS
    SELECT c.id, p.name AS package, c.name, c.kind, c.since FROM collision c JOIN package p ON p.id = c.package_id
    WHERE c.ended IS NULL AND p.held = 0;

-- What is wrong with repositories, as the last look found it. muted_until: when it counts again, if it does not count now.
DROP VIEW IF EXISTS check_v1_findings;
CREATE VIEW check_v1_findings AS
    SELECT f.code, p.name AS package, f.since,
        (SELECT MAX(m.until) FROM mute m WHERE m.ended IS NULL AND m.code = f.code
            AND (m.package_id IS NULL OR m.package_id = f.package_id)) AS muted_until
    FROM finding f JOIN package p ON p.id = f.package_id WHERE p.held = 0;

-- Suites that are followed, how often they are polled, and since when.
DROP VIEW IF EXISTS check_v1_suites;
CREATE VIEW check_v1_suites AS
    SELECT archive, suite, every AS interval_ms, followed, polled, changed, failed, error, release_date FROM suite
    WHERE followed IS NOT NULL;

-- The verdict of each suite that is followed. listed: publications in its last accepted index, whose date is
-- release_date. remarks: sentences, one a line, which are what they are since remarked. withheld: publications that an
-- index listed no more, too many at once to be believed before another index agrees. content: the date of the index in
-- which the lists changed last. stale_after: how old that may be, in milliseconds; null where nobody knows. Without a
-- configured limit that is a week at least, and three times the longest time that they have ever stayed as they were.
DROP VIEW IF EXISTS check_v1_archives;
CREATE VIEW check_v1_archives AS
    SELECT archive, suite, distro, branch, listed, mirror, release_date, polled, changed, failed, error, remarks, remarked,
        COALESCE(withheld, 0) AS withheld, withheld_since, COALESCE(content, changed) AS content,
        CASE WHEN stale_after = 0 THEN NULL WHEN stale_after IS NOT NULL THEN stale_after WHEN changes < 5 THEN NULL
            WHEN 3 * longest_gap > 604800000 THEN 3 * longest_gap ELSE 604800000 END AS stale_after
    FROM suite WHERE followed IS NOT NULL;

-- Packages that were imported without old versions that their history could not deliver, or that nobody vouches for.
-- packages: how many, up to 1,000.
DROP VIEW IF EXISTS check_v1_left_out;
CREATE VIEW check_v1_left_out AS
    SELECT COUNT(*) AS packages FROM (SELECT 1 FROM history WHERE left_out > 0 OR note IS NOT NULL LIMIT 1000) h;

-- What packages wait for, beside what is out of reach: their history, the version that one of theirs is built on, a file
-- that is listed and on no mirror. packages: how many, up to 1,000.
DROP VIEW IF EXISTS check_v1_waits;
CREATE VIEW check_v1_waits AS
    SELECT 'history' AS kind, (SELECT COUNT(*) FROM (SELECT 1 FROM wait WHERE kind = 'history' LIMIT 1000) w) AS packages,
        (SELECT since FROM wait WHERE kind = 'history' ORDER BY since LIMIT 1) AS oldest
    UNION ALL SELECT 'base', (SELECT COUNT(*) FROM (SELECT 1 FROM wait WHERE kind = 'base' LIMIT 1000) w),
        (SELECT since FROM wait WHERE kind = 'base' ORDER BY since LIMIT 1)
    UNION ALL SELECT 'pool', (SELECT COUNT(*) FROM (SELECT 1 FROM wait WHERE kind = 'pool' LIMIT 1000) w),
        (SELECT since FROM wait WHERE kind = 'pool' ORDER BY since LIMIT 1);

-- Levels by the hour: the newest is the first row of an index.
DROP VIEW IF EXISTS check_v1_levels;
CREATE VIEW check_v1_levels AS SELECT figure, hour, value FROM sample WHERE shard = 0;

-- Attempts that have ended.
DROP VIEW IF EXISTS check_v1_attempts;
CREATE VIEW check_v1_attempts AS SELECT id, ended FROM attempt WHERE ended IS NOT NULL;

-- Figures by the hour, newest last.
DROP VIEW IF EXISTS check_v1_samples;
CREATE VIEW check_v1_samples AS
    SELECT figure, hour, CAST(SUM(value) AS BIGINT) AS value FROM sample GROUP BY figure, hour;

-- What is published and was not tried yet, masses apart. Its reader takes the first by `published`, which is an index.
DROP VIEW IF EXISTS check_v1_waiting;
CREATE VIEW check_v1_waiting AS
    SELECT p.name AS package, u.version, u.published FROM publication u JOIN package p ON p.id = u.package_id
    WHERE u.done IS NULL AND u.gone IS NULL AND u.tries = 0 AND u.lane < 3 AND u.suite <> '';

-- How fresh branches are, as the newest sample has it: one row, and the same number of pages whatever the history is.
-- Seconds from publication to branch of what was first seen in seven days; unfinished ones at their age then. behind:
-- packages that lack something published. at: the hour of the sample, in milliseconds; null without one. oldest: when
-- what waits longest for its first try was published, which is of now.
DROP VIEW IF EXISTS check_v1_freshness;
CREATE VIEW check_v1_freshness AS
    SELECT (SELECT hour FROM sample WHERE figure = 'latency_count' ORDER BY hour DESC LIMIT 1) * 3600000 AS at,
        (SELECT value FROM sample WHERE figure = 'latency_count' ORDER BY hour DESC LIMIT 1) AS measured,
        (SELECT value FROM sample WHERE figure = 'latency_p50' ORDER BY hour DESC LIMIT 1) AS p50,
        (SELECT value FROM sample WHERE figure = 'latency_p95' ORDER BY hour DESC LIMIT 1) AS p95,
        (SELECT value FROM sample WHERE figure = 'latency_max' ORDER BY hour DESC LIMIT 1) AS worst,
        (SELECT value FROM sample WHERE figure = 'latency_failing_count' ORDER BY hour DESC LIMIT 1) AS failing,
        (SELECT value FROM sample WHERE figure = 'latency_failing_max' ORDER BY hour DESC LIMIT 1) AS failing_worst,
        (SELECT value FROM sample WHERE figure = 'latency_rescan_count' ORDER BY hour DESC LIMIT 1) AS rescans,
        (SELECT value FROM sample WHERE figure = 'latency_rescan_p95' ORDER BY hour DESC LIMIT 1) AS rescan_p95,
        (SELECT value FROM sample WHERE figure = 'latency_rescan_max' ORDER BY hour DESC LIMIT 1) AS rescan_worst,
        (SELECT value FROM sample WHERE figure = 'behind' ORDER BY hour DESC LIMIT 1) AS behind,
        (SELECT published FROM publication
            WHERE done IS NULL AND gone IS NULL AND tries = 0 AND lane < 3 AND suite <> ''
            ORDER BY published LIMIT 1) AS oldest;

-- Whether hosts with an open run over the queue get on: progress is when one of their jobs ended last (before the first,
-- when the run began), usual_ms how long those took on average, waiting when the job that could be claimed and waits for
-- longest entered its lane. trouble: what keeps a host from recording its work, in the database's words. All hosts have a
-- row; without an open run, or with one of an older release, progress is null.
DROP VIEW IF EXISTS check_v1_progress;
CREATE VIEW check_v1_progress AS
    SELECT h.name AS host,
        (SELECT MAX(r.progress) FROM run r
            WHERE r.host_id = h.id AND r.ended IS NULL AND r.mode IN ('until-empty', 'service')) AS progress,
        (SELECT CAST(SUM(r.worked_ms) / SUM(r.attempts) AS BIGINT) FROM run r
            WHERE r.host_id = h.id AND r.ended IS NULL AND r.attempts > 0 AND r.worked_ms > 0) AS usual_ms,
        (SELECT entered FROM job WHERE state = 'pending' AND held = 0
            ORDER BY entered, package_id LIMIT 1) AS waiting,
        COALESCE(h.trouble, (SELECT m.value FROM meta m WHERE m.name = 'trouble:' || h.name)) AS trouble,
        h.trouble_since
    FROM host h;

-- The leases of jobs that run: what is not renewed is taken back by somebody else.
DROP VIEW IF EXISTS check_v1_leases;
CREATE VIEW check_v1_leases AS
    SELECT attempt_id AS attempt, lease_until FROM job WHERE state = 'running';

-- Where repositories are published. unpublished: packages that have something which is not there; oldest: since when, of the
-- oldest of them that does not fail by itself. failing: packages that the remote does not take, up to 1,000. away: since when it is
-- out of reach, if it is, and cause.
DROP VIEW IF EXISTS check_v1_remotes;
CREATE VIEW check_v1_remotes AS
    SELECT r.name,
        (SELECT CAST(COALESCE(SUM(c.value), 0) AS BIGINT) FROM counter c
            WHERE c.name = 'unpublished:' || CAST(r.id AS TEXT)) AS unpublished,
        (SELECT u.entered FROM publish u WHERE u.remote_id = r.id AND u.state <> 'done' AND u.lane < 3
            AND u.failures = 0 ORDER BY u.entered LIMIT 1) AS oldest,
        (SELECT COUNT(*) FROM (SELECT 1 AS one FROM publish u WHERE u.remote_id = r.id AND u.failures > 0
            LIMIT 1000) known) AS failing,
        (SELECT d.since FROM dependency d WHERE d.name = 'remote:' || r.name AND d.state = 'open') AS away,
        (SELECT d.cause FROM dependency d WHERE d.name = 'remote:' || r.name AND d.state = 'open') AS cause,
        r.paused_until
    FROM remote r WHERE r.followed IS NOT NULL;

-- Where messages go. failing: since when one fails, failures: how often in a row, error: why. sent: when it was taken last.
DROP VIEW IF EXISTS check_v1_channels;
CREATE VIEW check_v1_channels AS
    SELECT name, kind, failing, failures, error, sent FROM channel WHERE followed IS NOT NULL;
