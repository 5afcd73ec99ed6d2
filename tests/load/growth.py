"""Databases of any size for the scripts about growth, filled inside PostgreSQL, and the hot statements
with what they are asked there.

Of the timers seven tenths are to come, in the next hundred days and in another order than that of their
ids; three tenths were over in the last three days, one of a hundred of them failed. Every task came by a
webhook of the last three days; 100 tasks and 100 report files belong to one user. One event starts every few minutes or, of a
million, seconds (see catalogs.py).
"""

import contextlib
import dataclasses
import json
import pathlib

import catalogs

ROOT = pathlib.Path(__file__).resolve().parents[2]
SESSION = "SET jit = off; SET timezone = 'UTC'; SET plan_cache_mode = force_generic_plan"

# An id of version 7 made n milliseconds times `step` after the start of the time that is told of.
ID = """(lpad(to_hex((date_part('epoch', now() - interval '3 days') * 1000)::bigint + (n * {step})::bigint), 12, '0')
         || '7' || lpad(to_hex(n %% 4096), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid"""

TIMERS = f"""
    INSERT INTO timers (id, shard, due_at, next_at, destination, url, method, payload, max_attempts,
        timeout_ms, created_at)
    SELECT {ID.format(step="%(step)s")}, n %% 64, due, due, 'http://127.0.0.1:9', 'http://127.0.0.1:9/hook',
           'POST', '{{"order": 17}}', 6, 10000, now() - interval '3 days'
    FROM generate_series(1, %(count)s) AS n,
         LATERAL (SELECT now() + interval '1 day' + abs(hashint4(n)) %% 8640000 * interval '1 second' AS due) AS d"""

OVER = f"""
    INSERT INTO timers_over (id, status, finished_at, due_at, destination, url, method, payload, max_attempts,
        timeout_ms, attempts, attempt_log, created_at)
    SELECT {ID.format(step="%(step)s")}, CASE n %% 100 WHEN 7 THEN 'failed' ELSE 'finished' END,
           ended, ended - interval '1 ms', 'http://127.0.0.1:9', 'http://127.0.0.1:9/hook', 'POST',
           '{{"order": 17}}', 6, 10000, 1,
           ARRAY['{{"attempt": 1, "startedAt": "2026-01-01T00:00:00.000Z", "durationMs": 1.2, "status": 200}}'::json],
           ended - interval '1 minute'
    FROM generate_series(1, %(count)s) AS n,
         LATERAL (SELECT now() - interval '3 days' + n * %(step)s * interval '1 ms' AS ended) AS e"""

TASKS = """
    INSERT INTO tasks (id, user_id, content, created_at, created_seen_at, newest_at, first_seen_at,
                       created_webhook, is_listed)
    SELECT 'task-' || n, 'user-' || n / 100, 'Buy milk and bread, number ' || n, seen, seen, seen, seen, n, true
    FROM generate_series(1, %(count)s) AS n,
         LATERAL (SELECT now() - interval '3 days' + n * %(step)s * interval '1 ms' AS seen) AS s"""

WEBHOOKS = """
    INSERT INTO webhooks (received_at, status, kind, at, task_id, is_repeat, headers, body)
    SELECT seen, 202, 0, seen, 'task-' || n, false, '{"content-type":"application/json"}',
           convert_to(format('{"event":"created","timestamp":"2026-01-01T10:00:00Z","metadata":{"userId":"user-%%s",'
                             '"id":"task-%%s","content":"Buy milk and bread, number %%s","isCompleted":false}}',
                             n / 100, n, n), 'UTF8')
    FROM generate_series(1, %(count)s) AS n,
         LATERAL (SELECT now() - interval '3 days' + n * %(step)s * interval '1 ms' AS seen) AS s"""

FILES = """
    INSERT INTO report_files
    SELECT 'file-' || n, 'user-' || n %% (%(count)s / 100), seen - interval '15 s', seen, 500, seen
    FROM generate_series(1, %(count)s) AS n,
         LATERAL (SELECT now() - interval '3 days' + n * %(step)s * interval '1 ms' AS seen) AS s"""

DAYS = """SELECT day_partitions('{table}', 0);
    CREATE TABLE {table}_old PARTITION OF {table} FOR VALUES FROM ('2000-01-01') TO (%s)"""
THREE_DAYS_MS = 3 * 86400 * 1000


@dataclasses.dataclass(frozen=True)
class Growth:
    timers: int
    tasks: int
    events: int

    @property
    def to_come(self):
        return self.timers * 7 // 10

    @property
    def over(self):
        return self.timers - self.to_come

    def words(self):
        return f"{self.timers:,} timers, {self.tasks:,} tasks, {self.events:,} events"


def first_partition_day(query, table):
    """What is before it has no partition: those are made for the days to come."""
    return query("""SELECT min(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \\(''([^'']+)'''))
                    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                    WHERE i.inhparent = %s::regclass""", table)[0][0]


def fill(query, size):
    """`query(sql, *args)` runs a statement in a migrated, empty database."""
    for table in ("timers_over", "webhooks"):
        query(DAYS.format(table=table), first_partition_day(query, table))
    for table, text, count in (
            ("timers", TIMERS, size.to_come), ("timers_over", OVER, size.over), ("tasks", TASKS, size.tasks),
            ("webhooks", WEBHOOKS, size.tasks), ("report_files", FILES, size.tasks // 10)):
        with catalogs.without_indexes(query, table):
            query(text % {"count": count, "step": THREE_DAYS_MS / max(count, 1)})
    catalogs.fill(query, size.events)


# --- what is asked ------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Case:
    what: str
    statement: str          # its path under sql/, without the ending
    values: tuple           # a text in front of which stands ":" is a question that gives the value


SOON, LATER = ":now() + interval '50 days'", ":now() + interval '50 days 1 second'"
TIMER = ":(SELECT id FROM timers ORDER BY id OFFSET 500 LIMIT 1)"
FINISHED = ":(SELECT id FROM timers_over ORDER BY id OFFSET 500 LIMIT 1)"
SHARDS = ["0", "1", "2", "3"]
EVENT = ":(SELECT uuid FROM catalog_events WHERE id = 500)"
NEW_TIMER = (":gen_random_uuid()", 7, None, 86400000000, "http://127.0.0.1:9", "http://127.0.0.1:9/", "POST",
             None, None, None, 6, 10000, None, None)


def window(**given):
    names = ("starts", "until", "ends_from", "ends_until", "provider", "least", "most", "available",
             "offline", "cursor_us", "cursor_id", "limit", "total")
    return tuple(given.get(name) for name in names)


CASES = (
    Case("create a timer", "timers/create", NEW_TIMER),
    Case("create with a key", "timers/create_keyed", (*NEW_TIMER, "a key", "digest")),
    Case("look up a timer to come", "timers/find", (TIMER,)),
    Case("look up one that is over", "timers/find", (FINISHED,)),
    Case("its attempts", "timers/attempts", (FINISHED,)),
    Case("reschedule", "timers/change", (TIMER, None, 7200000000)),
    Case("cancel", "timers/cancel", (TIMER,)),
    Case("fire one that is over", "timers/fire", (FINISHED, 7)),
    Case("list the newest", "timers/list", (None, 100)),
    Case("list scheduled ones", "timers/list_scheduled", (None, 100)),
    Case("list running ones", "timers/list_running", (None, None, None, None, 100)),
    Case("list failed ones", "timers/list_lost", (None, 100, "failed")),
    Case("list cancelled ones: none", "timers/list_lost", (None, 100, "cancelled")),
    Case("list all due in 50 days", "timers/list_due", (SOON, LATER, None, None, None, 100)),
    Case("list all due from in 50 days on", "timers/list_due", (SOON, None, None, None, None, 100)),
    Case("list all due before 2020: none", "timers/list_due", (None, "2020-01-01", None, None, None, 100)),
    Case("list failed ones due since yesterday", "timers/list_due",
         (":now() - interval '1 day'", None, "failed", None, None, 100)),
    Case("engine: what is due next", "timers/window",
         (SHARDS, 0, "00000000-0000-0000-0000-000000000000",
          ":(date_part('epoch', now() + interval '5 s') * 1000000)::bigint", 1000)),
    Case("engine: results of 100 calls", "timers/settle",
         (":(SELECT owner FROM timer_shards LIMIT 1)", ":(SELECT array_agg(shard)::text[] FROM timer_shards)",
          ":(SELECT array_agg(epoch)::text[] FROM timer_shards)",
          ":(SELECT array_agg(id)::text[] FROM (SELECT id FROM timers ORDER BY next_at LIMIT 100) AS t)",
          ["finished"] * 100, ["1"] * 100, ["{}"] * 100, ["0"] * 100)),
    Case("forget old keys", "timers/purge_keys", (5000,)),
    Case("webhook: a new task", "tasks/receive",
         (0, "2026-01-01", "user-7", "a new one", "Buy milk", None, None, "{}", b"{}")),
    Case("webhook: completes a task", "tasks/receive",
         (4, ":now() + interval '1 s'", "user-5", "task-500", "Buy milk", None, None, "{}", b"{}")),
    Case("a task", "tasks/find", ("task-500",)),
    Case("its history", "tasks/history", ("task-500", None, 100)),
    Case("tasks of a user", "tasks/list", ("user-5", None, None, 100)),
    Case("all tasks", "tasks/list", (None, None, "task-5", 100)),
    Case("the newest webhooks", "tasks/webhooks", (None, 100, 4096)),
    Case("a webhook", "tasks/webhook_find", (500,)),
    Case("report of a user", "tasks/report", ("user-5", "2020-01-01", None, 15, 1000)),
    Case("page of all reports", "tasks/report_page", (0, 1, 0, 2 * 10 ** 15, "user-5", "", 100)),
    Case("report files of a user", "tasks/report_files", ("user-5", None, None, 100)),
    Case("report files that are too old", "tasks/report_old", (7, 100)),
    Case("an event", "catalog/event_find", (EVENT,)),
    Case("20 events by date", "catalog/search_window", window(starts="2026-06-01", limit=20)),
    Case("changes of the catalog: none", "catalog/snapshot_changes",
         (":(SELECT edition FROM catalog_state)", 2 ** 63 - 1, 1000)),
    Case("200 events compared", "catalog/sync_compare",
         (1, [str(number) for number in range(5, 1005, 5)], ["1"] * 200, ["0" * 32] * 200, ["t"] * 200)),
)

OWNER = "UPDATE timer_shards SET owner = '00000000-0000-4000-8000-000000000001', epoch = 1"


@dataclasses.dataclass(frozen=True)
class Cost:
    pages: int              # 8 KiB each, touched
    milliseconds: float


class Asker:
    """Runs the cases in one session, each in a transaction that is undone."""

    def __init__(self, connection):
        connection.autocommit = True
        self._cursor = connection.cursor()
        self._cursor.execute(SESSION)
        self._count = 0

    def _value(self, value):
        if not isinstance(value, str) or not value.startswith(":"):
            return value
        self._cursor.execute(f"SELECT {value[1:]}")
        return self._cursor.fetchone()[0]

    def cost(self, case, rounds=3):
        """Of the cheapest run: the first ones also read the catalogs of PostgreSQL."""
        self._count += 1
        text = (ROOT / "sql" / f"{case.statement}.sql").read_text(encoding="utf-8")
        self._cursor.execute(f"PREPARE asked_{self._count} AS {text}")
        values = [self._value(value) for value in case.values]
        places = f"({', '.join(['%s'] * len(values))})" if values else ""
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked_{self._count} {places}"
        return min((self._run(explain, values) for _ in range(rounds)),
                   key=lambda cost: (cost.pages, cost.milliseconds))

    def _run(self, explain, values):
        self._cursor.execute("BEGIN")
        with contextlib.closing(self):
            self._cursor.execute(explain, values)
            answer = self._cursor.fetchone()[0]
        told = (answer if isinstance(answer, list) else json.loads(answer))[0]
        plan = told["Plan"]
        return Cost(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], told["Execution Time"])

    def close(self):
        self._cursor.execute("ROLLBACK")
