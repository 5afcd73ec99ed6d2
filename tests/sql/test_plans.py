"""The hot statements find their rows by index among 100,000 events, whatever plan they are run
with: made for the values, made without any (as the daemon asks for), or made when the table was
empty.

Bounds are pages touched (8 KiB each, EXPLAIN's shared hit + read), never times: a plan that walks
or sorts the whole table touches thousands.
"""

import contextlib
import dataclasses
import json
import typing

import pytest

import plans
from plans import nodes_of, pages_of

# Twenty providers of 5,000 events each, one of them deleted, and one of ten events. An event every
# seven minutes from 2026 on; one of a thousand is "rare"; one of ten is no longer in its feed.
FILL = """
INSERT INTO catalog_providers (name, url, deleted_at)
SELECT 'provider ' || n, 'http://test/', CASE WHEN n = 20 THEN now() END
FROM generate_series(1, 21) AS n;

INSERT INTO catalog_events (provider_id, base_id, event_id, title, is_online, was_online, starts_at,
	ends_at, sold_out, is_available, min_price, max_price, item, zones, digest, edition, last_seen_at)
SELECT CASE WHEN n > 100000 THEN 21 ELSE 1 + n % 20 END, n::text, '1',
       (ARRAY['Red', 'Blue', 'Green', 'Quiet'])[1 + n % 4] || ' concert '
       || CASE WHEN n % 1000 = 7 THEN 'rare' ELSE 'common' END,
       n % 7 <> 0, n % 50 <> 0, '2026-01-01'::timestamptz + n * interval '7 minutes',
       '2026-01-01'::timestamptz + n * interval '7 minutes' + interval '2 hours', false, n % 3 <> 0,
       n % 90, n % 90 + 30, repeat('x', 200), '[]', md5(n::text)::uuid, 1 + n / 500,
       CASE WHEN n % 20 IN (5, 6) THEN now() END
FROM generate_series(1, 100010) AS n;
UPDATE catalog_state SET edition = 201;
"""


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    statement: str
    values: typing.Sequence
    index: str | None           # None: it reads the table's own blocks, from one to another
    pages: int
    # What PostgreSQL may prefer when it knows the values: walking all events in their order.
    by_values: tuple = ()


def window(**given):
    """The parameters of search_window, NULL where nothing is given."""
    names = ("starts", "until", "ends_from", "ends_until", "provider", "least", "most", "available",
             "offline", "cursor_us", "cursor_id", "limit", "total")
    return [given.get(name) for name in names]


IDENTITIES = [str(number) for number in range(1002, 5002, 20)]  # 200 of provider 3

CASES = [
    Case("one event", "event_find", ["(uuid)"], "catalog_events_uuid_key", 12),
    Case("a day", "search_window", window(starts="2026-06-01", until="2026-06-02", limit=100),
         "catalog_events_start", 450),
    Case("a day, counted", "search_window",
         window(starts="2026-06-01", until="2026-06-02", limit=10, total=True),
         "catalog_events_start", 350),
    Case("far into the list", "search_window",
         window(cursor_us=1790000000000000, cursor_id=70000, limit=100),
         "catalog_events_start", 450),
    Case("rare words", "search_text", window(limit=20) + ["rare red"], "catalog_events_title", 300),
    Case("rare words in a window", "search_text",
         window(starts="2026-06-01", until="2026-09-01", limit=20) + ["rare"],
         "catalog_events_title", 300),
    Case("a page of the snapshot", "snapshot_page", ["(256,0)", "(512,0)"], None, 300),
    Case("behind the last page", "snapshot_page", ["(100000,0)", "(100256,0)"], None, 5),
    Case("nothing changed", "snapshot_changes", [201, 2**63 - 1, 1000],
         "catalog_events_edition", 20),
    Case("five hundred changed", "snapshot_changes", [199, 2**63 - 1, 1000],
         "catalog_events_edition", 1200),
    Case("a batch compared", "sync_compare",
         [3, IDENTITIES, ["1"] * 200, ["0" * 32] * 200, ["t"] * 200],
         "catalog_events_provider_id_base_id_event_id_key", 1000),
    Case("a page of a provider's events", "sync_present", [3, 50000, 1000],
         "catalog_events_present", 1200, ("catalog_events_pkey", 4000)),
    Case("whether a small provider has any", "sync_present", [21, 0, 1],
         "catalog_events_present", 20),
]


@contextlib.contextmanager
def session(url, mode="force_generic_plan"):
    with plans.session(url, mode) as cursor:
        plans.prepare(cursor, "catalog", {case.statement for case in CASES})
        yield cursor


def explain(cursor, case):
    cursor.execute("SELECT uuid FROM catalog_events WHERE id = 50000")
    known = cursor.fetchone() or ["00000000-0000-0000-0000-000000000000"]
    values = [known[0] if value == "(uuid)" else value for value in case.values]
    return plans.explain(cursor, case.statement, values)


def was_run(node):
    return node["Actual Loops"] > 0


def judge(case, plan, knows_values=False):
    words = json.dumps(plan, indent=1)
    used = {node["Index Name"] for node in nodes_of(plan) if "Index Name" in node and was_run(node)}
    index, pages = case.index, case.pages
    if knows_values and case.by_values and index not in used:
        index, pages = case.by_values
    assert index is None or index in used, words
    walked = [node for node in nodes_of(plan) if node["Node Type"] == "Seq Scan" and was_run(node)
              and node["Relation Name"] == "catalog_events"]
    assert not walked, words
    assert pages_of(plan) <= pages, words


@pytest.fixture(scope="module")
def catalog(module_database):
    """The URL of a database with 100,010 events that PostgreSQL knows well."""
    with plans.session(module_database) as cursor:
        plans.fill(cursor, FILL)
    return module_database


@pytest.fixture(scope="module")
def old_session(postgres, migrated):
    """A session that made its plans when the table was empty; nothing told it otherwise."""
    url = postgres.create_database(template=migrated)
    postgres.query(url, "ALTER TABLE catalog_events SET (autovacuum_enabled = off)")
    with session(url) as cursor:
        for case in CASES:
            explain(cursor, case)
        postgres.query(url, FILL)
        yield cursor
    postgres.drop_database(url)


each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@each_case
def test_a_plan_without_values_finds_its_rows_by_index(case, catalog):
    with session(catalog) as cursor:
        judge(case, explain(cursor, case))


@each_case
def test_a_plan_for_the_values_finds_its_rows_by_index(case, catalog):
    with session(catalog, "force_custom_plan") as cursor:
        judge(case, explain(cursor, case), knows_values=True)


@each_case
def test_a_session_that_has_run_it_often_finds_its_rows_by_index(case, catalog):
    """After five runs PostgreSQL chooses between the two by itself."""
    with session(catalog, "auto") as cursor:
        for _ in range(7):
            plan = explain(cursor, case)
        judge(case, plan, knows_values=True)


@each_case
def test_a_plan_from_when_the_table_was_empty_finds_its_rows_by_index(case, old_session):
    judge(case, explain(old_session, case))


def test_the_planner_is_asked_for_plans_without_values(postgres, database, start_almanac):
    """What the sessions of the daemon are set to, seen from inside one of them."""
    postgres.query(database, """CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.name := current_setting('plan_cache_mode') || ' ' || current_setting('timezone');
        RETURN NEW; END $$""")
    postgres.query(database, "CREATE TRIGGER note BEFORE INSERT ON catalog_providers"
                             " FOR EACH ROW EXECUTE FUNCTION note()")
    answer = start_almanac().post("/api/v1/providers", {"name": "any", "url": "http://localhost/"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "force_generic_plan UTC"
