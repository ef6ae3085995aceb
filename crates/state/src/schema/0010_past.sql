-- What was so at a time. A row of a package for each transaction that changed its job, its failure, its hold or its wait; it
-- holds until the next one. state to dependency_id: of its job, none if it had none. began: 1 in the row with which its failure
-- began. Rows that were over 90 days ago go.
CREATE TABLE package_past (
    package_id BIGINT NOT NULL REFERENCES package (id),
    at BIGINT NOT NULL,
    state TEXT,
    lane BIGINT,
    entered BIGINT,
    due BIGINT,
    attempt_id BIGINT,
    run_id BIGINT,
    dependency_id BIGINT,
    held BIGINT NOT NULL DEFAULT 0,
    held_until BIGINT,
    held_by TEXT,
    held_reason TEXT,
    held_at BIGINT,
    last_success BIGINT,
    wall_ms BIGINT,
    failure TEXT,
    signature_id BIGINT,
    failed_attempt BIGINT,
    stage TEXT,
    code TEXT,
    class TEXT,
    message TEXT,
    since BIGINT,
    last BIGINT,
    attempts BIGINT,
    distro TEXT,
    version TEXT,
    began BIGINT,
    wait_kind TEXT,
    wait_reason TEXT,
    wait_since BIGINT,
    wait_until BIGINT,
    PRIMARY KEY (package_id, at)
);
CREATE INDEX package_past_began ON package_past (at) WHERE began = 1;
CREATE INDEX package_past_parked ON package_past (dependency_id, at) WHERE dependency_id IS NOT NULL;

-- The same of what there is little of: breakers, hosts, runs, suites, decisions about signatures, verdicts. A row for each
-- change; none (NULL) if it was no more.
CREATE TABLE past (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    at BIGINT NOT NULL,
    value TEXT,
    PRIMARY KEY (kind, name, at)
);
CREATE INDEX past_at ON past (at);

-- What was so when this began to be kept: the earliest that can be told is the time in meta, past_since.
INSERT INTO package_past (package_id, at, state, lane, entered, due, attempt_id, run_id, dependency_id, held, held_until,
        held_by, held_reason, held_at, last_success, wall_ms, failure, signature_id, failed_attempt, stage, code, class,
        message, since, last, attempts, distro, version, wait_kind, wait_reason, wait_since, wait_until)
    SELECT p.id, 0, j.state, j.lane, j.entered, j.due, j.attempt_id, j.run_id, j.dependency_id, p.held, p.held_until,
        p.held_by, p.held_reason, p.held_at, p.last_success, p.wall_ms, f.state, f.signature_id, f.attempt_id, f.stage, f.code,
        f.class, f.message, f.since, f.last, f.attempts, f.distro, f.version, w.kind, w.reason, w.since, w.until
    FROM package p LEFT JOIN job j ON j.package_id = p.id LEFT JOIN failure f ON f.package_id = p.id
        LEFT JOIN wait w ON w.package_id = p.id;

-- The runs of a host, and the audit trail, by time.
CREATE INDEX run_host ON run (host_id, started);
CREATE INDEX event_at ON event (at);
