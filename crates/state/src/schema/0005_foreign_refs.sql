-- Refs of repositories that are not where the importer has put them: made, moved or removed by somebody else. A row goes
-- when an import finds the ref gone, or where it belongs. kind: branch, tag, other, gone, blocked. ours: the object that
-- was imported; theirs: what is there now. since: when it was first seen like this.
CREATE TABLE foreign_ref (
    package_id BIGINT NOT NULL REFERENCES package (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    since BIGINT NOT NULL,
    ours TEXT,
    theirs TEXT,
    PRIMARY KEY (package_id, name)
);
CREATE INDEX foreign_ref_since ON foreign_ref (since);
