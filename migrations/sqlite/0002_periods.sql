-- What was demanded when: every schedule that was ever in force, so that it can be proved from the ledger alone that each
-- occurrence has its row and that no row was invented.
CREATE TABLE periods (
    -- The order in which they came into force. That of `anchored_at` may differ: a wall clock is set back at times.
    number       INTEGER NOT NULL PRIMARY KEY,
    job          TEXT    NOT NULL REFERENCES jobs (job),
    -- The identity of a schedule, or `disabled`, `removed`, `unknown`.
    schedule     TEXT    NOT NULL,
    -- Its occurrences after here are demanded.
    anchored_at  INTEGER NOT NULL,
    -- The rows of occurrences after here are all kept; of those up to here, some may have been pruned.
    kept_after   INTEGER NOT NULL,
    -- Where the job's cursor stood when the next period began; NULL for the one in force.
    accounted_to INTEGER
) STRICT;

CREATE INDEX periods_of_job ON periods (job, number);
CREATE UNIQUE INDEX periods_in_force ON periods (job) WHERE accounted_to IS NULL;

-- Of the time before, only the schedule now in force is known, and since when: for a job that was removed while no sidecar
-- ran, since its cursor last moved. Claims that an older one had made a little ahead of that, and that were then cancelled,
-- belong to the unknown.
CREATE TEMPORARY TABLE known_since AS
SELECT job, schedule, since, max(since, ifnull((
    SELECT max(through) FROM runs
    WHERE runs.job = known.job AND state = 'cancelled' AND reason IN ('redefined', 'removed')
), since)) AS covered
FROM (
    SELECT job, schedule, CASE schedule WHEN 'removed' THEN accounted_to ELSE anchored_at END AS since FROM jobs
) AS known;

INSERT INTO periods (job, schedule, anchored_at, kept_after, accounted_to)
SELECT job, 'unknown', 0, covered, covered FROM known_since ORDER BY job;
INSERT INTO periods (job, schedule, anchored_at, kept_after)
SELECT job, schedule, since, covered FROM known_since ORDER BY job;

DROP TABLE known_since;
