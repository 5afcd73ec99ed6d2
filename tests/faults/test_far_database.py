"""A database behind a line that swallows everything without closing anything, and behind a slow one."""

import itertools
import threading
import time

import pytest

from harness import almanac as daemons
from harness.catalog import Catalog
from harness.feeds import one_event
from harness.nursery import Nursery
from harness.processes import wait_until
from harness.sink import Sink
from harness.tasks import Tasks, body_of, new_id
from load import Load
from proxy import Proxy

NOTICED = 2.0    # seconds within which a database that says nothing is answered 503
RESTORED = 8.0   # seconds within which full service is back: a connection may have been under way for five
SLACK = 1.0      # for the tester's own threads on a busy machine
MARCH = "/search?starts_at=2026-01-01&ends_at=2026-12-31"


@pytest.fixture
def line(postgres):
    with Proxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def daemon(database, line):
    nursery = Nursery()
    yield nursery.start(line.url(database), WEBHOOK_ALLOW="loopback", REPORT_INTERVAL_SECONDS=1)
    line.is_hungry, line.delay = False, 0.0
    nursery.finish()


@pytest.fixture
def stocked(daemon, world):
    world.serve("/feed", one_event("Concert"))
    Catalog(daemon).provide(world.url("/feed"))
    return daemon


class Ledger:
    """Tasks, and which of them were acknowledged."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.acknowledged = set()
        self._lock = threading.Lock()

    def write(self, *_):
        task = new_id()
        answer = self.daemon.post("/webhook", body_of("created", task))
        if answer.status_code == 202:
            with self._lock:
                self.acknowledged.add(task)
        return answer

    def assert_kept(self):
        stored = {task for task, in Tasks(self.daemon).query("SELECT id FROM tasks")}
        assert self.acknowledged and self.acknowledged <= stored


def serves_all(daemon):
    return all(daemon.get(path).status_code == 200
               for path in ("/readyz", "/api/v1/providers", "/api/v1/tasks", "/api/v1/timers")
               for _ in range(4)) and Ledger(daemon).write().status_code == 202


def test_a_line_that_swallows_everything(stocked, line):
    ledger = Ledger(stocked)
    with Sink() as sink, Load(lambda *_: stocked.get(MARCH), threads=2) as by_date, \
            Load(ledger.write, threads=8) as writes:
        timers = [stocked.post("/api/v1/timers", {"url": sink.url(), "delay": delay}).json()["id"]
                  for delay in (1, 2, 4)]
        sink.wait_for(1)
        before = stocked.rss()
        line.is_hungry = True
        swallowed = time.monotonic()
        time.sleep(3.5)
        assert stocked.get("/livez").status_code == 200
        away = stocked.get("/readyz")
        assert (away.status_code, away.json()["database"]) == (503, "unavailable")
        assert daemons.is_sanitized() or stocked.rss() < before + (32 << 20)
        line.is_hungry = False
        passed = time.monotonic()
        wait_until(lambda: serves_all(stocked), RESTORED, "full service")
        sink.wait_for(3)
    assert set(by_date.statuses()) == {200}
    assert set(writes.statuses()) <= {202, 503} and writes.statuses()[202] > 0
    assert max(call.seconds for call in writes.calls) < NOTICED + SLACK
    late = [call for call in writes.since(swallowed + NOTICED) if call.began < passed - NOTICED]
    assert late and all(call.status == 503 and int(call.retry_after) >= 1 for call in late)
    ledger.assert_kept()
    assert set(sink.counts()) == set(timers) and max(sink.counts().values()) <= 2


def test_a_slow_line_is_slow_and_nothing_else(stocked, line):
    """A tenth of a second on each way: everything is answered well, and timers keep their time."""
    line.delay = 0.1
    ledger = Ledger(stocked)
    with Sink() as sink, Load(lambda *_: stocked.get(MARCH), threads=2) as by_date, \
            Load(ledger.write, threads=8) as writes:
        timers = [stocked.post("/api/v1/timers", {"url": sink.url(), "delay": delay}).json()["id"]
                  for delay in (1, 1)]
        before = line.accepted
        sink.wait_for(2)
    assert line.accepted == before, "connections are opened anew all the time"
    assert set(by_date.statuses()) == {200}
    assert set(writes.statuses()) == {202}
    ledger.assert_kept()
    assert sink.counts() == {timer: 1 for timer in timers}
    assert -0.002 <= min(sink.lateness()) and max(sink.lateness()) < 2.0


def test_a_line_slower_than_an_answer_may_be(stocked, line):
    """Searches go on, the rest is told 503 in time, and with a better line all is well."""
    line.delay = 1.2
    ledger = Ledger(stocked)
    with Load(lambda *_: stocked.get(MARCH), threads=2) as by_date, \
            Load(ledger.write, threads=8) as writes:
        time.sleep(3)
        line.delay = 0.0
        wait_until(lambda: serves_all(stocked), RESTORED, "full service")
    assert set(by_date.statuses()) == {200}
    assert set(writes.statuses()) <= {202, 503} and writes.statuses()[503] > 0
    assert max(call.seconds for call in writes.calls) < NOTICED + SLACK
    ledger.assert_kept()


def test_statements_that_take_too_long(stocked, database, postgres):
    """Something in the database sleeps for as long as it likes: who asks is told 503 in time, and other
    questions are answered meanwhile."""
    postgres.query(database, """
        CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_sleep(30); RETURN NEW; END $$;
        CREATE TRIGGER sleep BEFORE INSERT ON timers FOR EACH ROW EXECUTE FUNCTION sleep()""")
    for _ in range(3):
        began = time.monotonic()
        answer = stocked.post("/api/v1/timers", {"url": "http://localhost/", "delay": 60})
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
        assert time.monotonic() - began < NOTICED + SLACK
        assert stocked.get("/api/v1/timers").status_code == 200
    postgres.query(database, "DROP TRIGGER sleep ON timers")
    for _ in itertools.repeat(None, 3):
        assert stocked.post("/api/v1/timers", {"url": "http://localhost/", "delay": 60}).status_code == 201
