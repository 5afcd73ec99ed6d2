-- $1 days to keep, 0: all -> outcome: done; dropped
SELECT 'done' AS outcome, webhooks_partitions($1::bigint) AS dropped
