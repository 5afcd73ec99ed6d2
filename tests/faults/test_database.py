"""The database dies, hangs, restarts and loses its sessions under load: searches by date go on, the
rest is told 503 quickly, everything comes back by itself, and nothing acknowledged is lost."""

import itertools
import json
import threading
import time

import pytest

from harness.catalog import Catalog
from harness.feeds import base, event, feed, zone
from harness.nursery import Nursery
from harness.postgres import Postgres
from harness.processes import wait_until
from load import Load
from wire import Wire, metric

NOTICED = 2.0    # seconds within which a hanging database is answered 503
RESTORED = 5.0   # seconds within which full service is back
SLACK = 1.0      # for the tester's own threads on a busy machine
MARCH = "/search?starts_at=2026-03-01&ends_at=2026-03-31"
EVENT = "/api/v1/events/00000000-0000-4000-8000-000000000000"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cluster():
    """With fsync on: what it commits is to survive."""
    with Postgres() as cluster:
        yield cluster


@pytest.fixture
def postgres_to_harm(cluster):
    """Whatever is done to it, the next story finds it well."""
    yield cluster
    if cluster.is_running:
        cluster.resume()
    else:
        cluster.start()


@pytest.fixture
def start_harmed(postgres_to_harm):
    """start_harmed(**settings) -> a daemon on a database that may be harmed."""
    nursery = Nursery()
    url = postgres_to_harm.create_database()
    yield lambda **settings: nursery.start(url, **settings)
    if not postgres_to_harm.is_running:
        postgres_to_harm.start()
    nursery.finish()
    postgres_to_harm.drop_database(url)


@pytest.fixture
def daemon(start_harmed):
    return start_harmed()


@pytest.fixture
def stocked(daemon, world):
    """A daemon whose catalog holds thirty events in March."""
    bases = [base(day, f"Concert {day}", event(1, f"2026-03-{day:02}T20:00:00",
                                               f"2026-03-{day:02}T22:00:00", zone("15.00")))
             for day in range(1, 31)]
    world.serve("/feed", feed(*bases))
    catalog = Catalog(daemon)
    catalog.provide(world.url("/feed"))
    assert len(catalog.search()) == 30
    return daemon


def create_provider(daemon, name):
    return daemon.post("/api/v1/providers", {"name": name, "url": "http://127.0.0.1:1/feed",
                                             "intervalSeconds": 86400})


def names_stored(daemon):
    return {row[0] for row in Catalog(daemon).query("SELECT name FROM catalog_providers")}


def serves_all(daemon):
    """Reads and writes through every worker, several times."""
    answers = []
    for _ in range(8):
        with Wire(daemon) as wire:  # another connection is another worker, now and then
            for path in ("/readyz", "/api/v1/providers", "/api/v1/events?q=concert"):
                wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                answers.append(wire.read().status)
            body = json.dumps({"name": f"probe {next(numbers)}", "url": "http://127.0.0.1:1/"})
            wire.send("POST /api/v1/providers HTTP/1.1\r\nHost: localhost\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                      .encode())
            answers.append(wire.read().status)
    return set(answers) == {200, 201}


def assert_told_to_come_back(calls):
    assert calls
    for call in calls:
        assert call.status in (200, 404, 503), call
        assert call.status != 503 or int(call.retry_after) >= 1, call


# --- killed ---------------------------------------------------------------------------------------


def test_a_database_that_is_killed_under_load(stocked, postgres_to_harm):
    by_date = Load(lambda *_: stocked.get(MARCH))
    by_key = Load(lambda *_: stocked.get(EVENT))
    with by_date, by_key:
        time.sleep(0.5)
        killed = time.monotonic()
        postgres_to_harm.kill()
        time.sleep(0.5)
        assert stocked.get("/livez").status_code == 200
        assert stocked.get("/status").status_code == 200
        away = stocked.get("/readyz")
        assert (away.status_code, away.json()["database"]) == (503, "unavailable")
        health = stocked.get("/api/v1/health/check")
        assert (health.status_code, health.json()["database"]) == (503, "unavailable")
        refused = create_provider(stocked, "too late")
        assert refused.status_code == 503 and refused.json()["code"] == "database_unavailable"
        time.sleep(1.5)
        postgres_to_harm.start()
        wait_until(lambda: serves_all(stocked), RESTORED, "full service")
        restored = time.monotonic()

    assert set(by_date.statuses()) == {200}
    assert len(by_date.since(killed)) > 100
    assert_told_to_come_back(by_key.calls)
    assert by_key.statuses()[503] > 20
    assert max(call.seconds for call in by_key.calls) < NOTICED + SLACK
    assert all(call.status == 404 for call in by_key.since(restored))
    assert "too late" not in names_stored(stocked)


def test_what_was_acknowledged_survives_kill_after_kill(daemon, postgres_to_harm):
    """Four writers keep a ledger of what they were told 201 for."""
    ledger, lock = set(), threading.Lock()

    def write(number, count):
        name = f"writer {number} row {count}"
        answer = create_provider(daemon, name)
        if answer.status_code == 201:
            with lock:
                ledger.add(name)
        return answer

    with Load(write) as load:
        for _ in range(4):
            before = len(ledger)
            wait_until(lambda: len(ledger) > before + 40, 20, "writers get on")
            postgres_to_harm.kill()
            time.sleep(0.2)
            postgres_to_harm.start()
        wait_until(lambda: len(ledger) > before + 80, 20, "writers get on")

    assert set(load.statuses()) <= {201, 503, 409}
    assert ledger <= names_stored(daemon), "an acknowledged provider is gone"
    # 409: it was stored although the answer was lost; nothing is stored twice.
    stored = Catalog(daemon).query("SELECT count(*), count(DISTINCT name) FROM catalog_providers")
    assert stored[0][0] == stored[0][1]


@pytest.mark.parametrize("mode, statuses", [("immediate", {503}), ("fast", {200, 503})])
def test_a_restart_in_the_middle_of_a_request(daemon, postgres_to_harm, mode, statuses):
    """The request waits for a lock when the database shuts down; if its holder is ended first, it
    may still be answered."""
    assert create_provider(daemon, "wanted").status_code == 201
    holder = Holder(daemon, "LOCK TABLE catalog_providers IN ACCESS EXCLUSIVE MODE")
    answers = []
    asking = threading.Thread(
        target=lambda: answers.append(daemon.get("/api/v1/providers")))
    asking.start()
    holder.wait_for_others(1)
    postgres_to_harm.restart(mode)
    asking.join(10)
    assert answers[0].status_code in statuses
    assert answers[0].status_code == 200 or int(answers[0].headers["Retry-After"]) >= 1
    wait_until(lambda: serves_all(daemon), RESTORED, "full service")


class Holder:
    """A session of somebody else's that holds what the daemon needs, until it is closed."""

    def __init__(self, daemon, sql):
        import psycopg2  # pylint: disable=import-outside-toplevel
        self.catalog = Catalog(daemon)
        self.connection = psycopg2.connect(daemon.settings["DATABASE_URL"])
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def wait_for_others(self, count):
        wait_until(lambda: self.catalog.query(
            "SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0] >= count, 5, "they wait")

    def close(self):
        self.connection.close()


# --- hung -----------------------------------------------------------------------------------------


def test_a_database_that_hangs_under_load(stocked, postgres_to_harm):
    by_date = Load(lambda *_: stocked.get(MARCH))
    by_key = Load(lambda *_: stocked.get(EVENT), threads=16)
    with by_date, by_key:
        time.sleep(0.5)
        postgres_to_harm.pause()  # takes its time among so many threads
        frozen = time.monotonic()
        time.sleep(4.0)
        assert stocked.get("/livez").status_code == 200
        assert stocked.get("/readyz").status_code == 503
        thawed = time.monotonic()
        postgres_to_harm.resume()
        wait_until(lambda: serves_all(stocked), RESTORED, "full service")
        restored = time.monotonic()

    assert set(by_date.statuses()) == {200}
    assert_told_to_come_back(by_key.calls)
    assert max(call.seconds for call in by_key.calls) < NOTICED + SLACK
    late = [call for call in by_key.since(frozen + NOTICED) if call.began < thawed]
    assert late and all(call.status == 503 for call in late)
    assert all(call.status == 404 for call in by_key.since(restored))


def test_the_first_request_to_a_database_that_hangs(daemon, postgres_to_harm):
    """Nothing was under way, so nobody knows yet."""
    postgres_to_harm.pause()
    for ask in (lambda: daemon.get(EVENT), lambda: create_provider(daemon, "hung")):
        began = time.monotonic()
        answer = ask()
        assert time.monotonic() - began < NOTICED
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    postgres_to_harm.resume()
    wait_until(lambda: serves_all(daemon), RESTORED, "full service")


def test_a_full_queue_is_told_so_at_once(start_harmed, postgres_to_harm):
    """One question is under way, one waits, and there is no place for a third."""
    daemon = start_harmed(DATABASE_QUEUE="1", HTTP_THREADS="1", DATABASE_ANSWER_TIMEOUT_MS="8000",
                          DATABASE_STATEMENT_TIMEOUT_MS="8000")
    postgres_to_harm.pause()
    ask = f"GET {EVENT} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with Wire(daemon) as first, Wire(daemon) as second, Wire(daemon) as third:
        first.send(ask)
        time.sleep(0.2)
        second.send(ask.replace(b"8000-", b"8001-"))
        time.sleep(0.2)
        began = time.monotonic()
        third.send(ask.replace(b"8000-", b"8002-"))
        answer = third.read()
        assert time.monotonic() - began < 1.0
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1
        assert json.loads(answer.body)["code"] == "overloaded"
        assert metric(daemon, "almanac_database_waiting") >= 2
        postgres_to_harm.resume()
        assert first.read().status == 404
        assert second.read().status == 404


# --- shaken ---------------------------------------------------------------------------------------


def test_sessions_that_are_terminated_once_a_second(stocked):
    by_date = Load(lambda *_: stocked.get(MARCH))
    by_key = Load(lambda *_: stocked.get(EVENT))
    catalog = Catalog(stocked)
    moments = []
    with by_date, by_key:
        for _ in range(5):
            ended = catalog.query("""SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                                     WHERE application_name LIKE 'almanac-%'""")
            assert ended[0][0] > 0
            moments.append(time.monotonic())
            time.sleep(1.0)
        wait_until(lambda: serves_all(stocked), RESTORED, "full service")
        restored = time.monotonic()
        time.sleep(0.5)

    assert set(by_date.statuses()) == {200}
    assert_told_to_come_back(by_key.calls)
    for begin, end in itertools.pairwise(moments):
        good = [call for call in by_key.since(begin) if call.began < end and call.status == 404]
        assert good, "it does not come back between two blows"
    assert max(call.seconds for call in by_key.calls) < NOTICED + SLACK
    assert all(call.status == 404 for call in by_key.since(restored))


def test_others_that_change_the_same_rows_in_another_order(start_harmed):
    """Two workers, one after the other's rows: one of two transactions that wait for each other is
    ended and asked again. Who is unlucky again and again is told that it is busy."""
    daemon = start_harmed(HTTP_THREADS="2")
    ids = [create_provider(daemon, f"row {number}").json()["id"] for number in range(6)]

    def change(number, count):
        chosen = ids[(number * 5 + count * (1 if number % 2 else -1)) % len(ids)]
        return daemon.patch(f"/api/v1/providers/{chosen}", {"intervalSeconds": 60 + count})

    with Load(change, threads=12) as load:
        time.sleep(5)
    assert_told_to_come_back(load.calls)
    assert load.statuses()[200] > 20 * load.statuses()[503]


def test_a_lock_held_by_somebody_else_is_told_as_busy(daemon):
    created = create_provider(daemon, "locked").json()["id"]
    holder = Holder(daemon, "SELECT FROM catalog_providers FOR UPDATE")
    began = time.monotonic()
    answer = daemon.patch(f"/api/v1/providers/{created}", {"intervalSeconds": 600})
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    assert time.monotonic() - began < 5
    holder.close()
    assert daemon.patch(f"/api/v1/providers/{created}",
                        {"intervalSeconds": 600}).status_code == 200


# --- news of changes ------------------------------------------------------------------------------


def test_what_changed_while_nobody_listened_is_caught_up_with(stocked, postgres_to_harm, world):
    """The sessions that listen are gone when the catalog changes; no news is told again."""
    catalog = Catalog(stocked)
    provider = catalog.query("SELECT id FROM catalog_providers WHERE events = 30")[0][0]
    postgres_to_harm.restart()
    catalog.query("""UPDATE catalog_events SET was_online = false, edition = 1000
                     WHERE provider_id = %s AND base_id = '7'""", provider)
    catalog.query("UPDATE catalog_state SET edition = 1000, changed_at = now()")
    wait_until(lambda: len(catalog.search()) == 29, RESTORED, "searches tell the change")
