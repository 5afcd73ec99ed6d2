"""Restarting daemons one after the other under load: a client that asks again notices nothing."""

import signal
import threading
import time
import uuid

import pytest
import requests

from harness.nursery import Nursery
from harness.processes import free_port, send, wait_until
from harness.sink import Sink
from harness.tasks import Tasks, body_of, new_id
from harness.timers import Timers

DRAIN = 1     # HTTP_DRAIN_SECONDS
SHUTDOWN = 4  # HTTP_SHUTDOWN_SECONDS
SLACK = 3     # for a loaded machine
SETTINGS = {"HTTP_DRAIN_SECONDS": DRAIN, "HTTP_SHUTDOWN_SECONDS": SHUTDOWN, "WEBHOOK_ALLOW": "loopback"}


@pytest.fixture
def sink():
    with Sink() as receiver:
        yield receiver


# --- one daemon -----------------------------------------------------------------------------------


def test_a_daemon_told_to_stop_turns_clients_away_while_it_serves_on(start_almanac):
    daemon = start_almanac(**{**SETTINGS, "HTTP_DRAIN_SECONDS": 2})
    began = time.monotonic()
    send(daemon.pid, signal.SIGTERM)
    daemon.wait_for_log("draining", seconds=2)
    ready = daemon.get("/readyz")
    assert ready.status_code == 503 and int(ready.headers["Retry-After"]) >= 1
    assert ready.json()["status"] == "stopping" and ready.json()["database"] == "ok"
    made = daemon.post("/api/v1/timers", {"url": "http://127.0.0.1:1/", "delay": 3600})
    assert made.status_code == 201 and made.headers["Connection"] == "close"
    assert daemon.get("/livez").status_code == 200
    assert daemon.wait(2 + SHUTDOWN + SLACK) == 0
    assert time.monotonic() - began >= 2


def test_a_second_signal_ends_the_draining(start_almanac):
    daemon = start_almanac(**{**SETTINGS, "HTTP_DRAIN_SECONDS": 60})
    send(daemon.pid, signal.SIGTERM)
    daemon.wait_for_log("draining", seconds=2)
    assert daemon.terminate(SHUTDOWN + SLACK) == 0


def test_timers_that_are_about_to_fire_do_not_hold_it_up(start_almanac, sink):
    """They are called by the next one, none twice."""
    daemon = start_almanac(HTTP_SHUTDOWN_SECONDS=20, WEBHOOK_ALLOW="loopback")
    items = [{"url": sink.url(), "delay": 0.3 + number / 4000} for number in range(1000)]
    assert daemon.post("/api/v1/timers/batch", json=items).status_code == 200
    sink.wait_for(100)
    began = time.monotonic()
    assert daemon.terminate(30) == 0
    assert time.monotonic() - began < 10
    assert not daemon.logged("scheduler gave up waiting")
    daemon.lines.clear()
    daemon.start()
    sink.wait_for(1000)
    assert set(sink.counts().values()) == {1}


# --- two daemons ----------------------------------------------------------------------------------


class Clients:
    """Threads that ask one of two daemons and, when that does not answer, the other: everything with a
    key, so that asking again does nothing twice."""

    def __init__(self, ports, asks):
        self.failures, self.retries, self.count = [], 0, 0
        self._ports, self._is_over = ports, threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number, ask), daemon=True)
                         for number, ask in enumerate(asks)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, number, ask):
        with requests.Session() as session:
            session.trust_env = False
            while not self._is_over.is_set():
                self._persist(number, session, ask())
                self.count += 1

    def _persist(self, number, session, question):
        """Ten times, for three seconds at least."""
        method, path, expected, options = question
        for attempt in range(10):
            port = self._ports[(number + attempt) % 2]
            status = 0
            try:
                status = session.request(method, f"http://127.0.0.1:{port}{path}", timeout=5,
                                         **options).status_code
            except requests.ConnectionError:
                pass
            if status == expected:
                return
            if status not in (0, 503):
                break
            self.retries += 1
            time.sleep(0.05 * attempt)
        self.failures.append((question, status))


def make_timer(sink, keys):
    key = str(uuid.uuid4())
    keys.append(key)
    return "POST", "/api/v1/timers", 201, {"json": {"url": sink.url(f"/ok/{key}"), "delay": 1},
                                           "headers": {"Idempotency-Key": key}}


def tell_task(tasks):
    task = new_id()
    tasks.append(task)
    return "POST", "/webhook", 202, {"json": body_of("created", task),
                                     "headers": {"webhook-id": f"id-{task}"}}


def look(path):
    return "GET", path, 200, {}


def roll(daemon):
    """A restart, as by an upgrade."""
    assert daemon.terminate(DRAIN + SHUTDOWN + SLACK) == 0
    daemon.lines.clear()
    daemon.start().wait_ready()


def test_a_rolling_restart_loses_nothing(database, sink):
    ports = [free_port(), free_port()]
    nursery = Nursery()
    daemons = [nursery.start(database, HTTP_PORT=port, DAEMON_NAME=f"number {port}", **SETTINGS)
               for port in ports]
    keys, told = [], []
    asks = [lambda: make_timer(sink, keys), lambda: make_timer(sink, keys), lambda: tell_task(told),
            lambda: tell_task(told), lambda: look("/api/v1/timers?limit=10"),
            lambda: look("/api/v1/events?q=jazz")]
    with Clients(ports, asks) as clients:
        wait_until(lambda: clients.count > 100, 20, "clients get on")
        for daemon in daemons:
            roll(daemon)
        before = clients.count
        wait_until(lambda: clients.count > before + 100, 20, "clients get on")
    assert not clients.failures, clients.failures[:3]
    assert clients.retries > 0  # else nothing was tried

    tasks, timers = Tasks(daemons[0]), Timers(daemons[0])
    assert tasks.query("SELECT count(*) FROM tasks") == [(len(told),)]
    wait_until(lambda: timers.query("SELECT count(*) FROM timers_over WHERE status = 'finished'")
               == [(len(keys),)], 15, "all timers are finished, each once")
    assert timers.query("SELECT count(*) FROM timers") == [(0,)]
    assert set(sink.counts().values()) == {1}
    assert {call.path.rpartition("/")[2] for call in sink.calls} == set(keys)
    nursery.finish()
