-- What is known of each source's last import. Beside it is a table for each source; their names begin with a letter.
-- Instants are milliseconds since 1970, UTC.

CREATE TABLE _imports (
    source      TEXT PRIMARY KEY,
    -- SHA-256 of the data, in hex digits, and the server's name for that state of it.
    hash        TEXT NOT NULL,
    etag        TEXT,
    rows        INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    imported_at INTEGER NOT NULL,
    checked_at  INTEGER NOT NULL
) STRICT;
