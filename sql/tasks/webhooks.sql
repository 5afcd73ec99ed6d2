-- $1 number of the last row or NULL, $2 limit, $3 bytes of a body to show -> rows: one webhook each, the newest first
SELECT id, received_at AS "receivedAt", status,
       coalesce(answer::json, CASE status WHEN 202 THEN 'null'::json
		WHEN 404 THEN '{"detail":"Task not found"}'::json
		WHEN 409 THEN '{"detail":"Duplicate task creation"}'::json
		WHEN 400 THEN '{"detail":"Invalid event status"}'::json END) AS answer,
       task_id AS "taskId", at AS timestamp, webhook_id AS "webhookId", is_repeat AS "isRepeat", headers::json AS headers,
       length(body) AS "bodyBytes", substr(body, 1, $3::integer) AS _body,
       CASE WHEN row_number() OVER (ORDER BY id DESC) = $2::bigint THEN id END AS _cursor
FROM (
	SELECT * FROM webhooks
	WHERE id < coalesce($1::bigint, 9223372036854775807)
	ORDER BY id DESC
	LIMIT $2::bigint
) AS page
ORDER BY id DESC
