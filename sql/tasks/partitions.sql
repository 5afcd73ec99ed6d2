-- $1 days to keep, 0: all -> outcome: done
-- How many partitions were dropped stands beside it.
SELECT 'done' AS outcome, webhooks_partitions($1::bigint) AS dropped
