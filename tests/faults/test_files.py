"""No more files may be opened: the daemon says so, waits without spinning, timers fire, and with room again
all is well."""

import contextlib
import resource
import socket
import time

import pytest

from harness.almanac import Almanac
from harness.nursery import Nursery
from harness.processes import cpu_seconds, wait_until
from harness.sink import Sink
from wire import Wire, exchange, metric

FILES = 160
ASK = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"
AT_REST = 0.4       # seconds of CPU in two: a loop that spins takes all it gets


class Small(Almanac):
    prefix = ("prlimit", f"--nofile={FILES}:{FILES}")


@pytest.fixture
def nursery():
    nursery = Nursery()
    yield nursery
    nursery.finish()


@contextlib.contextmanager
def idle_clients(daemon, count):
    """Connections that say nothing; the daemon may never take all of them."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.settimeout(5)
            client.connect(("127.0.0.1", daemon.port))
        yield


def seconds_of_cpu(daemon, seconds=2.0):
    before = cpu_seconds(daemon.pid)
    time.sleep(seconds)
    return cpu_seconds(daemon.pid) - before


def is_answered(daemon):
    answer = exchange(daemon, ASK)
    return answer is not None and answer.status == 200


def create(daemon, sink, delay):
    answer = daemon.post("/api/v1/timers", {"url": sink.url(), "delay": delay})
    assert answer.status_code == 201, answer.text


def test_few_files_from_the_start(nursery, database):
    """What is kept for timers, feeds and the database is not given to clients: these are told 503."""
    daemon = nursery.start(database, kind=Small, WEBHOOK_ALLOW="loopback", HTTP_REQUEST_TIMEOUT_SECONDS=20)
    told = daemon.wait_for_log("fewer open files are allowed than HTTP_MAX_CONNECTIONS needs")
    assert int(told["allowed"]) == FILES and 0 < int(told["connections"]) < FILES / 2
    with Sink() as sink:
        create(daemon, sink, 1)
        create(daemon, sink, 3)
        with idle_clients(daemon, 60):
            assert daemon.get("/readyz").status_code == 200
            assert seconds_of_cpu(daemon) < AT_REST
            with Wire(daemon) as late:
                late.send(ASK)
                assert late.read().status == 503
            sink.wait_for(2)
        assert max(sink.lateness()) < 1.0
    wait_until(lambda: is_answered(daemon), 5, "there is room again")
    wait_until(lambda: metric(daemon, "almanac_http_connections") <= 2, 5, "all are gone")


def test_all_files_are_taken_while_it_runs(nursery, database):
    """Somebody lowers the limit below what is needed: even connections to receivers may fail, and are
    tried again."""
    daemon = nursery.start(database, WEBHOOK_ALLOW="loopback", TIMER_RETRY_SECONDS="1", REPORT_INTERVAL_SECONDS=1)
    daemon.expect_errors("reports cannot be written")
    before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    with Sink() as sink:
        create(daemon, sink, 1)
        create(daemon, sink, 2)
        daemon.hang_up()
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (16, before[1]))
        with idle_clients(daemon, 50):
            assert seconds_of_cpu(daemon) < AT_REST
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, before)
        wait_until(lambda: is_answered(daemon), 5, "there is room again")
        sink.wait_for(2)
    wait_until(lambda: daemon.get("/readyz").status_code == 200, 20, "it is ready again")
