"""Upgrades: from every earlier schema with data in it, while others serve, and several at once.

The data of an earlier schema are those of the newest one, as far as it has tables and columns for them.
"""

import concurrent.futures
import contextlib
import io
import pathlib
import time

import psycopg2
import pytest

from harness import almanac as daemons
from harness.catalog import Catalog
from harness.feeds import one_event
from harness.nursery import Nursery
from harness.postgres import Postgres
from harness.processes import wait_until
from harness.schema import count_rows, tables
from harness.sink import Sink
from harness.tasks import Tasks, new_id
from harness.timers import HOUR, Timers, now, written
from load import Load

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "sql" / "migrations").glob("*.sql"))
NEWEST = len(FILES)
EARLIER = range(0, NEWEST)
TIMERS = 20
TASKS = 20
SETTINGS = {"WEBHOOK_ALLOW": "loopback", "SOURCE_ALLOW": "loopback", "DAEMON_NAME": "one"}
LOCK = 4701382215

COLUMNS = """SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0
             AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""
SEQUENCES = """SELECT a.attname, pg_get_serial_sequence(%s, a.attname) FROM pg_attribute AS a
               WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
               AND pg_get_serial_sequence(%s, a.attname) IS NOT NULL"""


# --- databases ------------------------------------------------------------------------------------


def migrate(url):
    return daemons.run("migrate", DATABASE_URL=url)


def make_schema(url, version):
    """As a daemon that knew only the first `version` files left it."""
    if version == 0:
        return
    Postgres.query(url, "CREATE TABLE almanac_migrations (version integer PRIMARY KEY,"
                        " file text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())")
    for number, path in enumerate(FILES[:version], 1):
        Postgres.query(url, path.read_text().replace("%", "%%"), None)
        Postgres.query(url, "INSERT INTO almanac_migrations (version, file) VALUES (%s, %s)",
                       number, f"sql/migrations/{path.name}")


def copy_rows(source, target):
    """All rows that the older schema has room for; the names of its tables."""
    names = tables(target)
    with contextlib.closing(psycopg2.connect(target)) as connection, connection, \
            connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        for name in names:
            copy_table(source, target, cursor, name)
    return names


def copy_table(source, target, cursor, name):
    there = {column for column, in Postgres.query(source, COLUMNS, name)}
    words = ", ".join(column for column, in Postgres.query(target, COLUMNS, name)
                      if column in there)
    rows = io.StringIO()
    with contextlib.closing(psycopg2.connect(source)) as other, other.cursor() as reading:
        reading.copy_expert(f"COPY (SELECT {words} FROM {name}) TO STDOUT", rows)
    rows.seek(0)
    cursor.execute(f"DELETE FROM {name}")
    cursor.copy_expert(f"COPY {name} ({words}) FROM STDIN", rows)
    for column, sequence in Postgres.query(target, SEQUENCES, name, name, name):
        cursor.execute(f"SELECT setval(%s, (SELECT coalesce(max({column}), 1) FROM {name}))",
                       (sequence,))


@pytest.fixture(scope="module")
def lived_in(postgres, migrated, module_world, sink):
    """The URL of a database of today that has seen use: events, timers before and after their time,
    tasks with their webhooks."""
    url = postgres.create_database(template=migrated)
    nursery = Nursery()
    daemon = nursery.start(url, **SETTINGS)
    module_world.serve("/feed", one_event("Jazz"))
    Catalog(daemon).provide(module_world.url("/feed"))
    timers = Timers(daemon)
    for _ in range(TIMERS):
        timers.create(url=sink.url("/early"), delay=0)
        timers.create(url=sink.url("/late"), dueAt=written(now() + HOUR))
    sink.wait_for(TIMERS)
    tasks = Tasks(daemon)
    for number in range(TASKS):
        tasks.must("created", f"old-{number}")
    wait_until(lambda: not timers.query("SELECT 1 FROM timers WHERE due_at < now()"), 10, "settled")
    nursery.finish()
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module")
def sink():
    with Sink() as receiver:
        yield receiver


@pytest.fixture
def earlier(postgres, lived_in, request):
    """The URL of a database of an earlier version, with its data."""
    url = postgres.create_database()
    make_schema(url, request.param)
    copy_rows(lived_in, url)
    yield url
    postgres.drop_database(url)


# --- from every earlier version -------------------------------------------------------------------


@pytest.mark.parametrize("earlier", EARLIER, indirect=True)
def test_an_earlier_database_is_brought_forward_with_all_it_holds(earlier, start_almanac, sink):
    """By four at once, as when several daemons start; then one of them works on it."""
    before = count_rows(earlier)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(migrate, [earlier] * 4))
    assert [one.returncode for one in done] == [0] * 4, done
    after = count_rows(earlier)
    assert {name: after[name] for name in before} == before
    recorded = Postgres.query(earlier, "SELECT version FROM almanac_migrations ORDER BY 1")
    assert recorded == [(number,) for number in range(1, NEWEST + 1)]
    assert_all_works(start_almanac(url=earlier, **SETTINGS), before, sink)


def assert_all_works(daemon, before, sink):
    """With what was there `before` and with what is new."""
    timers, tasks, catalog = Timers(daemon), Tasks(daemon), Catalog(daemon)
    sink.calls.clear()
    timers.create(url=sink.url("/new"), delay=0)
    tasks.must("created", new_id())
    if "timers" in before:
        waiting = daemon.get("/api/v1/timers?status=scheduled&limit=100").json()["data"]
        assert len(waiting) == TIMERS
        assert len(daemon.get("/api/v1/timers?status=finished&limit=100").json()["data"]) >= TIMERS
        assert timers.change(waiting[0]["id"], delay=0).status_code == 200
    if "tasks" in before:
        assert tasks.find("old-1")["status"] == "open"
        assert tasks.send("created", "old-1").status_code == 409
    if "catalog_events" in before:
        catalog.settle()
        assert catalog.titles() == ["Jazz"]
    sink.wait_for(2 if "timers" in before else 1)


# --- while another daemon serves ------------------------------------------------------------------


def expand(url):
    """What a newer daemon's migration may do to the tables of one that still serves: new columns, that
    may be left out, in one transaction, by the rules of `almanac migrate`."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute("SET LOCAL lock_timeout = '200ms'")
        for name in tables(url):
            cursor.execute(f"ALTER TABLE {name} ADD COLUMN of_tomorrow text DEFAULT 'new'")
        cursor.execute("INSERT INTO almanac_migrations (version, file) VALUES (%s, 'tomorrow')",
                       (NEWEST + 1,))
        connection.commit()


def try_to_expand(url):
    with contextlib.suppress(psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected):
        expand(url)
        return True
    return False


def ask_all(daemon, sink):
    """One kind of request a thread: reads and writes of each room."""
    tasks = Tasks(daemon)
    asked = [lambda: daemon.post("/api/v1/timers", {"url": sink.url("/x"), "delay": 0}),
             lambda: daemon.get("/api/v1/timers?limit=5"),
             lambda: tasks.send("created", new_id()),
             lambda: daemon.get("/api/v1/tasks?userId=u1"),
             lambda: daemon.get("/api/v1/events?q=jazz"),
             lambda: daemon.get("/api/v1/providers")]
    return lambda thread, _: asked[thread]()


def test_a_daemon_serves_on_while_a_newer_one_expands_its_schema(start_almanac, sink):
    daemon = start_almanac(**SETTINGS)
    url = daemon.settings["DATABASE_URL"]
    with Load(ask_all(daemon, sink), threads=6) as load:
        wait_until(lambda: len(load.calls) > 300, 20, "load runs")
        wait_until(lambda: try_to_expand(url), 20, "the schema is expanded")
        expanded = time.monotonic()
        wait_until(lambda: len(load.since(expanded)) > 600, 20, "load goes on")
    assert set(load.statuses()) <= {200, 201, 202, 503}
    assert {call.status for call in load.since(expanded + 0.5)} <= {200, 201, 202}
    assert daemon.get("/readyz").status_code == 200
    sink.calls.clear()
    Timers(daemon).create(url=sink.url("/after"), delay=0)
    sink.wait_for(1)
    again = daemons.run(DATABASE_URL=url, HTTP_PORT="0")
    assert again.returncode == 1 and "run a newer one" in again.stderr


def test_a_migration_waits_for_those_who_are_in_its_way(postgres):
    """It steps back again and again, so that nobody queues behind it for long, and goes on in the end."""
    url = postgres.create_database()
    make_schema(url, 1)
    with contextlib.closing(psycopg2.connect(url)) as holder, holder.cursor() as cursor, \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        cursor.execute("LOCK TABLE almanac_migrations IN EXCLUSIVE MODE")
        migrating = pool.submit(migrate, url)
        time.sleep(1)
        assert not migrating.done()
        assert tables(url) == ["jobs"]
        holder.commit()
        assert migrating.result().returncode == 0
    assert count_rows(url)["catalog_providers"] == 0
    postgres.drop_database(url)
