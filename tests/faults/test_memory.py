"""Memory that is capped: what the daemon needs at rest fits into the least that README names, and when there
is none left it ends at once, with a word why; whoever starts it again finds all that was acknowledged."""

import re
import resource
import signal

import pytest

from harness import almanac as daemons
from harness.almanac import Almanac
from harness.catalog import Catalog
from harness.feeds import one_event
from harness.processes import memory_of, wait_until
from harness.sink import Sink
from harness.tasks import Tasks, new_id
from load import Load

LEAST = 256 << 20       # bytes of memory, as README has it
MARCH = "/search?starts_at=2026-01-01&ends_at=2026-12-31"

pytestmark = pytest.mark.skipif(bool(re.search(b"__[at]san_init", daemons.binary().read_bytes())),
                                reason="sanitizers need memory of their own")


class Ledger:
    """Tasks of some kilobytes, and which of them were acknowledged."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.acknowledged = set()

    def write(self, *_):
        task = new_id()
        answer = Tasks(self.daemon).send("created", task, content="x" * 30_000)
        if answer.status_code == 202:
            self.acknowledged.add(task)
        return answer

    def assert_kept(self, database):
        stored = {task for task, in Tasks(self.daemon).query("SELECT id FROM tasks")}
        assert self.acknowledged and self.acknowledged <= stored, database


def test_under_load_it_stays_within_the_least(start_almanac, world):
    daemon = start_almanac(WEBHOOK_ALLOW="loopback")
    world.serve("/feed", one_event("Concert"))
    Catalog(daemon).provide(world.url("/feed"))
    ledger = Ledger(daemon)
    with Sink() as sink:
        items = [{"url": sink.url(), "delay": 1, "payload": "x" * 3000}] * 250
        with Load(lambda *_: daemon.get(MARCH), threads=2) as reads, Load(ledger.write, threads=8) as writes:
            for _ in range(8):
                assert daemon.post("/api/v1/timers/batch", json=items).json()["created"] == 250
            sink.wait_for(2000, seconds=20)
    assert set(reads.statuses()) == {200} and set(writes.statuses()) == {202}
    assert daemon.peak_rss() < LEAST
    ledger.assert_kept(daemon)


def test_without_memory_it_ends_with_a_word_and_loses_nothing(database):
    daemon = Almanac(database)
    ledger = Ledger(daemon)
    try:
        daemon.start().wait_ready()
        assert ledger.write().status_code == 202
        used = memory_of(daemon.pid, "VmSize")
        resource.prlimit(daemon.pid, resource.RLIMIT_AS, (used + (2 << 20), resource.RLIM_INFINITY))
        with Load(ledger.write, threads=32):
            wait_until(lambda: not daemon.is_running, 30, "there is no memory left")
        assert daemon.wait() == -signal.SIGABRT
        assert any('level=error what="out of memory"' in line for line in daemon.lines)
        daemon.lines.clear()
        daemon.start().wait_ready()
        ledger.assert_kept(database)
        assert ledger.write().status_code == 202
        assert daemon.terminate() == 0
    finally:
        daemon.close()
