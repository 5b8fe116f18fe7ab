-- What people ask for by hand.

-- Jobs that are held back. What falls due meanwhile is accounted for as skipped, over restarts too.
CREATE TABLE pauses (
    -- A job's name, or `*` for all of them.
    job      TEXT    NOT NULL PRIMARY KEY,
    since    INTEGER NOT NULL,
    -- When it is over by itself; NULL: not before somebody says so.
    until    INTEGER CHECK (until > since),
    note     TEXT,
    asked_by TEXT
) STRICT, WITHOUT ROWID;

-- Who asked for a run that no schedule demanded: a class and a name, never a token (seed C16).
ALTER TABLE runs ADD COLUMN asked_by TEXT;
