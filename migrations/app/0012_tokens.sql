-- What signed tokens, and keys of requests, need to be remembered. Instants are milliseconds since 1970, UTC.

ALTER TABLE access_tokens ADD COLUMN last_used_at INTEGER;

-- Which run of the scheduler's asked for a job: its token may look after that job and no other (seed C6).
ALTER TABLE jobs ADD COLUMN requested_run TEXT;

-- A session token of one job holds for as long as its marker is here (seed C17).
CREATE TABLE job_sessions (
    hash       BLOB PRIMARY KEY,
    job_id     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX job_sessions_by_job ON job_sessions (job_id);

-- Answers to requests with a key. Without a status the request is being worked on.
CREATE TABLE answers (
    principal   TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    key         TEXT NOT NULL,
    -- SHA-256 of what was asked.
    fingerprint BLOB NOT NULL,
    status      INTEGER,
    -- As JSON: pairs of a name and the hex digits of a value.
    headers     TEXT,
    -- NULL when it was too large to be kept.
    body        BLOB,
    until       INTEGER NOT NULL,
    PRIMARY KEY (principal, endpoint, key),
    CHECK ((status IS NULL) = (headers IS NULL))
) STRICT;

CREATE INDEX answers_by_end ON answers (until);

-- The highest fence seen of each job of the scheduler's.
CREATE TABLE fences (
    principal TEXT NOT NULL,
    job       TEXT NOT NULL,
    fence     INTEGER NOT NULL,
    PRIMARY KEY (principal, job)
) STRICT;
