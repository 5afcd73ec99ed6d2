-- $1 task, $2 number of the last row or NULL, $3 limit -> rows: one webhook each, in the order of receipt; one empty row when only older ones than are kept told of it
WITH task AS (
	SELECT id, first_seen_at, created_webhook FROM tasks WHERE id = $1::text AND created_at IS NOT NULL
),
page AS (
	SELECT w.*
	FROM task, LATERAL (
		SELECT * FROM webhooks AS later
		WHERE later.task_id = task.id AND coalesce(later.kind, 2) >= 2
		UNION ALL
		SELECT * FROM webhooks AS creation WHERE creation.id = task.created_webhook
	) AS w
	WHERE w.received_at >= task.first_seen_at AND w.id > coalesce($2::bigint, 0)
	ORDER BY w.id
	LIMIT $3::bigint
)
SELECT page.id AS webhook, m.body ->> 'event' AS event, page.at AS timestamp, m.body -> 'metadata' ->> 'userId' AS "userId",
       m.body -> 'metadata' ->> 'content' AS content, m.body -> 'metadata' -> 'isCompleted' AS "isCompleted",
       page.received_at AS "receivedAt", page.status, page.kind IS NOT NULL AS "counts",
       page.is_repeat AS "isRepeat",
       CASE WHEN row_number() OVER (ORDER BY page.id) = $3::bigint THEN page.id END AS _cursor
FROM task LEFT JOIN page ON true
LEFT JOIN LATERAL (SELECT convert_from(page.body, 'UTF8')::json AS body) AS m ON true
ORDER BY page.id
