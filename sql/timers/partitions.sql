-- $1 days to keep -> outcome: done
-- Also dropped.
SELECT 'done' AS outcome, day_partitions('timers_over', $1::bigint) AS dropped
