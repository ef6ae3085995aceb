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

-- The lane in which a publication was queued when it was first seen: what came in a mass is measured apart.
ALTER TABLE publication ADD COLUMN lane BIGINT NOT NULL DEFAULT 1;
CREATE INDEX publication_seen ON publication (first_seen);
CREATE INDEX publication_untried ON publication (published)
    WHERE done IS NULL AND gone IS NULL AND tries = 0 AND lane < 3 AND suite <> '';
DROP INDEX publication_waiting;
DROP INDEX publication_done;
