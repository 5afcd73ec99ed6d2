"""What the scripts about timers need: the receiver, the peers, and the daemon as something that fires."""

import contextlib
import datetime
import json
import pathlib
import subprocess
import time
import urllib.request

from harness.processes import free_port
from npm import install
from tools import Clock, cpu_seconds

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 90.0


class Receiver:
    """sink.c, and what it tells."""

    def __init__(self, directory):
        binary = directory / "sink"
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", binary, HERE / "sink.c"], check=True)
        self.port = free_port()
        self.process = subprocess.Popen([binary, str(self.port)])
        self._wait()

    def _wait(self):
        for _ in range(100):
            with contextlib.suppress(OSError):
                return self.stats()
            time.sleep(0.05)
        raise AssertionError("the sink does not answer")

    def url(self, path="/ok"):
        return f"http://127.0.0.1:{self.port}{path}"

    def stats(self):
        with urllib.request.urlopen(self.url("/stats"), timeout=30) as answer:
            return json.load(answer)

    def forget(self):
        urllib.request.urlopen(self.url("/reset"), timeout=10).close()

    def wait_for(self, count, seconds=PATIENCE):
        """What was told when so many had come; AssertionError when they do not come, or come twice."""
        due = time.monotonic() + seconds
        while (stats := self.stats())["calls"] < count and time.monotonic() < due:
            time.sleep(0.2)
        return stats

    def close(self):
        self.process.kill()
        self.process.wait()


def moment(seconds):
    when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Ours:
    """The daemon: timers by batches of 1,000."""

    name = "almanac"

    def __init__(self, yard, daemon):
        self.daemon = daemon
        self._yard = yard

    def store(self, url, count, first, spread):
        for start in range(0, count, 1000):
            items = [{"url": url, "dueAt": moment(first + spread * number / count)}
                     for number in range(start, min(start + 1000, count))]
            answer = self.daemon.post("/api/v1/timers/batch", json=items)
            assert answer.json()["created"] == len(items), answer.text

    def clock(self):
        return Clock(self.daemon, self._yard.postgres)


class Peer:
    """A job queue of the npm registry in a process of its own."""

    def __init__(self, yard, directory, kind, name):
        self.name = name
        self.process = subprocess.Popen(
            ["node", HERE / "peers" / "worker.mjs", kind, yard.database_of_peer()], cwd=directory,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"
        self._yard = yard

    def _line(self):
        return self.process.stdout.readline().strip()

    @property
    def pid(self):
        return self.process.pid

    def store(self, url, count, first, spread):
        order = {"url": url, "count": count, "first": first * 1000, "spread": spread * 1000}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        assert self._line() == "stored"

    def clock(self):
        return Clock(self, self._yard.postgres)

    def close(self):
        self.process.kill()
        self.process.wait()


def install_peers(yard):
    return install(yard, "graphile-worker", "pg-boss")


def fire(receiver, who, count, spread, lead):
    """So many due from `lead` seconds on, over `spread` seconds: what the receiver saw, with the
    calls a second from the first due time on and the CPU for 1,000 of them."""
    receiver.forget()
    first = time.time() + lead
    who.store(receiver.url(), count, first, spread)
    late = time.time() - first
    clock = who.clock()
    receiver_began = cpu_seconds([receiver.process.pid])
    stats = receiver.wait_for(count, spread + lead + PATIENCE)
    stats["stored_late"] = late
    stats["rate"] = stats["calls"] / max(stats["last"] / 1e6 - first, 1e-3)
    stats["cpu"] = [spent / max(count, 1) * 1000 for spent in clock.spent()]
    stats["receiver_cpu"] = cpu_seconds([receiver.process.pid]) - receiver_began
    return stats


def must_be_exact(stats, count):
    """None early, lost or twice. The due time is told in milliseconds: up to one of them is lost in
    print."""
    assert stats["calls"] == stats["distinct"] == count, stats
    assert stats["least"] >= 0, stats
    return stats
