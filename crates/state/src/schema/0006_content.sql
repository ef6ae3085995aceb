-- Of each suite: the date of the index in which its lists changed last, how often they have changed since anybody looked, the
-- longest time between two such dates, and how old its content may be by the configuration (0: as old as it likes).
ALTER TABLE suite ADD COLUMN content BIGINT;
ALTER TABLE suite ADD COLUMN changes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE suite ADD COLUMN longest_gap BIGINT;
ALTER TABLE suite ADD COLUMN stale_after BIGINT;

-- Packages whose history lacked something.
CREATE INDEX history_incomplete ON history (package_id) WHERE left_out > 0 OR note IS NOT NULL;
