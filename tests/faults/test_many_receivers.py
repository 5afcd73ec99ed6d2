"""A thousand receivers that take a call and never answer: those of others keep their time, memory stays
bounded, and no attempt is lost."""

import contextlib
import datetime
import selectors
import socket
import threading
import time

import pytest

from harness import almanac as daemons
from harness.processes import wait_until
from harness.sink import Sink

RECEIVERS = 1000
LATE = 1.0          # what a busy machine may add
MEBIBYTE = 1 << 20


class Hole:
    """Listens on all addresses of loopback, so that one port is as many receivers as there are addresses:
    takes connections and says nothing."""

    def __init__(self):
        self._listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.taken = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join(10)
        self._listener.close()
        for client in self.taken:
            client.close()

    def _run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._is_over.is_set():
                if selector.select(0.1):
                    with contextlib.suppress(OSError):
                        self.taken.append(self._listener.accept()[0])

    def url(self, number):
        return f"http://127.1.{number // 250}.{1 + number % 250}:{self._listener.getsockname()[1]}/"


def at(seconds):
    moment = datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create(daemon, items):
    answer = daemon.post("/api/v1/timers/batch", json=items)
    assert answer.json()["created"] == len(items), answer.text


@pytest.fixture
def daemon(start_almanac):
    return start_almanac(WEBHOOK_ALLOW="loopback", TIMER_RETRY_SECONDS="600")


def test_a_thousand_receivers_that_hang(daemon):
    with Hole() as hole, Sink() as sink:
        create(daemon, [{"url": sink.url(), "dueAt": at(0.3)}] * 50)
        sink.wait_for(50)
        before = daemon.rss()
        create(daemon, [{"url": hole.url(number), "dueAt": at(1), "timeoutMs": 4000}
                        for number in range(RECEIVERS)])
        create(daemon, [{"url": sink.url(), "dueAt": at(1 + number / 100)} for number in range(400)])
        sink.wait_for(450)
        assert max(sink.lateness()) < LATE and min(sink.lateness()) >= -0.002
        assert set(sink.counts().values()) == {1}
        assert daemons.is_sanitized() or daemon.rss() - before < 64 * MEBIBYTE
        wait_until(lambda: daemon.metric("almanac_timer_attempts_total", outcome="retry") == RECEIVERS, 30,
                   "every attempt is over")
        assert len(hole.taken) >= RECEIVERS
    answer = daemon.get("/api/v1/timers?status=scheduled&limit=1000").json()
    assert len(answer["data"]) == RECEIVERS
    assert all(item["attempts"] == 1 for item in answer["data"])
