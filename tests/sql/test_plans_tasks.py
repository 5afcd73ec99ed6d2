"""The statements of tasks touch few pages among 200,000 tasks, webhooks and report files, planned without
values as the daemon asks for. Bounds are pages (8 KiB each), never times."""

import json

import pytest

from plans import explain, fill, pages_of, prepare, session

FILL = """
    INSERT INTO tasks (id, user_id, content, created_at, created_seen_at, newest_at, first_seen_at, created_webhook, is_listed)
    SELECT 'task-' || n, 'user-' || n % 1000, 'Buy milk', '2026-01-01'::timestamptz + n * interval '1 s',
           now(), now(), now() - interval '1 hour', n, n % 3 > 0
    FROM generate_series(1, 200000) AS n;
    INSERT INTO webhooks (received_at, status, kind, at, task_id, is_repeat, headers, body)
    SELECT now(), 202, 0, now(), 'task-' || n, false, '{}', '{}' FROM generate_series(1, 200000) AS n;
    INSERT INTO report_files
    SELECT 'file-' || n, 'user-' || n % 1000, now(), now() - n * interval '1 s', 1, now()
    FROM generate_series(1, 200000) AS n"""

CASES = {
    "all tasks": ("list", [None, None, "task-5", 100], 120),
    "tasks of a user": ("list", ["user-5", None, None, 100], 250),
    "tasks of a user, far into them": ("list", ["user-5", None, "task-9", 100], 250),
    "one task": ("find", ["task-77"], 5),
    "a history": ("history", ["task-77", None, 100], 20),
    "the newest webhooks": ("webhooks", [None, 100, 4096], 60),
    "older webhooks": ("webhooks", [5000, 100, 4096], 60),
    "one webhook": ("webhook_find", [5000], 20),
    "a report": ("report", ["user-5", "2026-01-01", "2026-01-02", 15, 1000], 300),
    "a page of the reports": ("report_page", [0, 1, 0, 2 * 10 ** 15, "user-5", "", 100], 120),
    "the newest files": ("report_files", [None, None, None, 100], 10),
    "older files": ("report_files", [None, "2020-01-01", "x", 100], 10),
    "files of a user": ("report_files", ["user-5", None, None, 100], 120),
    "one file": ("report_file", ["file-5"], 5),
    "files that are too old": ("report_old", [3, 100], 20),
}


@pytest.fixture(scope="module")
def cursor(module_database):
    with session(module_database) as cursor:
        fill(cursor, FILL)
        prepare(cursor, "tasks", {statement for statement, *_ in CASES.values()})
        yield cursor


@pytest.mark.parametrize("name", CASES)
def test_few_pages_are_touched(cursor, name):
    statement, values, pages = CASES[name]
    explain(cursor, statement, values)  # the first time also reads the catalogs
    plan = explain(cursor, statement, values)
    assert pages_of(plan) <= pages, json.dumps(plan, indent=1)
