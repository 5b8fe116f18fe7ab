-- Where data is imported from. What came of it is in the other file, data.db, with the data.

CREATE TABLE sources (
    name     TEXT PRIMARY KEY,
    -- May hold a credential, so the file is for its owner only.
    url      TEXT,
    -- Below the folder of sources.
    file     TEXT,
    format   TEXT NOT NULL CHECK (format IN ('csv', 'jsonl')),
    added_at INTEGER NOT NULL,
    CHECK ((url IS NULL) <> (file IS NULL))
) STRICT;
