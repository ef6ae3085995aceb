-- What the checks read. A view of a version is kept for two releases, whatever becomes of the tables.

DROP VIEW IF EXISTS check_v1_counters;
CREATE VIEW check_v1_counters AS
    SELECT name, CAST(SUM(value) AS BIGINT) AS value FROM counter GROUP BY name;
