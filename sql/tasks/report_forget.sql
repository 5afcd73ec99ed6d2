-- $1 names (text[]) -> outcome: forgotten
WITH forgotten AS (
	DELETE FROM report_files WHERE name = ANY ($1::text[])
)
SELECT 'forgotten' AS outcome
