-- $1 dry -> outcome: rebuilt
SELECT 'rebuilt' AS outcome, agree, differ, missing, unjudged, example FROM tasks_rebuild($1::boolean)
