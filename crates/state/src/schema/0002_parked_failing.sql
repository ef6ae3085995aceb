-- Parked jobs of packages that fail already, so that a check can count each package once: counter parked_failing, and by
-- signature, because those of a suppressed one do not fail for the checks. Held packages count in neither.
ALTER TABLE signature ADD COLUMN parked BIGINT NOT NULL DEFAULT 0;

UPDATE signature SET parked = (SELECT COUNT(*) FROM job j JOIN failure f ON f.package_id = j.package_id
    WHERE f.signature_id = signature.id AND j.state = 'parked' AND j.held = 0)
    WHERE id IN (SELECT f.signature_id FROM job j JOIN failure f ON f.package_id = j.package_id
        WHERE j.state = 'parked' AND j.held = 0);

INSERT INTO counter (name, shard, value)
    SELECT 'parked_failing', 0, COUNT(*) FROM job j JOIN failure f ON f.package_id = j.package_id
        WHERE j.state = 'parked' AND j.held = 0 HAVING COUNT(*) > 0;
