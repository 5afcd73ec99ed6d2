"""The schema: from nothing, again, from the future, half way, and what is told about it."""

import concurrent.futures
import pathlib
import subprocess

import pytest

from harness import almanac as daemons
from harness.postgres import BIN, Postgres

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "sql" / "migrations").glob("*.sql"))
NEWEST = len(FILES)


@pytest.fixture
def empty(postgres):
    """The URL of a database without anything in it."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


def migrate(url):
    return daemons.run("migrate", DATABASE_URL=url)


def check(url):
    return daemons.run("check", DATABASE_URL=url)


def dump(url):
    """All there is in a database, schema and rows, as text."""
    done = subprocess.run([BIN / "pg_dump", url], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    # Newer pg_dump guards its output with a random key.
    return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))]


def complaint(done):
    """What a command that failed had to say: one line."""
    assert done.returncode == 1, done
    lines = [line for line in done.stderr.splitlines() if line.startswith("almanac: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_an_empty_database_becomes_the_newest(empty):
    done = migrate(empty)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"the database is at version {NEWEST}\n"
    recorded = Postgres.query(empty, "SELECT version, file FROM almanac_migrations ORDER BY 1")
    assert recorded == [(number, f"sql/migrations/{path.name}")
                        for number, path in enumerate(FILES, 1)]
    assert check(empty).returncode == 0


def test_a_second_time_changes_nothing(empty):
    assert migrate(empty).returncode == 0
    before = dump(empty)
    done = migrate(empty)
    assert done.returncode == 0, done.stderr
    assert "migrated" not in done.stderr
    assert dump(empty) == before


def test_a_migrated_database_needs_no_right_to_change_the_schema(empty, postgres):
    """The daemon's own role may be one that reads and writes rows only."""
    assert migrate(empty).returncode == 0
    postgres.query(empty, "DROP ROLE IF EXISTS clerk")
    postgres.query(empty, "CREATE ROLE clerk LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE"
                          " ON ALL TABLES IN SCHEMA public TO clerk")
    try:
        done = migrate(empty.replace("postgres@", "clerk@"))
        assert done.returncode == 0, done.stderr
    finally:
        postgres.query(empty, "DROP OWNED BY clerk; DROP ROLE clerk")


@pytest.mark.parametrize("command", ["migrate", "check", None])
def test_a_database_from_the_future_is_refused(empty, command):
    assert migrate(empty).returncode == 0
    Postgres.query(empty, "INSERT INTO almanac_migrations (version, file) VALUES (9999, 'future')")
    before = dump(empty)
    done = daemons.run(*filter(None, [command]), DATABASE_URL=empty, HTTP_PORT="0")
    assert complaint(done) == (f"almanac: the database is at version 9999, this almanac knows only"
                               f" {NEWEST}: run a newer one")
    assert dump(empty) == before


def test_check_names_the_version_of_an_empty_database_and_leaves_it_empty(empty):
    assert complaint(check(empty)) == (f"almanac: the database is at version 0, this almanac needs"
                                       f" {NEWEST}: run almanac migrate")
    assert Postgres.query(empty, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
                          ) == [(0,)]


def test_check_names_the_version_of_an_older_database(empty):
    assert migrate(empty).returncode == 0
    Postgres.query(empty, "DELETE FROM almanac_migrations WHERE version = %s", NEWEST)
    assert f"is at version {NEWEST - 1}, this almanac needs {NEWEST}" in complaint(check(empty))


def test_check_names_the_statement_that_does_not_fit(empty):
    assert migrate(empty).returncode == 0
    Postgres.query(empty, "ALTER TABLE jobs RENAME COLUMN runs TO times")
    assert complaint(check(empty)).startswith("almanac: sql/flow/job_claim.sql: ERROR:")


def test_a_migration_that_fails_is_undone_and_named(empty):
    """Something of ours is in the way of the second one."""
    Postgres.query(empty, "CREATE TABLE catalog_providers (id integer)")
    assert complaint(migrate(empty)).startswith(f"almanac: sql/migrations/{FILES[1].name}: ERROR:")
    tables = Postgres.query(empty, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert tables == [("catalog_providers",)]  # the first one is undone as well

    Postgres.query(empty, "DROP TABLE catalog_providers")
    assert migrate(empty).returncode == 0
    assert check(empty).returncode == 0


def test_several_may_migrate_at_once(empty):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(migrate, [empty] * 4))
    assert [one.returncode for one in done] == [0] * 4, done
    assert sum(one.stderr.count("what=migrated") for one in done) == NEWEST


UNCOMMENTED = {
    "tables": """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
                 AND relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition
                 AND obj_description(oid, 'pg_class') IS NULL""",
    "columns": """SELECT attrelid::regclass::text, attname
                  FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
                  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f')
                  AND NOT relispartition AND attnum > 0 AND NOT attisdropped
                  AND col_description(attrelid, attnum) IS NULL""",
    "functions": """SELECT oid::regprocedure::text FROM pg_proc
                    WHERE pronamespace = 'public'::regnamespace
                    AND obj_description(oid, 'pg_proc') IS NULL""",
    "types": """SELECT t.oid::regtype::text FROM pg_type AS t
                WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
                AND obj_description(t.oid, 'pg_type') IS NULL""",
}


@pytest.mark.parametrize("kind", UNCOMMENTED)
def test_everything_of_ours_is_explained(module_database, kind):
    assert Postgres.query(module_database, UNCOMMENTED[kind]) == []
