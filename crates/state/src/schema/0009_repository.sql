-- What is on record of a package's repository where hosts have repositories as caches only, and the truth is on a remote.
-- host: which has published it last. done: fingerprint of the importer's refs that were read back last, NULL if it is not
-- known what the remote has. begun: of those that are being published by an attempt, or were when it died. record: refs and
-- objects that may be believed of the remote, with the seal of the installation's key.
CREATE TABLE repository (
    package_id BIGINT PRIMARY KEY REFERENCES package (id),
    host TEXT NOT NULL,
    done TEXT,
    begun TEXT,
    record TEXT NOT NULL
);
