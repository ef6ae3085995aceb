-- Whether a host that lives gets on, and what keeps it from recording its work.
-- progress: Unix milliseconds of the end of its newest attempt; worked_ms: the time that its attempts took in all.
ALTER TABLE run ADD COLUMN progress BIGINT;
ALTER TABLE run ADD COLUMN worked_ms BIGINT NOT NULL DEFAULT 0;
-- trouble: in the database's words; trouble_since: Unix milliseconds.
ALTER TABLE host ADD COLUMN trouble TEXT;
ALTER TABLE host ADD COLUMN trouble_since BIGINT;
