-- What is wrong with repositories, as the last look found it. code: a word of docs/repair.md. since: when it was first seen.
CREATE TABLE finding (
    package_id BIGINT NOT NULL REFERENCES package (id),
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (package_id, code, subject)
);
CREATE INDEX finding_code ON finding (code, package_id);

-- Plans of repair, each with a part for every package. kind: repair, rebuild, undo, automatic. undoes: the plan that it undoes.
CREATE TABLE repair_plan (
    id @ID,
    made BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    kind TEXT NOT NULL,
    undoes BIGINT
);

-- state: asked (a worker makes it), planned, empty (nothing to do), wanted (a worker carries it out), applied, stale, failed.
-- plan: findings and steps, JSON. note: why it is stale or failed, what cannot be undone.
CREATE TABLE repair_part (
    plan_id BIGINT NOT NULL REFERENCES repair_plan (id),
    package_id BIGINT NOT NULL REFERENCES package (id),
    state TEXT NOT NULL,
    plan TEXT,
    note TEXT,
    changed BIGINT NOT NULL,
    by_whom TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (plan_id, package_id)
);
CREATE INDEX repair_part_open ON repair_part (package_id, plan_id) WHERE state IN ('asked', 'wanted');

-- Findings that are known and do not count until a time, or until there are more of them than `number`. package_id: of one
-- package only.
CREATE TABLE mute (
    id @ID,
    code TEXT NOT NULL,
    package_id BIGINT REFERENCES package (id),
    number BIGINT NOT NULL,
    until BIGINT NOT NULL,
    made BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended BIGINT,
    ending TEXT
);
