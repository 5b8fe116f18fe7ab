-- What the user of a row proved to be: 'service', 'user', 'service-token', 'session', 'run'. Null: nothing was proved, or the
-- row is older than this column.
ALTER TABLE audit ADD COLUMN kind TEXT;
-- 1: a stranger was refused. Anybody can become one, so only the newest of these are kept.
ALTER TABLE audit ADD COLUMN strangers INTEGER NOT NULL DEFAULT 0;
UPDATE audit SET strangers = 1 WHERE user = 'anonymous' AND action = 'user.login';
DROP INDEX audit_by_user;
CREATE INDEX audit_of_strangers ON audit (id) WHERE strangers = 1;
