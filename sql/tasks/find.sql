-- $1 id -> rows: the task
SELECT id, user_id AS "userId", content,
       CASE WHEN deleted_at IS NOT NULL THEN 'deleted' WHEN completed_at IS NOT NULL THEN 'completed' ELSE 'open' END
       AS status,
       created_at AS "createdAt", completed_at AS "completedAt", deleted_at AS "deletedAt"
FROM tasks
WHERE id = $1::text AND created_at IS NOT NULL
