"""Two webhooks about one new task at once: whoever waits for the other is received later."""

import concurrent.futures
import contextlib

import psycopg2
import pytest

SLEEP = """CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('test.is_slow', true) = 'yes' THEN
		PERFORM pg_sleep(0.5);
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER hold_back BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION hold_back()"""
ONE = """SELECT tasks_receive(%s::smallint, '2026-01-01T10:00:00Z', 'u', 'task', 'c', NULL, NULL, '{}',
         convert_to('{"metadata":{"userId":"u","content":"c"}}', 'UTF8'))"""
MANY = """SELECT said FROM tasks_receive_many(ARRAY[%s]::smallint[], ARRAY['2026-01-01T10:00:00Z']::timestamptz[],
          ARRAY['u'], ARRAY['task'], ARRAY['c'], ARRAY[NULL]::uuid[], ARRAY[NULL]::text[], ARRAY['{}'],
          ARRAY[convert_to('{"metadata":{"userId":"u","content":"c"}}', 'UTF8')])"""
CREATED, OPEN = 0, 2


def receive(url, statement, kind, is_slow):
    with contextlib.closing(psycopg2.connect(url)) as connection, connection, \
            connection.cursor() as cursor:
        cursor.execute("SELECT set_config('test.is_slow', %s, true)", (is_slow,))
        cursor.execute(statement, (kind,))
        return cursor.fetchone()[0]


@pytest.mark.parametrize("statement", [ONE, MANY], ids=["one", "many"])
def test_a_creation_behind_a_fact_that_overtook_it_counts(postgres, database, statement):
    postgres.query(database, SLEEP)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = pool.submit(receive, database, statement, CREATED, "yes")
        while not postgres.query(database, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
            pass
        assert receive(database, ONE, OPEN, "no") == "not_found"
        assert slow.result() == "accepted"
    assert postgres.query(database, "SELECT user_id, content, completed_at FROM tasks") == [("u", "c", None)]
