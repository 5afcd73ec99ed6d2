-- $1 status, $2 answer, $3 webhook-id or NULL, $4 headers, $5 body -> outcome: kept
-- A webhook that says nothing that counts: kept with its answer.
WITH kept AS (
	INSERT INTO webhooks (received_at, status, webhook_id, is_repeat, headers, answer, body)
	VALUES (clock_timestamp(), $1::smallint, $3::text, false, $4::text, $2::text, $5::bytea)
)
SELECT 'kept' AS outcome
