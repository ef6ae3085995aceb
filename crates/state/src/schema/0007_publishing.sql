-- Where repositories are published to, as configured. followed: since when; none if no configuration names it any more.
-- filled: the last package that was asked for when it was new, NULL once all were. abilities: what was found out about the
-- server, JSON. paused_until: when it wants to be asked again. Its breaker is the dependency `remote:NAME`.
CREATE TABLE remote (
    id @ID,
    name TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    followed BIGINT,
    filled BIGINT,
    abilities TEXT,
    paused_until BIGINT
);

-- A package and a remote. lane: 0 asked for by an operator, 1 something new, 2 one of all (the remote is new), 3 a look
-- whether all is still there. state: pending, running, retrying, done. entered: since when something is not there, or when
-- the look came due. due: the next try, or the next look. here: fingerprint of what was wanted; there: of what was read
-- back. code, message, since, failures: why it is not there, since when, how often. foreign_refs: refs that somebody else
-- has moved on the remote; refused: refs that the server does not take; kept: those of kinds that it takes of no package.
-- detail: which, JSON.
CREATE TABLE publish (
    package_id BIGINT NOT NULL REFERENCES package (id),
    remote_id BIGINT NOT NULL REFERENCES remote (id),
    lane BIGINT NOT NULL,
    state TEXT NOT NULL,
    wanted BIGINT NOT NULL,
    claimed BIGINT NOT NULL DEFAULT 0,
    entered BIGINT NOT NULL,
    due BIGINT,
    run_id BIGINT,
    here TEXT,
    there TEXT,
    published BIGINT,
    code TEXT,
    message TEXT,
    since BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    foreign_refs BIGINT NOT NULL DEFAULT 0,
    refused BIGINT NOT NULL DEFAULT 0,
    kept BIGINT NOT NULL DEFAULT 0,
    detail TEXT,
    PRIMARY KEY (package_id, remote_id)
) @HOT;
CREATE INDEX publish_next ON publish (remote_id, lane, entered, package_id) WHERE state = 'pending';
CREATE INDEX publish_due ON publish (due) WHERE state IN ('retrying', 'done');
CREATE INDEX publish_running ON publish (run_id) WHERE state = 'running';
CREATE INDEX publish_oldest ON publish (remote_id, entered) WHERE state <> 'done' AND lane < 3 AND failures = 0;
CREATE INDEX publish_failing ON publish (remote_id, since) WHERE failures > 0;
CREATE INDEX publish_odd ON publish (remote_id, package_id) WHERE foreign_refs > 0 OR refused > 0;

-- When a version was on all remotes for the first time.
ALTER TABLE publication ADD COLUMN reached BIGINT;
