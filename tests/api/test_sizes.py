"""How large the tables and the report files are is told in metrics, and asked for now and then only."""

import time

import pytest

from harness.postgres import Postgres
from harness.processes import wait_until


@pytest.fixture
def filled(database):
    """A database with ten thousand timers that are over, and a thousand report files of a kilobyte."""
    Postgres.query(database, """
        INSERT INTO timers_over (id, status, finished_at, due_at, destination, url, method, max_attempts,
            timeout_ms, attempts, attempt_log, created_at)
        SELECT gen_random_uuid(), 'finished', now(), now(), 'http://x', 'http://x/', 'POST', 1, 1000, 1, '{}', now()
        FROM generate_series(1, 10000)""")
    Postgres.query(database, """
        INSERT INTO report_files SELECT 'file ' || n, 'u', now(), now(), 1000, now()
        FROM generate_series(1, 1000) AS n""")
    Postgres.query(database, "ANALYZE")
    return database


def test_the_sizes_of_tables_with_all_their_partitions(filled, start_almanac):
    almanac = start_almanac(filled)
    wait_until(lambda: almanac.metric("almanac_sizes_timestamp_seconds") > time.time() - 60, 10, "they are told")
    (expected,), = Postgres.query(filled, """SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits
                                             WHERE inhparent = 'timers_over'::regclass""")
    assert almanac.metric("almanac_table_bytes", table="timers_over") == expected > 1 << 20
    assert almanac.metric("almanac_table_rows", table="timers_over") == 10000
    tables = Postgres.query(filled, """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
                                       AND relkind IN ('r', 'p') AND NOT relispartition""")
    assert len(almanac.metric_values("almanac_table_bytes")) == len(tables)


def test_the_size_of_the_report_files(filled, start_almanac):
    almanac = start_almanac(filled)
    wait_until(lambda: almanac.metric_values("almanac_report_files_kept"), 10, "it is told")
    assert almanac.metric("almanac_report_files_kept") == 1000
    assert almanac.metric("almanac_report_files_kept_bytes") == 1000 * 1000


def test_a_scrape_asks_the_database_nothing(almanac):
    wait_until(lambda: almanac.metric_values("almanac_table_bytes"), 10, "they are told")
    before = questions(almanac)
    for _ in range(20):
        assert almanac.get("/metrics").status_code == 200
    assert questions(almanac) == before


def questions(almanac):
    return sum(almanac.metric("almanac_database_questions_total", connection=f"almanac-{worker}-read")
               for worker in (0, 1))
