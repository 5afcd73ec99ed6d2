"""Catalogs of any size, written straight into the tables: events spread evenly over 4,600 days from
2020 on, two hours long, from five providers that are never synced.

Titles hold two numbers as words, 5,000 different ones each, so that pgbench can ask for them; the
event with the number n has md5(n) as its UUID.
"""

import contextlib
import datetime

DAYS = 4600
FIRST_WORD, LAST_WORD = 100000, 102499

PROVIDERS = """
    INSERT INTO catalog_providers (name, url, next_sync_at)
    SELECT 'provider ' || n, 'http://127.0.0.1:9/' || n, now() + interval '1 year'
    FROM generate_series(1, 5) AS n"""

EVENTS = """
    INSERT INTO catalog_events (uuid, provider_id, base_id, event_id, title, is_online, was_online,
        starts_at, ends_at, sell_from, sell_to, sold_out, is_available, min_price, max_price, item,
        zones, digest, edition)
    SELECT md5(n::text)::uuid, 1 + n %% 5, n::text, '1', title, true, true,
           start AT TIME ZONE 'UTC', (start + interval '2 hours') AT TIME ZONE 'UTC', '2019-12-01',
           start AT TIME ZONE 'UTC', false, true, low, high,
           format('"title":"%%s","start_date":"%%s","start_time":"%%s","end_date":"%%s",'
                  '"end_time":"%%s","min_price":%%s,"max_price":%%s}', title,
                  start::date, start::time, (start + interval '2 hours')::date,
                  (start + interval '2 hours')::time, low, high),
           format('[{"zone_id":"1","name":"Stalls","capacity":100,"price":%%s,"numbered":true},'
                  '{"zone_id":"2","name":"Balcony","capacity":50,"price":%%s,"numbered":false}]',
                  high, low)::json,
           md5(title)::uuid, 2
    FROM (SELECT n, timestamp '2020-01-01' + dice[1] %% (%s * 1440) * interval '1 minute' AS start,
                 10 + dice[2] %% 80 AS low, 10 + dice[2] %% 80 + dice[3] %% 50 AS high,
                 'Evening ' || 100000 + dice[4] %% 5000 || ' concert ' || 200000 + dice[5] %% 5000
                 || ' in hall ' || dice[6] %% 1000 AS title
          FROM generate_series(1, %s) AS n,
               LATERAL (SELECT ARRAY(SELECT abs(hashint4extended(n, seed) %% 1000000007)
                                     FROM generate_series(1, 6) AS seed) AS dice) AS thrown) AS made"""

INDEXES = """
    SELECT indexname, replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes
    WHERE tablename = %s AND indexdef NOT LIKE 'CREATE UNIQUE%%'"""

EDITION = "UPDATE catalog_state SET edition = edition + 1, changed_at = now()"


@contextlib.contextmanager
def without_indexes(query, table):
    """They are made again behind the rows, which is quicker than row by row."""
    indexes = query(INDEXES, table)
    for name, _ in indexes:
        query(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        query(definition)


def fill(query, events):
    """`query(sql, *args)` runs a statement in a migrated, empty database."""
    query(PROVIDERS)
    with without_indexes(query, "catalog_events"):
        query(EVENTS, DAYS, events)
    query(EDITION)
    query("VACUUM ANALYZE")


# --- what searches must give --------------------------------------------------------------------------

WINDOW = """
    SELECT uuid::text FROM catalog_events
    WHERE starts_at >= %s AND ends_at <= %s ORDER BY starts_at, id"""


def moment(second):
    """ISO 8601, that many seconds into the catalog."""
    return f"{datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"


def check_windows(query, daemon, length, rounds=5):
    """Searches of `length` seconds give exactly what the table holds."""
    for number in range(rounds):
        second = (number * 7919 * 10007) % (DAYS * 86400 - length)
        first, last = moment(second), moment(second + length)
        answer = daemon.get("/search", params={"starts_at": first, "ends_at": last})
        assert answer.status_code == 200, answer.text
        found = [item["id"] for item in answer.json()["data"]]
        wanted = [uuid for uuid, in query(WINDOW, first, last)]
        assert found == wanted, f"{first} to {last}: {len(found)} rows instead of {len(wanted)}"
