-- $1 days to keep -> outcome: done
-- Also dropped.
SELECT 'done' AS outcome, timers_partitions($1::bigint) AS dropped
