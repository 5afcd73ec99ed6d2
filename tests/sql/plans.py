"""What the statements of a room touch, as EXPLAIN tells it behind a run, in sessions like the daemon's: planned
without values."""

import contextlib
import json
import pathlib

import psycopg2

SQL = pathlib.Path(__file__).resolve().parents[2] / "sql"
SESSION = "SET jit = off; SET timezone = 'UTC'; SET synchronous_commit = on; SET plan_cache_mode = {}"


@contextlib.contextmanager
def session(url, mode="force_generic_plan"):
    """Its cursor; each statement is a transaction."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(SESSION.format(mode))
        yield cursor


def fill(cursor, sql):
    cursor.execute(sql)
    cursor.execute("VACUUM ANALYZE")


def prepare(cursor, room, statements):
    """Files below sql/ROOM, each under its own name."""
    for statement in statements:
        text = (SQL / room / f"{statement}.sql").read_text(encoding="utf-8")
        cursor.execute(f"PREPARE {statement} AS {text}")


def explain(cursor, statement, values):
    """The top node of the plan of a statement that is prepared."""
    places = f"({', '.join(['%s'] * len(values))})" if values else ""
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {statement} {places}", values)
    answer = cursor.fetchone()[0]
    return (answer if isinstance(answer, list) else json.loads(answer))[0]["Plan"]


def pages_of(plan):
    """8 KiB each, touched in memory or on disk."""
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def nodes_of(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes_of(child)
