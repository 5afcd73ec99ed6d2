"""No room for the database, neither for its tables nor for its log: who writes is told 503, searches by date
go on, nothing acknowledged is lost, and with room again all is well."""

import os
import random
import tempfile
import time

import pytest

import disks
from harness.catalog import Catalog
from harness.feeds import one_event
from harness.nursery import Nursery
from harness.postgres import Postgres
from harness.processes import wait_until
from harness.sink import Sink
from harness.tasks import Tasks, new_id
from load import Load

RESTORED = 10.0     # seconds within which full service is back, PostgreSQL's own recovery included
MARCH = "/search?starts_at=2026-01-01&ends_at=2026-12-31"
ROOM = 400 << 20
LARGE = 50_000      # characters that do not compress well


@pytest.fixture(scope="module")
def folder():
    """A disk of its own for PostgreSQL, whose user may go there."""
    path = tempfile.mkdtemp(prefix="almanac-disk-")
    os.chmod(path, 0o755)
    with disks.small_disk(path, ROOM):
        yield path
    os.rmdir(path)


@pytest.fixture(scope="module")
def cluster(folder):
    with Postgres(folder=folder, min_wal_size="32MB", max_wal_size="32MB", shared_buffers="16MB") as cluster:
        yield cluster


@pytest.fixture
def daemon(cluster):
    nursery = Nursery()
    daemon = nursery.start(cluster.create_database(), WEBHOOK_ALLOW="loopback", REPORT_INTERVAL_SECONDS=1)
    daemon.expect_errors("partitions of webhooks cannot be made", "reports cannot be written",
                         "the lease of timer shards was refused", "results of timers were refused")
    yield daemon
    nursery.finish()


def write(tasks, acknowledged):
    task, content = new_id(), random.randbytes(LARGE // 2).hex()
    answer = tasks.send("created", task, content=content)
    if answer.status_code == 202:
        acknowledged.append(task)
    return answer


def write_until_refused(tasks, acknowledged, seconds=40.0):
    """Large tasks until there is no room for another one; the answer that says so."""
    due = time.monotonic() + seconds
    while time.monotonic() < due:
        answer = write(tasks, acknowledged)
        if answer.status_code != 202:
            return answer
    raise AssertionError("there is always room")


def serves_all(tasks, cluster):
    """PostgreSQL gives up when it cannot even recover; whoever looks after it starts it again."""
    if not cluster.is_running:
        cluster.start()
    return (tasks.almanac.get("/readyz").status_code == 200
            and tasks.send("created", new_id()).status_code == 202)


def test_a_database_without_room(daemon, cluster, folder, world):
    world.serve("/feed", one_event("Concert"))
    Catalog(daemon).provide(world.url("/feed"))
    tasks, acknowledged = Tasks(daemon), []
    with Sink() as sink, Load(lambda *_: daemon.get(MARCH), threads=2) as by_date:
        timers = [daemon.post("/api/v1/timers", {"url": sink.url(), "delay": delay}).json()["id"]
                  for delay in (1, 3)]
        for _ in range(5):
            write(tasks, acknowledged)
        assert len(acknowledged) == 5
        disks.fill(folder)
        refused = write_until_refused(tasks, acknowledged)
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["code"] == "database_unavailable"
        for _ in range(10):
            began = time.monotonic()
            assert tasks.send("created", new_id(), content="x" * 20_000).status_code in (202, 503)
            assert time.monotonic() - began < 3
        assert daemon.get("/livez").status_code == 200
        time.sleep(1)
        disks.clear(folder)
        wait_until(lambda: serves_all(tasks, cluster), RESTORED, "full service")
        sink.wait_for(2)
        for timer in timers:
            wait_until(lambda timer=timer: daemon.get(f"/api/v1/timers/{timer}").json()["status"] == "finished",
                       RESTORED, "it is finished")
    assert set(by_date.statuses()) == {200}
    stored = {task for task, in tasks.query("SELECT id FROM tasks")}
    assert acknowledged and set(acknowledged) <= stored
    assert max(sink.counts().values()) == 1
