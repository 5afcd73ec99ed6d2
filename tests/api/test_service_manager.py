"""What a service manager like systemd is told, over a real socket (sd_notify(3))."""

import contextlib
import ctypes
import os
import signal
import socket
import time

import pytest

from harness.almanac import Almanac

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WATCHDOG_S = 4


class Manager:
    """The manager's end of the socket."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path).replace("@", "\0", 1) if str(path)[0] == "@" else str(path))
        self.told = []

    def wait_for(self, line, seconds=15.0):
        """The datagram with this line."""
        due = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(due - time.monotonic(), 0.001))
            self.told.append(self.socket.recv(65536).decode())
            if line in self.told[-1].splitlines():
                return self.told[-1]

    def listen(self, seconds):
        """All that is told within this time."""
        due, told = time.monotonic() + seconds, []
        while (left := due - time.monotonic()) > 0:
            self.socket.settimeout(left)
            with contextlib.suppress(TimeoutError):
                told.append(self.socket.recv(65536).decode())
        return told


@pytest.fixture(name="manager", params=["path", "abstract"])
def fixture_manager(request, tmp_path):
    manager = Manager(tmp_path / "notify" if request.param == "path"
                      else f"@almanac-test-{os.getpid()}")
    yield manager
    manager.socket.close()


@pytest.fixture(name="watched", scope="module")
def fixture_watched(tmp_path_factory, module_database):
    """A daemon under a watchdog, and its manager."""
    manager = Manager(tmp_path_factory.mktemp("manager") / "notify")
    with Almanac(module_database, NOTIFY_SOCKET=manager.path,
                 WATCHDOG_USEC=WATCHDOG_S * 1000000) as almanac:
        manager.wait_for("READY=1")
        yield almanac, manager
        almanac.finish()
    manager.socket.close()


@contextlib.contextmanager
def frozen(thread):
    """One thread stands still; the others go on."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if ptrace(PTRACE_SEIZE, thread, None, None) != 0:
        pytest.skip("this machine does not let us stop a thread")
    assert ptrace(PTRACE_INTERRUPT, thread, None, None) == 0
    os.waitpid(thread, 0x40000000)  # __WALL
    yield
    assert ptrace(PTRACE_DETACH, thread, None, None) == 0


def test_its_life_is_told(manager, database):
    with Almanac(database, NOTIFY_SOCKET=manager.path) as almanac:
        ready = manager.wait_for("READY=1")
        assert ready == f"READY=1\nSTATUS=serving on 127.0.0.1 port {almanac.port}"
        assert manager.told[0] == "STATUS=preparing the database"
        assert almanac.get("/livez").status_code == 200
        assert almanac.terminate() == 0
        assert "STATUS=" in manager.wait_for("STOPPING=1")
        assert not [words for words in manager.told if "WATCHDOG" in words]


def test_a_start_that_fails_is_never_ready(manager):
    almanac = Almanac("postgresql://postgres@127.0.0.1:1/nothing", NOTIFY_SOCKET=manager.path)
    assert almanac.launch().wait() == 1
    assert manager.listen(0.1) == ["STATUS=preparing the database"]
    almanac.close()


def test_a_reload_is_told(manager, database):
    with Almanac(database, NOTIFY_SOCKET=manager.path) as almanac:
        manager.wait_for("READY=1")
        began_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        os.kill(almanac.pid, signal.SIGHUP)
        name, _, stamp = manager.wait_for("RELOADING=1").splitlines()[1].partition("=")
        assert name == "MONOTONIC_USEC"
        assert began_us <= int(stamp) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        manager.wait_for("READY=1")
        almanac.finish()


def test_the_watchdog_hears_from_it_in_time(watched):
    _, manager = watched
    for _ in range(2):
        manager.wait_for("WATCHDOG=1", WATCHDOG_S)


@pytest.mark.parametrize("thread", [2, 3], ids=["a worker", "the scheduler"])
def test_the_watchdog_hears_nothing_while_one_loop_hangs(thread, watched):
    almanac, manager = watched
    threads = sorted(int(name) for name in os.listdir(f"/proc/{almanac.pid}/task"))
    loops = [one for one in threads if one != almanac.pid]
    with frozen(loops[thread - 1]):
        manager.listen(WATCHDOG_S / 2 + 0.3)
        assert not manager.listen(WATCHDOG_S / 4 + 0.5)
    manager.wait_for("WATCHDOG=1")


@pytest.mark.parametrize("wrong", [{"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": "/nowhere/x"},
                                   {"NOTIFY_SOCKET": "/" + "x" * 300, "WATCHDOG_USEC": "soon"}])
def test_what_nobody_listens_to_harms_nobody(wrong, database):
    with Almanac(database, **wrong) as almanac:
        assert almanac.get("/livez").status_code == 200
        almanac.finish()


def test_a_watchdog_that_is_meant_for_another_process_is_left_alone(manager, database):
    with Almanac(database, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC=400000,
                 WATCHDOG_PID=1) as almanac:
        manager.wait_for("READY=1")
        assert not manager.listen(0.5)
        almanac.finish()


def test_it_ends_when_the_watchdog_has_had_enough(database):
    """systemd sends SIGABRT then, and waits for the core."""
    with Almanac(database) as almanac:
        os.kill(almanac.pid, signal.SIGABRT)
        assert almanac.wait() == -signal.SIGABRT
        assert 'level=error what="aborted by another process"' in almanac.lines
