"""Upgrades: from every earlier schema with data in it, while others serve, and several at once.

The data of an earlier schema are those of the newest one, as far as it has tables and columns for them.
"""

import concurrent.futures
import contextlib
import pathlib
import threading
import time

import psycopg2
import pytest

from harness import almanac as daemons
from harness.feeds import one_event
from harness.catalog import Catalog
from harness.postgres import Postgres
from harness.processes import wait_until
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

TABLES = """SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
            AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname <> 'almanac_migrations' ORDER BY c.oid"""
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
    names = [name for name, in Postgres.query(target, TABLES)]
    with contextlib.closing(psycopg2.connect(target)) as connection, connection, \
            connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        for name in names:
            copy_table(source, target, cursor, name)
    return names


def copy_table(source, target, cursor, name):
    there = {column for column, in Postgres.query(source, COLUMNS, name)}
    columns = [column for column, in Postgres.query(target, COLUMNS, name) if column in there]
    rows = Postgres.query(source, f"SELECT count(*) FROM {name}")[0][0]
    if rows:
        words = ", ".join(columns)
        with contextlib.closing(psycopg2.connect(source)) as other, other.cursor() as reading, \
                Pipe() as pipe:
            pipe.write_by(lambda out: reading.copy_expert(
                f"COPY (SELECT {words} FROM {name}) TO STDOUT", out))
            cursor.execute(f"TRUNCATE {name} CASCADE")
            cursor.copy_expert(f"COPY {name} ({words}) FROM STDIN", pipe.file)
    for column, sequence in Postgres.query(target, SEQUENCES, name, name, name):
        cursor.execute(f"SELECT setval(%s, (SELECT coalesce(max({column}), 1) FROM {name}))",
                       (sequence,))
