-- Work that is queued, done by the app itself, and polled. Instants are milliseconds since 1970, UTC.

CREATE TABLE jobs (
    -- A UUIDv7: the order of ids is the order of asking.
    id              TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    -- What the kind was asked for besides, as JSON.
    arguments       TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('pending', 'claimed', 'running', 'completed', 'failed', 'cancelled')),
    -- Who asked: which user, and what it proved to be (seed C16). Never a credential.
    requested_by    TEXT NOT NULL,
    requested_as    TEXT NOT NULL,
    idempotency_key TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,
    -- A pending one is not claimed before this.
    run_after       INTEGER NOT NULL,
    -- A new one for each claim; only its holder ends the job.
    lease           TEXT,
    lease_until     INTEGER,
    progress        REAL NOT NULL DEFAULT 0,
    -- What the kind has to tell, as JSON, and why it failed, for whoever asked.
    result          TEXT,
    error           TEXT,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    finished_at     INTEGER,
    CHECK ((status IN ('claimed', 'running')) = (lease IS NOT NULL)),
    CHECK ((lease IS NULL) = (lease_until IS NULL)),
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) STRICT;

-- A key names one job of its asker for as long as that job is not over (seed A35).
CREATE UNIQUE INDEX jobs_by_key ON jobs (requested_by, idempotency_key)
    WHERE idempotency_key IS NOT NULL AND status IN ('pending', 'claimed', 'running');

-- What the runner looks at over and over is short, however long the history is.
CREATE INDEX jobs_unfinished ON jobs (status, id) WHERE status IN ('pending', 'claimed', 'running');
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
