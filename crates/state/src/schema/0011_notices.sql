-- What is told to people: transitions, each written in the transaction that changes the fact. topic: what a beginning and its
-- end have in common, such as `outage:HOST`. part: once, begun, ended; passed is one that had ended before anybody was told.
-- level: ok, warning, critical. at: when it happened; began: since when, of what has ended or become worse. due: it is not told
-- before. seq: its place in the order in which all are told, given when it is due. items: a JSON list of sentences; hints: a
-- JSON list of commands.
CREATE TABLE notice (
    id @ID,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    part TEXT NOT NULL,
    level TEXT NOT NULL,
    subject TEXT NOT NULL,
    line TEXT NOT NULL,
    items TEXT NOT NULL,
    hints TEXT NOT NULL,
    at BIGINT NOT NULL,
    began BIGINT,
    due BIGINT NOT NULL,
    seq BIGINT
);
CREATE INDEX notice_topic ON notice (topic, id);
CREATE INDEX notice_kind ON notice (kind, id);
CREATE INDEX notice_due ON notice (due) WHERE seq IS NULL;
CREATE UNIQUE INDEX notice_seq ON notice (seq);

-- Where it is told, as configured. host: who has it in its configuration. followed: since when; none if nobody has. told, digested:
-- the last place in the order that a message at once, or a digest, has come to. digest_due: the next digest. failing: since when
-- it fails, failures: how often in a row, error: why, retry: it is not tried before.
CREATE TABLE channel (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    followed BIGINT,
    told BIGINT NOT NULL,
    digested BIGINT NOT NULL,
    digest_due BIGINT,
    sent BIGINT,
    failing BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    retry BIGINT
);

-- What a channel is told, as it was put together: sent again as it is until it was taken. kind: now, digest. uid: by which a
-- repeat is known. lease_until, lease_by: who is sending it.
CREATE TABLE message (
    id @ID,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE,
    made BIGINT NOT NULL,
    content TEXT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    lease_by TEXT,
    sent BIGINT,
    given_up BIGINT
);
CREATE UNIQUE INDEX message_open ON message (channel) WHERE sent IS NULL AND given_up IS NULL;
CREATE INDEX message_channel ON message (channel, id);
