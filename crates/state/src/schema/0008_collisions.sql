-- Refs of ours that somebody else made or moved, by what their content is. kind: unmerged, conflict, tag-differs, blocked wait
-- for a person; contained, noise and rewritten are on record only. made: when theirs was made, by its own word, in milliseconds.
-- ours: the object that had been imported; theirs: what was found there. paths: a JSON list of files that it is about. aside:
-- the ref that theirs was set aside under; offer: the branch with the version and their change. A row ends by itself (ending:
-- contained, gone, done) or by a decision (drop, keep, take-tag), which is written here and carried out by a job.
CREATE TABLE collision (
    id @ID,
    package_id BIGINT NOT NULL REFERENCES package (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    since BIGINT NOT NULL,
    who TEXT,
    made BIGINT,
    ours TEXT,
    theirs TEXT,
    paths TEXT NOT NULL,
    aside TEXT,
    offer TEXT,
    ended BIGINT,
    ending TEXT,
    decision TEXT,
    decided BIGINT,
    decided_by TEXT,
    reason TEXT,
    trouble TEXT
);
CREATE INDEX collision_package ON collision (package_id, id);
CREATE INDEX collision_open ON collision (since, id) WHERE ended IS NULL;
