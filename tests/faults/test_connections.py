"""Thousands of connections at once: every request is answered, well or with 503, memory stays
bounded and afterwards all is as before."""

import collections
import contextlib
import re
import resource
import selectors
import socket
import time

import pytest

from harness import almanac as daemons
from harness.processes import wait_until
from wire import Wire, exchange, metric

MANY = 5000
FILES = 12000
MEBIBYTE = 1 << 20
PER_CONNECTION = 48 << 10   # libmicrohttpd's pool of 32 KiB, a request's arena, our own
ASK = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"
ASK_DATABASE = b"GET /api/v1/providers HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module", autouse=True)
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
        except (ValueError, PermissionError):
            pytest.skip(f"no more than {hard} files may be open here")
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Many connections that all do the same, one thread for all of them."""

    def __init__(self, port, count):
        self.selector = selectors.DefaultSelector()
        self.sockets = []
        for _ in range(count):
            self.sockets.append(self._connect(port))

    def _connect(self, port):
        client = socket.create_connection(("127.0.0.1", port), 20)
        client.setblocking(False)
        self.selector.register(client, selectors.EVENT_READ)
        return client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.selector.close()
        for client in self.sockets:
            client.close()

    def ask_all(self, data, seconds=60.0):
        """Everybody asks once; how many got which status (0: closed without an answer)."""
        for client in self.sockets:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.send(data)
        waiting, statuses = set(self.sockets), collections.Counter()
        due = time.monotonic() + seconds
        while waiting:
            assert time.monotonic() < due, f"{len(waiting)} are not answered: {statuses}"
            for key, _ in self.selector.select(1.0):
                if key.fileobj in waiting:
                    waiting.remove(key.fileobj)
                    statuses[self._read(key.fileobj)] += 1
        return statuses

    def _read(self, client):
        """Answers here are short: they come in one piece."""
        with contextlib.suppress(ConnectionResetError):
            head = client.recv(65536)
            if head:
                if int(head[9:12]) == 503:
                    assert b"\r\nRetry-After: " in head
                return int(head[9:12])
        self.selector.unregister(client)
        return 0


def assert_memory(used, bound):
    """Sanitizers keep what is freed: with them only the rest of a story counts."""
    if not re.search(b"__[at]san_init", daemons.binary().read_bytes()):
        assert used < bound


@pytest.fixture
def daemon(start_almanac):
    return start_almanac()


def test_five_thousand_connections(daemon):
    before = daemon.rss()
    with Crowd(daemon.port, MANY) as crowd:
        for _ in range(3):
            assert crowd.ask_all(ASK) == {200: MANY}
        assert metric(daemon, "almanac_http_connections") == MANY + 1
        statuses = crowd.ask_all(ASK_DATABASE)
        assert set(statuses) <= {200, 503} and statuses[200] >= 0.2 * MANY, statuses
        assert daemon.get("/livez").status_code == 200
        assert_memory(daemon.rss() - before, MANY * PER_CONNECTION + 64 * MEBIBYTE)
    wait_until(lambda: metric(daemon, "almanac_http_connections") == 1, 20, "all are gone")
    assert exchange(daemon, ASK).status == 200


def test_memory_of_connections_is_given_back_to_the_next(daemon):
    """The third crowd needs no more than the first."""
    peaks = []
    for _ in range(3):
        with Crowd(daemon.port, 1000) as crowd:
            assert crowd.ask_all(ASK) == {200: 1000}
            peaks.append(daemon.rss())
        wait_until(lambda: metric(daemon, "almanac_http_connections") == 1, 20, "all are gone")
    assert_memory(peaks[2], peaks[0] + 16 * MEBIBYTE)


def test_beyond_the_limit_connections_are_told_503(start_almanac):
    daemon = start_almanac(HTTP_MAX_CONNECTIONS="64", HTTP_THREADS="1")
    with Crowd(daemon.port, 63) as inside:  # one more has asked whether it is ready
        wait_until(lambda: exchange(daemon, ASK).status == 503, 5, "it is full")
        assert inside.ask_all(ASK) == {200: 63}
        with Crowd(daemon.port, 100) as outside:
            assert outside.ask_all(ASK) == {503: 100}
        with Wire(daemon) as wire:
            wire.send(ASK)
            refused = wire.read()
            assert refused.status == 503 and int(refused.headers["retry-after"]) >= 1
            assert refused.headers["content-type"] == "application/problem+json"
            assert wire.is_ended()
    wait_until(lambda: exchange(daemon, ASK).status == 200, 5, "there is room again")
    assert metric(daemon, "almanac_http_refused_connections_total") >= 101


def test_far_beyond_the_limit_connections_wait_their_turn(start_almanac):
    """More than are even told so, and nobody else says a word: nobody is lost, nothing waits for a
    timeout."""
    daemon = start_almanac(HTTP_MAX_CONNECTIONS="16", HTTP_THREADS="1")
    with Crowd(daemon.port, 1000) as crowd:
        assert crowd.ask_all(ASK, seconds=15) == {200: 15, 503: 985}
    wait_until(lambda: exchange(daemon, ASK).status == 200, 10, "there is room again")


def test_connections_that_come_and_go(daemon):
    """Ten thousand in a row leave nothing."""
    before = None
    for count in range(10000):
        with Wire(daemon) as wire:
            wire.send(ASK)
            assert wire.read().status == 200
        if count == 2000:
            before = daemon.rss()
    assert_memory(daemon.rss(), before + 8 * MEBIBYTE)
    wait_until(lambda: metric(daemon, "almanac_http_connections") == 1, 10, "all are gone")
