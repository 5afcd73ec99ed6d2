"""Clocks that jump by an hour while timers wait: the daemon's own is of no account, and when the
database's jumps, nothing is lost or called twice."""

import datetime
import os
import pathlib
import re
import struct
import subprocess
import time

import pytest

from harness import almanac as daemons
from harness.nursery import Nursery
from harness.postgres import Postgres
from harness.processes import wait_until
from harness.sink import Sink

HOUR = 3600
LATE = 1.0      # what a busy machine may add
SETTINGS = {"WEBHOOK_ALLOW": "loopback"}


class Clock:
    """The wall clock of the processes that are started with its environment."""

    def __init__(self, folder):
        library = folder / "clock.so"
        source = pathlib.Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-o", library, source], check=True)
        self._path = folder / "clock"
        self._path.write_bytes(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(self._path)}

    def jump(self, seconds):
        with self._path.open("r+b", buffering=0) as file:
            file.write(struct.pack("q", seconds))


@pytest.fixture
def clock():
    if re.search(b"__[at]san_init", daemons.binary().read_bytes()):
        pytest.skip("a sanitizer wants to be loaded first")
    with Sandbox() as folder:
        yield Clock(folder)


class Sandbox:
    """A folder that PostgreSQL's user may read."""

    def __enter__(self):
        import tempfile  # pylint: disable=import-outside-toplevel
        self._folder = tempfile.TemporaryDirectory(prefix="almanac-clock-")
        os.chmod(self._folder.name, 0o755)
        return pathlib.Path(self._folder.name)

    def __exit__(self, *_):
        self._folder.cleanup()


@pytest.fixture
def sink():
    with Sink() as receiver:
        yield receiver


def at(seconds):
    moment = datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create(daemon, **fields):
    answer = daemon.post("/api/v1/timers", fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def create_both(daemon, sink, seconds):
    """One by its time, one by its delay."""
    return [create(daemon, url=sink.url(), dueAt=at(seconds)),
            create(daemon, url=sink.url(), delay=seconds)]


def assert_on_time(sink, ids):
    assert sink.counts() == {timer: 1 for timer in ids}
    late = sink.lateness()
    assert -0.002 <= min(late) and max(late) < LATE, late


def test_the_daemons_clock_jumps_and_no_timer_notices(start_almanac, clock, sink):
    daemon = start_almanac(**SETTINGS, **clock.environment)
    ids = create_both(daemon, sink, 1) + create_both(daemon, sink, 2)
    clock.jump(HOUR)
    ids += create_both(daemon, sink, 1)
    sink.wait_for(4)
    clock.jump(-HOUR)
    ids += create_both(daemon, sink, 1)
    sink.wait_for(8)
    clock.jump(0)
    assert_on_time(sink, ids)
    for timer in ids:
        wait_until(lambda timer=timer: daemon.get(f"/api/v1/timers/{timer}").json()["status"] == "finished",
                   what="it is finished")
        attempt = daemon.get(f"/api/v1/timers/{timer}/attempts").json()["data"][0]
        assert 0 <= attempt["durationMs"] < 5000
    assert daemon.get("/readyz").status_code == 200
    assert all(float(line["ms"]) < 5000 for line in daemon.logged("request"))


@pytest.fixture
def harmed(clock):
    """A daemon, and the clock of its database."""
    nursery = Nursery()
    with Postgres(fast=True, environment=clock.environment) as cluster:
        yield nursery.start(cluster.create_database(), **SETTINGS, REPORT_INTERVAL_SECONDS=1), clock
        nursery.finish()


def test_the_databases_clock_jumps_ahead_and_back(harmed, sink):
    """What is due by the new time is called at once; what is not waits for its time by the clock as it is
    then. Leases, jobs and reports go on."""
    daemon, clock = harmed
    soon, later = create_both(daemon, sink, 3), create_both(daemon, sink, HOUR // 2)
    clock.jump(HOUR)
    sink.wait_for(4, seconds=20)
    clock.jump(0)
    back = create_both(daemon, sink, 2)
    sink.wait_for(6, seconds=20)
    time.sleep(1)
    assert sink.counts() == {timer: 1 for timer in soon + later + back}
    assert min(call for call in sink.lateness()[4:]) >= -0.002
    wait_until(lambda: daemon.metric("almanac_timer_shards") == 64, 20, "it holds all the shards")
    wait_until(lambda: daemon.get("/readyz").status_code == 200, 20, "it is ready")
