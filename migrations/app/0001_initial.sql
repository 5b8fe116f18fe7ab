-- The reference app's own tables. Instants are milliseconds since 1970, UTC.

CREATE TABLE users (
    id          TEXT PRIMARY KEY,
    email       TEXT NOT NULL COLLATE NOCASE UNIQUE,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('user', 'service')),
    password    TEXT,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER,
    -- The scheduler has no password that could be guessed, reset or leaked.
    CHECK ((kind = 'user') = (password IS NOT NULL))
) STRICT;

CREATE TABLE groups (
    name TEXT PRIMARY KEY
) STRICT;

INSERT INTO groups (name) VALUES ('Admin');

CREATE TABLE memberships (
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL REFERENCES groups (name) ON DELETE CASCADE,
    -- How it came about: 'system_seed', 'first_user'.
    provenance TEXT NOT NULL,
    PRIMARY KEY (user_id, group_name)
) STRICT;

CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE access_tokens (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

-- No foreign key: what somebody did outlives their account.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    user        TEXT NOT NULL,
    action      TEXT NOT NULL,
    resource    TEXT NOT NULL,
    result      TEXT NOT NULL,
    duration_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE marketplaces (
    name        TEXT PRIMARY KEY COLLATE NOCASE,
    -- May hold a credential, so the file is for its owner only.
    address     TEXT NOT NULL,
    added_at    INTEGER NOT NULL,
    head        TEXT,
    synced_at   INTEGER
) STRICT;
