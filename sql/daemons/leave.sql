-- $1 instance -> outcome: left
WITH gone AS (DELETE FROM daemons WHERE instance = $1::uuid)
SELECT 'left' AS outcome
