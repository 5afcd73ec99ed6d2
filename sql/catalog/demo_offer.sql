-- (nothing) -> outcome: offered|known
-- A fresh database gets the demo provider, once.
WITH fresh AS (
	UPDATE catalog_state SET demo_offered = true
	WHERE NOT demo_offered
	RETURNING only_row
),
made AS (
	INSERT INTO catalog_providers (name, url)
	SELECT 'demo', 'almanac:demo' FROM fresh
	WHERE NOT EXISTS (SELECT FROM catalog_providers WHERE deleted_at IS NULL)
	RETURNING id
),
woken AS (
	UPDATE jobs SET due_at = clock_timestamp() WHERE name = 'catalog-sync' AND EXISTS (SELECT FROM made)
	RETURNING pg_notify('almanac_jobs', name)
)
SELECT CASE WHEN EXISTS (SELECT FROM made) THEN 'offered' ELSE 'known' END AS outcome,
       (SELECT count(*) FROM woken) AS _woken
