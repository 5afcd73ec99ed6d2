"""The tools that ask and measure: wrk, pgbench, the CPU clocks of processes."""

import dataclasses
import json
import os
import pathlib
import re
import statistics
import subprocess
import time

from harness import processes
from harness.postgres import BIN
from harness.processes import children_of

HERE = pathlib.Path(__file__).resolve().parent
THREADS = 2
CLIENTS = 8

# As the daemon's own sessions.
SESSION = "-c timezone=UTC -c datestyle=ISO -c jit=off -c plan_cache_mode=force_generic_plan"


@dataclasses.dataclass
class Answers:
    """What wrk saw."""
    requests: int
    microseconds: int
    bytes: int
    bad: int            # another status than 2xx or 3xx
    broken: int         # connections
    late: int           # more than two seconds
    p50: int            # microseconds
    p99: int

    @property
    def rate(self):
        return self.requests / self.microseconds * 1e6

    @property
    def good_rate(self):
        return (self.requests - self.bad) / self.microseconds * 1e6

    @property
    def megabytes_a_second(self):
        return self.bytes / self.microseconds

    def must_be_good(self):
        assert self.requests > 0 and self.bad == 0 and self.broken == 0, self
        return self


class Wrk:
    """Asks for some seconds; `seed` moves on, so that no question of an earlier run comes again."""

    def __init__(self, url):
        self.url = url
        self.seed = int(time.time()) % 97

    def start(self, kind, *arguments, connections=64, seconds=5):
        self.seed += 1
        command = ["wrk", f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", "--latency",
                   "--timeout", "10s", "-s", HERE / "ask.lua", self.url, "--", kind,
                   str(self.seed), *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @staticmethod
    def finish(process):
        output, _ = process.communicate(timeout=600)
        lines = [line for line in output.splitlines() if line.startswith('{"requests"')]
        assert lines, output
        return Answers(**json.loads(lines[-1]))

    def ask(self, kind, *arguments, **options):
        return self.finish(self.start(kind, *arguments, **options))


# --- pgbench ------------------------------------------------------------------------------------------


def peer_script(statement, draws, values):
    """A pgbench script: a statement of the daemon with some of its parameters drawn. Whatever is not
    in `values` becomes a variable that pgbench does not know, which it sends as NULL."""
    lines = [line for line in statement.read_text(encoding="utf-8").splitlines()
             if not line.startswith("--")]
    text = re.sub(r"\$(\d+)", lambda found: values.get(int(found[1]), ":nothing"), "\n".join(lines))
    return "\n".join([*draws, text + ";", ""])


def pgbench(url, script, seconds, variables):
    """Transactions a second."""
    command = [BIN / "pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", str(THREADS),
               "-T", str(seconds), "-f", script]
    for name, value in variables.items():
        command += ["-D", f"{name}={value}"]
    done = subprocess.run([*command, url], env={**os.environ, "PGOPTIONS": SESSION}, text=True,
                          capture_output=True, timeout=600, check=False)
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and found, done.stdout + done.stderr
    return float(found[1])


# --- clocks -------------------------------------------------------------------------------------------


def cpu_seconds(pids):
    """User and system time so far of these processes, and of those of their children that ended."""
    return sum(map(processes.cpu_seconds, pids))


class Clock:
    """CPU time of the daemon and of PostgreSQL from here on."""

    def __init__(self, daemon, postgres):
        self._postmaster = int((postgres.data / "postmaster.pid").read_text().split()[0])
        self._daemon = daemon.pid
        self._began = self._read()

    def _read(self):
        return (cpu_seconds([self._daemon]),
                cpu_seconds([self._postmaster, *children_of(self._postmaster)]))

    def spent(self):
        """(of the daemon, of PostgreSQL) in seconds."""
        return tuple(now - then for now, then in zip(self._read(), self._began))


def median(values):
    return statistics.median(values)
