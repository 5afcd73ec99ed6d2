-- $1 provider id, $2 cursor time or NULL, $3 cursor id or NULL, $4 limit -> rows: one run each, newest first; one empty row when it has none
SELECT p.id AS _provider, s.id AS "syncId", s.provider_id AS "providerId", s.status, s.reason,
       s.queued_at AS "queuedAt", s.started_at AS "startedAt", s.finished_at AS "finishedAt",
       s.attempts, s.http_status AS "httpStatus", s.not_modified AS "notModified",
       s.wire_bytes AS "wireBytes", s.body_bytes AS "bodyBytes", s.events, s.zones, s.created,
       s.updated, s.unchanged, s.rejected, s.vanished, s.problem_count AS "problemCount",
       s.problems, s.error,
       CASE WHEN row_number() OVER (ORDER BY s.queued_at DESC, s.id DESC) = $4::bigint
	    THEN s.queued_at || '|' || s.id END AS _cursor
FROM catalog_providers AS p
LEFT JOIN LATERAL (
	SELECT * FROM catalog_syncs AS r
	WHERE r.provider_id = p.id
	  AND ($2::timestamptz IS NULL OR (r.queued_at, r.id) < ($2::timestamptz, $3::uuid))
	ORDER BY r.queued_at DESC, r.id DESC
	LIMIT $4::bigint
) AS s ON true
WHERE p.id = $1::bigint AND p.deleted_at IS NULL
ORDER BY s.queued_at DESC, s.id DESC
