-- The tables. One text for both drivers: @ID, @BYTES and @HOT stand for what they call by different names.
-- Times are milliseconds since 1970 in UTC; flags are 0 or 1.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- A machine that imports, or did.
CREATE TABLE host (
    id @ID,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'online',
    reason TEXT,
    changed_by TEXT,
    changed_at BIGINT,
    expected BIGINT NOT NULL DEFAULT 0,
    heartbeat BIGINT NOT NULL
);

-- One invocation that drains the queue, or the life of a service.
CREATE TABLE run (
    id @ID,
    host_id BIGINT NOT NULL REFERENCES host (id),
    mode TEXT NOT NULL,
    pid BIGINT NOT NULL,
    pid_start BIGINT NOT NULL,
    boot TEXT NOT NULL,
    version TEXT NOT NULL,
    started BIGINT NOT NULL,
    heartbeat BIGINT NOT NULL,
    ended BIGINT,
    outcome TEXT,
    jobs BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    imported BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    note TEXT
);
CREATE INDEX run_open ON run (host_id) WHERE ended IS NULL;
CREATE INDEX run_ended ON run (ended);

CREATE TABLE package (
    id @ID,
    name TEXT NOT NULL UNIQUE,
    first_seen BIGINT NOT NULL,
    last_attempt BIGINT,
    last_success BIGINT,
    imported_by TEXT,
    peak_rss BIGINT,
    wall_ms BIGINT,
    held BIGINT NOT NULL DEFAULT 0,
    held_until BIGINT,
    held_by TEXT,
    held_reason TEXT,
    held_at BIGINT
);
CREATE INDEX package_held ON package (held_until) WHERE held = 1;
CREATE INDEX package_imported_by ON package (imported_by);

-- A version seen in a suite, and where its files are. lane: what came in a mass (a new series, a new archive) is measured
-- apart from uploads.
CREATE TABLE publication (
    id @ID,
    package_id BIGINT NOT NULL REFERENCES package (id),
    archive TEXT NOT NULL,
    distro TEXT NOT NULL,
    suite TEXT NOT NULL,
    component TEXT NOT NULL,
    version TEXT NOT NULL,
    dsc TEXT NOT NULL,
    dsc_sha256 TEXT NOT NULL,
    trust TEXT NOT NULL,
    files TEXT NOT NULL,
    published BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    lane BIGINT NOT NULL DEFAULT 1,
    gone BIGINT,
    tries BIGINT NOT NULL DEFAULT 0,
    done BIGINT,
    UNIQUE (package_id, distro, suite, version, dsc_sha256)
);
CREATE INDEX publication_open ON publication (package_id) WHERE done IS NULL AND gone IS NULL;
CREATE INDEX publication_suite ON publication (archive, distro, suite, id) WHERE gone IS NULL;
CREATE INDEX publication_seen ON publication (first_seen);
CREATE INDEX publication_untried ON publication (published)
    WHERE done IS NULL AND gone IS NULL AND tries = 0 AND lane < 3 AND suite <> '';

-- What a repository has, as its importer reported it; the repository itself decides.
CREATE TABLE version (
    package_id BIGINT NOT NULL REFERENCES package (id),
    distro TEXT NOT NULL,
    version TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    tree_id TEXT NOT NULL,
    applied_id TEXT,
    tag TEXT NOT NULL,
    rules BIGINT NOT NULL,
    importer TEXT NOT NULL,
    imported BIGINT NOT NULL,
    PRIMARY KEY (package_id, distro, version, commit_id)
);

-- The live row of a package that has work. It goes when the work is done.
CREATE TABLE job (
    package_id BIGINT PRIMARY KEY REFERENCES package (id),
    lane BIGINT NOT NULL,
    state TEXT NOT NULL,
    held BIGINT NOT NULL DEFAULT 0,
    tasks BIGINT NOT NULL,
    more BIGINT NOT NULL DEFAULT 0,
    wanted BIGINT NOT NULL,
    claimed BIGINT NOT NULL DEFAULT 0,
    entered BIGINT NOT NULL,
    due BIGINT,
    memory BIGINT NOT NULL DEFAULT 0,
    attempt_id BIGINT,
    run_id BIGINT,
    lease_until BIGINT,
    dependency_id BIGINT,
    batch_id BIGINT
) @HOT;
CREATE INDEX job_next ON job (lane, entered, package_id) WHERE state = 'pending' AND held = 0;
CREATE INDEX job_oldest ON job (entered, package_id) WHERE state = 'pending' AND held = 0;
CREATE INDEX job_due ON job (due) WHERE state = 'retrying' AND held = 0;
CREATE INDEX job_lease ON job (lease_until) WHERE state = 'running';
CREATE INDEX job_run ON job (run_id) WHERE state = 'running';
CREATE INDEX job_parked ON job (dependency_id, entered) WHERE state = 'parked';
CREATE INDEX job_batch ON job (batch_id) WHERE batch_id IS NOT NULL;

-- One execution of a job. Its id is the fencing token.
CREATE TABLE attempt (
    id @ID,
    package_id BIGINT NOT NULL REFERENCES package (id),
    run_id BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    tasks BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT,
    outcome TEXT,
    counts BIGINT NOT NULL DEFAULT 0,
    stage TEXT,
    code TEXT,
    signature_id BIGINT,
    message TEXT,
    importer TEXT NOT NULL,
    versions BIGINT,
    wall_ms BIGINT,
    cpu_ms BIGINT,
    peak_rss BIGINT,
    bytes_in BIGINT,
    bytes_out BIGINT,
    log TEXT
);
CREATE INDEX attempt_package ON attempt (package_id, id);
CREATE INDEX attempt_open ON attempt (run_id) WHERE ended IS NULL;
CREATE INDEX attempt_ended ON attempt (ended);
CREATE INDEX attempt_signature ON attempt (signature_id, id) WHERE signature_id IS NOT NULL;
CREATE INDEX attempt_failed ON attempt (package_id, ended) WHERE counts = 1;

-- What failures have in common: stage, code and a normalised message.
CREATE TABLE signature (
    id @ID,
    short TEXT NOT NULL UNIQUE,
    stage TEXT NOT NULL,
    code TEXT NOT NULL,
    text TEXT NOT NULL,
    example TEXT NOT NULL,
    normaliser BIGINT NOT NULL,
    alias_of BIGINT,
    class TEXT NOT NULL,
    policy TEXT,
    note TEXT,
    bug TEXT,
    failing BIGINT NOT NULL DEFAULT 0,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    last_change BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX signature_failing ON signature (failing) WHERE failing > 0;

-- The failing state of a package. It ends with a success.
CREATE TABLE failure (
    package_id BIGINT PRIMARY KEY REFERENCES package (id),
    signature_id BIGINT NOT NULL REFERENCES signature (id),
    attempt_id BIGINT NOT NULL,
    stage TEXT NOT NULL,
    code TEXT NOT NULL,
    class TEXT NOT NULL,
    state TEXT NOT NULL,
    message TEXT NOT NULL,
    since BIGINT NOT NULL,
    last BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    in_row BIGINT NOT NULL,
    distro TEXT,
    version TEXT
);
CREATE INDEX failure_signature ON failure (signature_id, since);
CREATE INDEX failure_since ON failure (since);
CREATE INDEX failure_wedged ON failure (since) WHERE state = 'wedged';

-- What an import cannot do without, and its circuit breaker.
CREATE TABLE dependency (
    id @ID,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'closed',
    since BIGINT NOT NULL,
    cause TEXT,
    good BIGINT NOT NULL DEFAULT 0,
    bad BIGINT NOT NULL DEFAULT 0,
    window_start BIGINT NOT NULL DEFAULT 0,
    probes BIGINT NOT NULL DEFAULT 0,
    next_probe BIGINT,
    probe_run BIGINT,
    allowance BIGINT NOT NULL DEFAULT 0,
    paced BIGINT NOT NULL DEFAULT 0,
    parked BIGINT NOT NULL DEFAULT 0,
    probe TEXT
);

-- What does not count for a while.
CREATE TABLE suppression (
    id @ID,
    kind TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    until BIGINT NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    ended BIGINT
);
CREATE INDEX suppression_live ON suppression (until) WHERE ended IS NULL;

-- Figures by the hour.
CREATE TABLE sample (
    figure TEXT NOT NULL,
    hour BIGINT NOT NULL,
    shard BIGINT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (figure, hour, shard)
);
CREATE INDEX sample_hour ON sample (hour);

-- What the baseline says of a figure.
CREATE TABLE verdict (
    figure TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    since BIGINT,
    value BIGINT NOT NULL,
    warn BIGINT,
    crit BIGINT,
    text TEXT NOT NULL,
    detail TEXT NOT NULL
);

-- A retry of many: some first, the others if those do better.
CREATE TABLE batch (
    id @ID,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    selector TEXT NOT NULL,
    reason TEXT,
    canary BIGINT NOT NULL,
    total BIGINT NOT NULL,
    state TEXT NOT NULL,
    cured BIGINT NOT NULL DEFAULT 0,
    unchanged BIGINT NOT NULL DEFAULT 0,
    broken BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX batch_open ON batch (id) WHERE state IN ('canary', 'all');
CREATE TABLE batch_member (
    batch_id BIGINT NOT NULL REFERENCES batch (id),
    package_id BIGINT NOT NULL,
    signature_id BIGINT,
    started BIGINT NOT NULL DEFAULT 0,
    result TEXT,
    PRIMARY KEY (batch_id, package_id)
);
CREATE INDEX batch_member_waiting ON batch_member (batch_id) WHERE started = 0;
CREATE INDEX batch_member_out ON batch_member (batch_id) WHERE started = 1 AND result IS NULL;

-- The last good poll of a suite. One that is not followed any more has neither every (its interval) nor followed (since
-- when).
CREATE TABLE suite (
    id @ID,
    archive TEXT NOT NULL,
    suite TEXT NOT NULL,
    etag TEXT,
    modified TEXT,
    release_sha256 TEXT,
    release_date BIGINT,
    indices TEXT,
    every BIGINT,
    followed BIGINT,
    polled BIGINT,
    changed BIGINT,
    failed BIGINT,
    error TEXT,
    UNIQUE (archive, suite)
);

-- The audit trail.
CREATE TABLE event (
    id @ID,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT,
    before TEXT,
    after TEXT
);
CREATE INDEX event_subject ON event (subject, id);

-- What would have to be counted otherwise. The value is the sum over the shards.
CREATE TABLE counter (
    name TEXT NOT NULL,
    shard BIGINT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name, shard)
) @HOT;

-- What a package waits for that may never come, and when it goes on without it.
CREATE TABLE wait (
    package_id BIGINT PRIMARY KEY REFERENCES package (id),
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX wait_until ON wait (until);

-- Packages whose old versions an archive's history was asked for: once, before their first import.
CREATE TABLE history (
    package_id BIGINT NOT NULL REFERENCES package (id),
    archive TEXT NOT NULL,
    asked BIGINT NOT NULL,
    versions BIGINT NOT NULL DEFAULT 0,
    left_out BIGINT NOT NULL DEFAULT 0,
    note TEXT,
    PRIMARY KEY (package_id, archive)
);
