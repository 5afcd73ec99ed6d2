-- $1 number -> rows: the webhook
SELECT id, received_at AS "receivedAt", status,
       coalesce(answer::json, CASE status WHEN 202 THEN 'null'::json
		WHEN 404 THEN '{"detail":"Task not found"}'::json
		WHEN 409 THEN '{"detail":"Duplicate task creation"}'::json
		WHEN 400 THEN '{"detail":"Invalid event status"}'::json END) AS answer,
       task_id AS "taskId", at AS timestamp, webhook_id AS "webhookId", is_repeat AS "isRepeat", headers::json AS headers,
       length(body) AS "bodyBytes", body AS _body
FROM webhooks
WHERE id = $1::bigint
