-- What has changed since a time, and what was still missing then, are found without a look at all that there is.
CREATE INDEX package_past_at ON package_past (at, package_id);
CREATE INDEX publication_done ON publication (done, first_seen, package_id) WHERE done IS NOT NULL;
CREATE INDEX publication_gone ON publication (gone, first_seen, package_id) WHERE gone IS NOT NULL;
