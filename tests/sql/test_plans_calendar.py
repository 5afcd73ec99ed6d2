"""The statements of calendars touch few pages among 50,000 events and 20,000 calendars, whatever plan they are
run with: made without values, as the daemon asks for, also when the tables were empty. Bounds are pages
(8 KiB each), never times."""

import json

import pytest

from plans import explain, fill, nodes_of, pages_of, prepare, session

RUN = "00000000-0000-0000-0000-000000000000"

# Of the first forty users, number 7 has 10,000 events, the others 1,000 each; those of user 8 are deleted.
FILL = """
    INSERT INTO calendars (user_id, kind, due_at, synced_at, events)
    SELECT n::text, 'generator', now() + n * interval '30 s', now(), 1000 FROM generate_series(1, 20000) AS n;
    INSERT INTO calendar_events (calendar_id, id, starts_at, ends_at, item, digest, deleted_at)
    SELECT c.id, 'event-' || n, '2026-01-01'::timestamptz + n * interval '5 minutes',
           '2026-01-01'::timestamptz + n * interval '5 minutes' + interval '1 hour', repeat('x', 250),
           md5(n::text)::uuid, CASE WHEN c.user_id = '8' THEN now() END
    FROM calendars AS c, generate_series(1, CASE WHEN c.user_id = '7' THEN 10000 ELSE 1000 END) AS n
    WHERE c.id <= 40;
    SELECT calendar_mark(id) FROM calendars WHERE id <= 40;
    INSERT INTO calendar_syncs (calendar_id, status, reason, queued_at, finished_at)
    SELECT c.id, 'succeeded', 'schedule', now() - n * interval '1 hour', now() - n * interval '1 hour'
    FROM calendars AS c, generate_series(1, 200) AS n WHERE c.id <= 40"""

# Nobody else makes statistics.
UNWATCHED = "".join(f"ALTER TABLE {table} SET (autovacuum_enabled = off);" for table in
                    ("calendars", "calendar_events", "calendar_marks", "calendar_syncs"))

CASES = {
    "the first page": ("list", ["7", 0, 100], 140),
    "a page in the middle": ("list", ["7", 2517, 100], 140),
    "the last page": ("list", ["7", 4900, 100], 140),
    "a page behind the end": ("list", ["30", 3000, 100], 10),
    "a user nobody knows": ("list", ["nobody", 0, 100], 10),
    "a page of a month": ("list_window", ["30", 0, 100, "2026-01-02", "2026-02-01"], 500),
    "the newest runs": ("sync_list", ["30", None, None, 100], 120),
    "older runs": ("sync_list", ["30", "2026-01-01", RUN, 100], 120),
    "one run": ("sync_find", [RUN], 10),
    "a source": ("source_find", ["30"], 10),
    "when the next one is": ("sync_next", [], 20),
}

# Nobody waits for these: they are judged when there are statistics.
BY_SCHEDULE = {
    "nothing is due": ("sync_claim", [8, 4, 10, 3600], 20),
    "old runs": ("purge_syncs", [9, 100], 20),
    "deleted events": ("purge_events", [9, 100], 20),
}


@pytest.fixture(scope="module", params=["filled", "empty"])
def cursor(postgres, migrated, request):
    """Of a session that made its plans with the tables as they are, or when they were empty and nothing told it
    otherwise."""
    url = postgres.create_database(template=migrated)
    with session(url) as cursor:
        cases = [*CASES.values(), *BY_SCHEDULE.values()]
        prepare(cursor, "calendar", {statement for statement, _, _ in cases} | {"sync_compare"})
        if request.param == "filled":
            fill(cursor, FILL)
        else:
            cursor.execute(UNWATCHED)
        for statement, values, _ in cases:
            explain(cursor, statement, values)
        if request.param == "empty":
            cursor.execute(FILL)
        yield cursor
    postgres.drop_database(url)


@pytest.mark.parametrize("name", CASES)
def test_few_pages_are_touched(cursor, name):
    judge(cursor, *CASES[name])


def judge(cursor, statement, values, pages):
    plan = explain(cursor, statement, values)
    assert pages_of(plan) <= pages, json.dumps(plan, indent=1)


def test_a_page_costs_the_same_however_far_it_is(cursor):
    costs = [pages_of(explain(cursor, "list", ["7", start, 100])) for start in (50, 1050, 4850)]
    assert max(costs) - min(costs) <= 6, costs


def test_a_comparison_reads_one_calendar_once(cursor):
    cursor.execute("SELECT array_agg(id ORDER BY id), array_agg(digest::text ORDER BY id) "
                   "FROM calendar_events WHERE calendar_id = 7")
    ids, digests = cursor.fetchone()
    plan = explain(cursor, "sync_compare", [7, ids, digests, "true", []])
    scans = [node for node in nodes_of(plan) if node.get("Relation Name") == "calendar_events"]
    assert plan["Actual Rows"] == 0
    assert [(node["Node Type"] != "Seq Scan", node["Actual Loops"]) for node in scans] == [(True, 1)]
    assert pages_of(plan) <= len(ids) // 2, json.dumps(plan, indent=1)


@pytest.mark.parametrize("name", BY_SCHEDULE)
def test_the_schedule_touches_few_pages_once_there_are_statistics(cursor, name):
    cursor.execute("VACUUM ANALYZE")
    judge(cursor, *BY_SCHEDULE[name])
