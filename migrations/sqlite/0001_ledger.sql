-- The ledger of one sidecar.
--
-- Instants are INTEGER microseconds since 1970 UTC, durations INTEGER microseconds: they compare and subtract as they
-- are, and no text format can be written in two ways. Words are CHECKed against the closed lists of the design, also
-- those that only later versions write, because SQLite cannot change a CHECK without copying the table.

-- "SEXT" in ASCII: tells a ledger from another program's database, which is never touched.
PRAGMA application_id = 1397053524;

-- What is known of each job. Rows stay when a job is removed: its history refers to them, and its fence must go on
-- growing should it come back.
CREATE TABLE jobs (
    job          TEXT    NOT NULL PRIMARY KEY,
    definition   TEXT    NOT NULL,
    schedule     TEXT    NOT NULL,
    anchored_at  INTEGER NOT NULL,
    -- Every occurrence up to here, inclusive, has its row. Moves only in the transaction that writes the rows.
    accounted_to INTEGER NOT NULL,
    -- The number of the job's newest attempt.
    fence        INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id            TEXT    NOT NULL PRIMARY KEY,
    job           TEXT    NOT NULL REFERENCES jobs (job),
    scheduled_for INTEGER NOT NULL,
    through       INTEGER NOT NULL,
    count         INTEGER NOT NULL CHECK (count >= 1),
    "trigger"     TEXT    NOT NULL CHECK ("trigger" IN ('schedule', 'catch_up', 'manual', 'startup', 'backfill')),
    state         TEXT    NOT NULL CHECK (state IN (
        'claimed', 'queued', 'sending', 'polling', 'retry_wait',
        'succeeded', 'failed', 'unknown', 'skipped', 'missed', 'cancelled'
    )),
    -- Derived, so that the two can never disagree.
    outcome       TEXT GENERATED ALWAYS AS (
        CASE WHEN state IN ('claimed', 'queued', 'sending', 'polling', 'retry_wait') THEN NULL ELSE state END
    ) VIRTUAL,
    reason        TEXT CHECK (reason IN (
        'running', 'possibly_running', 'busy', 'paused', 'queue_full', 'redefined', 'removed', 'downtime', 'crash',
        'shutdown', 'timeout', 'broken', 'connect', 'credential', 'unknown_status', 'status', 'expect', 'poll_refused',
        'panic', 'settled'
    )),
    -- What an unknown run turned out to be. `state` stays `unknown`: both are kept.
    settled       TEXT CHECK (settled IN ('succeeded', 'failed')),
    -- Who works on it and until when: with one sidecar the file's lock says so, and both stay empty.
    claimed_by    TEXT,
    lease_until   INTEGER,
    -- When a waiting run goes on.
    wake_at       INTEGER,
    fence         INTEGER CHECK (fence >= 1),
    definition    TEXT    NOT NULL,
    request       TEXT,
    status        INTEGER,
    excerpt       TEXT,
    lateness      INTEGER,
    duration      INTEGER,
    finished_at   INTEGER,
    CHECK (through >= scheduled_for),
    -- Only what was never sent may stand for several occurrences.
    CHECK (count = 1 OR state IN ('skipped', 'missed')),
    CHECK (settled IS NULL OR state = 'unknown'),
    CHECK ((finished_at IS NULL) = (state IN ('claimed', 'queued', 'sending', 'polling', 'retry_wait')))
) STRICT;

-- Guarantee G2. A run started by hand is no occurrence and may fall on the same instant as one.
CREATE UNIQUE INDEX runs_occurrence ON runs (job, scheduled_for) WHERE "trigger" IN ('schedule', 'catch_up');

-- The history, newest first: of one job, of one outcome, of all.
CREATE INDEX runs_of_job ON runs (job, scheduled_for, id);
CREATE INDEX runs_with_outcome ON runs (outcome, scheduled_for, id) WHERE outcome IS NOT NULL;
CREATE INDEX runs_newest ON runs (scheduled_for, id);

-- What a start looks for. A handful of rows, however long the history is.
CREATE INDEX runs_unfinished ON runs (scheduled_for, id)
    WHERE state IN ('claimed', 'queued', 'sending', 'polling', 'retry_wait');

CREATE TABLE attempts (
    run         TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL CHECK (number >= 1),
    fence       INTEGER NOT NULL CHECK (fence >= 1),
    sent_at     INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT CHECK (outcome IN ('succeeded', 'failed', 'unknown', 'skipped', 'cancelled')),
    reason      TEXT CHECK (reason IN (
        'running', 'possibly_running', 'busy', 'paused', 'queue_full', 'redefined', 'removed', 'downtime', 'crash',
        'shutdown', 'timeout', 'broken', 'connect', 'credential', 'unknown_status', 'status', 'expect', 'poll_refused',
        'panic', 'settled'
    )),
    status      INTEGER,
    excerpt     TEXT,
    PRIMARY KEY (run, number),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
) STRICT;

-- The right to be in flight: `job:NAME` has the one number 0. `until` frees a slot that nobody gave back, so that a run
-- that no process works on any more cannot block its job for ever (seed E9).
CREATE TABLE slots (
    name  TEXT    NOT NULL,
    n     INTEGER NOT NULL CHECK (n >= 0),
    run   TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    until INTEGER NOT NULL,
    PRIMARY KEY (name, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX slots_of_run ON slots (run);

-- `last_tick`: when the scheduler was last alive.
CREATE TABLE meta (
    key   TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
