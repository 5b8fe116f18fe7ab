-- Tokens that no longer hold although they have not expired. Instants are milliseconds since 1970, UTC.

CREATE TABLE revocations (
    -- One token, or every token of a subject that was issued before an instant.
    jti           TEXT UNIQUE,
    subject       TEXT UNIQUE,
    issued_before INTEGER,
    -- No token that the entry could stop is alive from then on.
    until         INTEGER NOT NULL,
    reason        TEXT,
    CHECK ((jti IS NULL) <> (subject IS NULL)),
    CHECK ((subject IS NULL) = (issued_before IS NULL))
) STRICT;
