-- $1 id -> outcome: cancelled|running|over|not_found
-- Also the timer.
SELECT c.outcome, (c.shown).* FROM timers_cancel($1::uuid) AS c
