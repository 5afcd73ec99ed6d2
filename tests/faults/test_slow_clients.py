"""Senders and readers that take their time are cut off when HTTP_REQUEST_TIMEOUT_SECONDS are over,
however busy they look, and hold up nobody meanwhile."""

import socket
import threading
import time

import pytest

from harness.catalog import Catalog
from harness.feeds import base, event, feed
from harness.processes import wait_until
from wire import Wire, metric, open_wires

TIMEOUT = 2             # HTTP_REQUEST_TIMEOUT_SECONDS
LATEST = TIMEOUT + 3    # what a loaded machine may add before we call it a hang
HOST = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def almanac(start_module_almanac):
    return start_module_almanac(HTTP_REQUEST_TIMEOUT_SECONDS=str(TIMEOUT), HTTP_THREADS="1")


@pytest.fixture(autouse=True)
def leaves_nothing(almanac):
    yield
    almanac.hang_up()
    wait_until(lambda: metric(almanac, "almanac_http_connections") == 1, LATEST,
               "all other connections are gone")


def seconds_until_cut(wire, drops, pause=0.1):
    """Sends drop after drop until the daemon closes; AssertionError when it never does."""
    began = time.monotonic()
    for drop in drops:
        if not wire.send(drop) or is_closed(wire, pause):
            return time.monotonic() - began
        assert time.monotonic() - began < LATEST, "nobody cuts this off"
    raise AssertionError("it took all of it")


def is_closed(wire, seconds):
    """Whether the connection ends within so many seconds; what comes before is thrown away."""
    wire.socket.settimeout(seconds)
    try:
        while wire.socket.recv(65536):
            pass
        return True
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def forever(drop):
    while True:
        yield drop


SLOW = {
    "nothing at all": (b"", forever(b"")),
    "a request line": (b"GET /", forever(b"a")),
    "a header": (b"GET /status HTTP/1.1\r\n" + HOST + b"X-A: ", forever(b"a")),
    "headers": (b"GET /status HTTP/1.1\r\n" + HOST, forever(b"X-A: b\r\n")),
    "a body": (b"POST /api/v1/providers HTTP/1.1\r\n" + HOST +
               b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n", forever(b" ")),
    "chunks": (b"POST /api/v1/providers HTTP/1.1\r\n" + HOST +
               b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
               forever(b"1\r\n \r\n")),
    "a body nobody wants": (b"POST /nowhere HTTP/1.1\r\n" + HOST + b"Content-Length: 60000\r\n\r\n",
                            forever(b" ")),
}


@pytest.mark.parametrize("head, drops", SLOW.values(), ids=SLOW)
def test_a_slow_sender_is_cut_off(almanac, head, drops):
    with Wire(almanac) as wire:
        wire.send(head)
        assert seconds_until_cut(wire, drops) > TIMEOUT / 2
    almanac.hang_up()
    assert almanac.get("/livez").status_code == 200


def test_who_waits_between_requests_is_cut_off_too(almanac):
    with Wire(almanac) as wire:
        wire.send(b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n")
        assert wire.read().status == 200
        assert seconds_until_cut(wire, forever(b"")) > TIMEOUT / 2


def test_a_steady_client_is_not_cut_off(almanac):
    """Every request has the time anew."""
    due = time.monotonic() + 2 * TIMEOUT
    with Wire(almanac) as wire:
        while time.monotonic() < due:
            wire.send(b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n")
            assert wire.read().status == 200
            time.sleep(0.2)


def test_who_never_reads_is_cut_off(almanac):
    """It asks for more than the pipes between the two can hold."""
    asked = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
    with Wire(almanac) as wire:
        wire.socket.setblocking(False)
        began = time.monotonic()
        while metric(almanac, "almanac_http_connections") > 1:
            try:
                wire.socket.send(asked * 50)
            except BlockingIOError:
                pass
            except OSError:
                break
            assert time.monotonic() - began < LATEST, "nobody cuts this off"
            time.sleep(0.05)


@pytest.fixture
def large_answer(almanac, module_world):
    """A search that finds some eight megabytes, more than the kernel keeps for a connection."""
    title = "A very long title " * 60
    bases = [base(number, title, event(1, "2026-05-01T20:00:00", "2026-05-01T22:00:00"))
             for number in range(7000)]
    module_world.serve("/long", feed(*bases))
    Catalog(almanac).provide(module_world.url("/long"))
    return b"GET /search?starts_at=2026-05-01&ends_at=2026-05-02 HTTP/1.1\r\n" + HOST + b"\r\n"


def test_a_slow_reader_of_a_large_answer_is_cut_off(almanac, large_answer):
    """It reads all the time, but a kilobyte every twentieth of a second."""
    with Wire(almanac) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.send(large_answer)
        began = time.monotonic()
        assert wire.socket.recv(1024).startswith(b"HTTP/1.1 200 ")
        while metric(almanac, "almanac_http_connections") > 1:
            assert time.monotonic() - began < LATEST, "nobody cuts this off"
            wire.socket.recv(1024)
            time.sleep(0.05)
        assert time.monotonic() - began > TIMEOUT / 2


def test_slow_ones_hold_up_nobody(almanac):
    """One worker, 200 connections that send a byte now and then, and one that means it."""
    wires, closing = open_wires(almanac, 200)
    is_over = threading.Event()

    def drip():
        while not is_over.is_set():
            for wire in wires:
                wire.send(b"G")
            time.sleep(0.05)

    dripping = threading.Thread(target=drip)
    with closing:
        dripping.start()
        try:
            for _ in range(50):
                assert almanac.get("/livez").status_code == 200
        finally:
            is_over.set()
            dripping.join()
