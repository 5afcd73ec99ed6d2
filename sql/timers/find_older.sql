-- $1 id -> rows: the timer as the older form tells it
SELECT id AS "timerId", "timeLeft", initcap(status) AS "timerStatus" FROM timers_find($1::uuid)
