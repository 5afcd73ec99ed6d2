-- $1 payload -> outcome: told
SELECT 'told' AS outcome, pg_notify('almanac_timers', $1::text)
