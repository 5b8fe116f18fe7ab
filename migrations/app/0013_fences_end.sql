-- A fence that was not seen for long is forgotten. Those from before count for 90 days from now on.
ALTER TABLE fences ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
UPDATE fences SET until = (unixepoch() + 90 * 86400) * 1000;
CREATE INDEX fences_by_end ON fences (until);
