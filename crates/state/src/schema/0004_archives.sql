-- Of each suite: whose branch it feeds, which mirror answered, how much is listed, when list and rows were compared, what
-- is to be said and since when, removals that are not believed yet, and when its server wants to be asked again.
ALTER TABLE suite ADD COLUMN distro TEXT;
ALTER TABLE suite ADD COLUMN branch TEXT;
ALTER TABLE suite ADD COLUMN mirror TEXT;
ALTER TABLE suite ADD COLUMN listed BIGINT;
ALTER TABLE suite ADD COLUMN reconciled BIGINT;
ALTER TABLE suite ADD COLUMN remarks TEXT;
ALTER TABLE suite ADD COLUMN remarked BIGINT;
ALTER TABLE suite ADD COLUMN withheld BIGINT;
ALTER TABLE suite ADD COLUMN withheld_index TEXT;
ALTER TABLE suite ADD COLUMN withheld_since BIGINT;
ALTER TABLE suite ADD COLUMN not_before BIGINT;

-- When an accepted index listed it no more. One that is not imported yet is gone only when no mirror has it either.
ALTER TABLE publication ADD COLUMN unlisted BIGINT;

-- Where else the content of a publication is listed in the same suite: in another component, or by another path.
CREATE TABLE place (
    publication_id BIGINT NOT NULL REFERENCES publication (id),
    component TEXT NOT NULL,
    dsc TEXT NOT NULL,
    PRIMARY KEY (publication_id, component, dsc)
);

-- What waits longest of each kind.
CREATE INDEX wait_kind ON wait (kind, since);

-- An operator wants the history asked again.
ALTER TABLE history ADD COLUMN again BIGINT NOT NULL DEFAULT 0;
