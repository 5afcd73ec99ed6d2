-- $1 days to keep, 0: all -> outcome: done
-- How many partitions were dropped stands beside it.
SELECT 'done' AS outcome, day_partitions('webhooks', $1::bigint) AS dropped
