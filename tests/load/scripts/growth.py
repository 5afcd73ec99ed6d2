"""A hundred times the rows: what the hot statements touch (EXPLAIN), and how often they are answered."""

import contextlib
import os

import psycopg2

import growth
from growth import Growth
from harness.postgres import Postgres
from report import Row, milliseconds, per_second
from tools import Wrk, median

LARGE = Growth(10_000_000, 10_000_000, 1_000_000)
SMALL = Growth(100_000, 100_000, 10_000)
SMOKE = (Growth(1000, 1000, 1000), Growth(10_000, 10_000, 2000))
SETTINGS = {"CATALOG_MEMORY_MB": 1024, "REPORT_INTERVAL_SECONDS": 86400, "TIMER_RETENTION_DAYS": 3650,
            "REPORT_RETENTION_DAYS": 3650}
MORE_PAGES = 24     # a level more of every index that is touched, and pages that are less well filled
KEYS = 20_000

# What is asked for: a path, and where its keys come from.
PATHS = {
    "a timer": ("/api/v1/timers/{}", "SELECT id FROM timers TABLESAMPLE SYSTEM ({}) LIMIT %s"),
    "timers due from some time on": (
        "/api/v1/timers?limit=20&dueAfter={}",
        "SELECT to_char(due_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM timers TABLESAMPLE SYSTEM ({}) LIMIT %s"),
    "a task": ("/api/v1/tasks/{}", "SELECT id FROM tasks TABLESAMPLE SYSTEM ({}) LIMIT %s"),
    "tasks of a user": ("/api/v1/tasks?limit=20&userId={}",
                        "SELECT user_id FROM tasks TABLESAMPLE SYSTEM ({}) LIMIT %s"),
    "a webhook": ("/api/v1/webhooks/{}", "SELECT id FROM webhooks TABLESAMPLE SYSTEM ({}) LIMIT %s"),
    "an event": ("/api/v1/events/{}", "SELECT uuid FROM catalog_events TABLESAMPLE SYSTEM ({}) LIMIT %s"),
}


def run(yard):
    sizes = (SMALL, LARGE) if yard.size.is_judged else SMOKE
    with Postgres(fast=True, shared_buffers=quarter_of_memory(), max_wal_size="2GB", wal_level="minimal",
                  max_wal_senders=0, maintenance_work_mem="512MB", max_parallel_workers=0) as postgres:
        urls = [database(yard, postgres, size) for size in sizes]
        rows = [Row("rows", sizes[1].words(), sizes[0].words()), weigh(postgres, urls[1], sizes[1])]
        return [*rows, *statements(urls), *rates(yard, postgres, urls, sizes)]


def quarter_of_memory():
    """What PostgreSQL's manual gives a server of its own (20.4.1), in units of 8 KiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 // 8192


def database(yard, postgres, size):
    url = yard.database_on(postgres)
    growth.fill(lambda sql, *args: postgres.query(url, sql, *args), size)
    return url


def weigh(postgres, url, size):
    (total,), = postgres.query(url, "SELECT pg_database_size(current_database())")
    count = size.timers + 2 * size.tasks + size.events
    return Row("the large database", f"{total / 1e9:,.1f} GB", "", f"{total / count:,.0f} bytes a row")


# --- pages --------------------------------------------------------------------------------------------


def statements(urls):
    """Each in a session that made its plan without values, as the daemon's are."""
    with contextlib.ExitStack() as stack:
        askers = []
        for url in urls:
            Postgres.query(url, growth.OWNER)
            connection = stack.enter_context(contextlib.closing(psycopg2.connect(url)))
            askers.append(growth.Asker(connection))
        return [judge(case, *(asker.cost(case) for asker in askers)) for case in growth.CASES]


def judge(case, small, large):
    return Row(f"`{case.statement}`: {case.what}", f"{large.pages} pages, {large.milliseconds:.2f} ms",
               f"{small.pages} pages, {small.milliseconds:.2f} ms",
               f"{large.pages / max(small.pages, 1):.1f}", f"at most 1.5 times and {MORE_PAGES} pages",
               large.pages <= 1.5 * small.pages + MORE_PAGES)


# --- rates --------------------------------------------------------------------------------------------


def rates(yard, postgres, urls, sizes):
    with contextlib.ExitStack() as stack:
        sides = [stack.enter_context(side(yard, postgres, url, size)) for url, size in zip(urls, sizes)]
        return [compare(yard, what, *(kinds[what] for kinds in warmed(postgres, urls, sides)))
                for what in sides[0]]


def warmed(postgres, urls, sides):
    """The sides, once all their pages are in memory: it is not the disk that is measured."""
    for url in urls:
        postgres.query(url, "CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        postgres.query(url, """SELECT sum(pg_prewarm(c.oid, 'read')) FROM pg_class AS c
                               WHERE c.relkind IN ('r', 'i') AND pg_relation_size(c.oid) > 0""")
    return sides


@contextlib.contextmanager
def side(yard, postgres, url, size):
    """What is asked of the daemon on this database: name -> a function that asks for some seconds."""
    with yard.daemon(url, size.events, **SETTINGS) as daemon:
        wrk = Wrk(daemon.url())
        kinds = {f"GET {what}": ("targets", targets(yard, postgres, url, what, size)) for what in PATHS}
        kinds |= {"GET 20 events by date": ("window", 4600 * 86400 * 20 // size.events),
                  "POST a timer": ("timer",), "POST a webhook": ("tasks", "grown")}
        yield {name: (lambda kind=kind: wrk.ask(*kind, seconds=yard.size.seconds).must_be_good())
               for name, kind in kinds.items()}


def targets(yard, postgres, url, what, size):
    """A file of what is asked for, drawn from all over the table."""
    path, keys = PATHS[what]
    share = min(100, 100 * 4 * KEYS / min(size.timers, size.events))
    found = postgres.query(url, keys.format(share), KEYS)
    file = yard.directory / f"{what} {size.timers}"
    file.write_text("".join(path.format(key) + "\n" for key, in found), encoding="utf-8")
    assert found, what
    return file


def compare(yard, what, small, large):
    """In turns, on the same cores: whatever else they do, it is done to both."""
    pairs = [(small(), large()) for _ in range(yard.size.rounds)]
    ratio = median([many.rate / few.rate for few, many in pairs])
    few, many = (median([pair[place].rate for pair in pairs]) for place in (0, 1))
    tails = [median([pair[place].p99 for pair in pairs]) for place in (0, 1)]
    return Row(f"{what}, 64 connections", f"{per_second(many)}, p99 {milliseconds(tails[1])}",
               f"{per_second(few)}, p99 {milliseconds(tails[0])}", f"{ratio:.2f}", "at least 0.8", ratio >= 0.8)
