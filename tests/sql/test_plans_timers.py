"""The lists of timers touch few pages among 100,000 that are to come, in another order than that of their
ids, and 100,000 that are over, planned without values as the daemon asks for. Bounds are pages (8 KiB each),
never times."""

import json

import pytest

from plans import explain, fill, pages_of, prepare, session

# One of a thousand failed, none was cancelled, 50 were due a minute ago, and one of two thousand waits for
# its second attempt.
FILL = """
    INSERT INTO timers (id, shard, due_at, next_at, destination, url, method, max_attempts, timeout_ms, attempts)
    SELECT gen_random_uuid(), n % 64, due, due + CASE n % 2000 WHEN 7 THEN '10 days' ELSE '0' END::interval,
           'http://127.0.0.1:9', 'http://127.0.0.1:9/', 'POST', 6, 10000, (n % 2000 = 7)::integer
    FROM generate_series(1, 100000) AS n,
         LATERAL (SELECT now() + CASE WHEN n % 2000 IN (7, 9) THEN '-1 minute'
                                      ELSE '1 day'::interval + n * interval '1 minute' END AS due) AS d;
    INSERT INTO timers_over (id, status, finished_at, due_at, destination, url, method, max_attempts, timeout_ms,
        attempts, attempt_log, created_at)
    SELECT gen_random_uuid(), CASE n % 1000 WHEN 7 THEN 'failed' ELSE 'finished' END, ended, ended,
           'http://127.0.0.1:9', 'http://127.0.0.1:9/', 'POST', 6, 10000, 1, '{}', ended
    FROM generate_series(1, 100000) AS n, LATERAL (SELECT now() - n * interval '1 ms' AS ended) AS e"""

SOON = "2999-01-01"
NIL = "00000000-0000-0000-0000-000000000000"
CASES = {
    "the newest": ("list", [None, 100], 500, 100),
    "scheduled ones": ("list_scheduled", [None, 100], 250, 100),
    "running ones": ("list_running", [None, None, None, None, 100], 200, 50),
    "running ones that were due long ago": ("list_running", [None, "2000-01-01", None, None, 100], 200, 0),
    "finished ones": ("list_finished", [None, 100], 300, 100),
    "failed ones": ("list_lost", [None, 100, "failed"], 300, 100),
    "cancelled ones": ("list_lost", [None, 100, "cancelled"], 60, 0),
    "due from now on": ("list_due", ["now", None, None, None, None, 100], 500, 100),
    "due in a second that holds none": ("list_due", [SOON, "2999-01-02", None, None, None, 100], 100, 0),
    "due long ago": ("list_due", [None, "2000-01-01", None, None, None, 100], 100, 0),
    "scheduled and due long ago": ("list_due", [None, "2000-01-01", "scheduled", None, None, 100], 100, 0),
    "scheduled and due a minute ago": ("list_due", [None, "now", "scheduled", None, None, 100], 250, 50),
    "scheduled, behind a page": ("list_due", ["now", None, "scheduled", "tomorrow", NIL, 100], 250, 100),
    "finished and due lately": ("list_due", ["yesterday", None, "finished", None, None, 100], 300, 100),
    "failed and due lately": ("list_due", ["yesterday", None, "failed", None, None, 100], 300, 100),
    "cancelled and due lately": ("list_due", ["yesterday", None, "cancelled", None, None, 100], 100, 0),
}


@pytest.fixture(scope="module")
def cursor(module_database):
    with session(module_database) as cursor:
        fill(cursor, FILL)
        prepare(cursor, "timers", {statement for statement, *_ in CASES.values()})
        yield cursor


@pytest.mark.parametrize("name", CASES)
def test_few_pages_are_touched(cursor, name):
    statement, values, pages, rows = CASES[name]
    explain(cursor, statement, values)  # the first time also reads the catalogs
    plan = explain(cursor, statement, values)
    assert plan["Actual Rows"] == rows, json.dumps(plan, indent=1)
    assert pages_of(plan) <= pages, json.dumps(plan, indent=1)
