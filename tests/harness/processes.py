"""What both harnesses need of processes: trees, memory, free ports."""

import os
import pathlib
import socket
import time


def free_port():
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read_stat(pid):
    """(state, parent) of a process, or (None, None) when there is none."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None, None
    state, parent = text[text.rindex(")") + 2:].split()[:2]
    return state, int(parent)


def is_alive(pid):
    """A zombie is dead."""
    return read_stat(pid)[0] not in (None, "Z", "X")


def children_of(pid):
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [child for child in pids if read_stat(child)[1] == pid and is_alive(child)]


def send(pid, signal_number):
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        pass


def wait_until(is_so, seconds=10.0, what="it"):
    """Returns the first true value of `is_so()`; AssertionError when that takes too long."""
    due = time.monotonic() + seconds
    while not (value := is_so()):
        assert time.monotonic() < due, f"{what}: not within {seconds} s"
        time.sleep(0.01)
    return value


def memory_of(pid, field):
    """Bytes of a field of /proc/PID/status: VmRSS (now), VmHWM (the peak)."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} tells no {field}")


def cpu_seconds(pid):
    """User and system time of a process so far, and of its children that ended; 0 when there is none."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, text[text.rindex(")") + 2:].split()[11:15])) / os.sysconf("SC_CLK_TCK")
