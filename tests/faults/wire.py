"""HTTP/1.1 by hand over a real socket: what no proper client would send, and what comes back."""

import contextlib
import dataclasses
import socket


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: dict   # names in lower case
    body: bytes


class Wire:
    """One connection to the daemon. Every read waits at most `timeout` seconds."""

    def __init__(self, almanac, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", almanac.port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False when the daemon has closed already."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def _receive(self):
        """False at the end of what comes."""
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError:
            more = b""
        self._bytes += more
        return bool(more)

    def _read_until(self, mark):
        while mark not in self._bytes:
            if not self._receive():
                return None
        found, _, self._bytes = self._bytes.partition(mark)
        return found

    def _read_count(self, count):
        while len(self._bytes) < count:
            if not self._receive():
                break
        found, self._bytes = self._bytes[:count], self._bytes[count:]
        return found

    def _read_chunks(self):
        body = b""
        while (size := int(self._read_until(b"\r\n").split(b";")[0], 16)) > 0:
            body += self._read_count(size)
            self._read_until(b"\r\n")
        self._read_until(b"\r\n")
        return body

    def read(self, has_body=True):
        """The next answer, or None when the connection ends without one."""
        head = self._read_until(b"\r\n\r\n")
        if head is None:
            return None
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in
                   (field.partition(":") for field in fields)}
        status = int(line.split(" ")[1])
        if not has_body or status in (204, 304) or status < 200:
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, self._read_chunks())
        return Answer(status, headers, self._read_count(int(headers["content-length"])))

    def is_ended(self):
        """Whether the daemon closes now, without another word; waits for it."""
        return not self._bytes and not self._receive()


def exchange(almanac, data):
    """The answer to these bytes on a connection of their own; None: closed without one."""
    with Wire(almanac) as wire:
        wire.send(data)
        return wire.read()


def open_wires(almanac, count):
    """So many connections at once, to be closed together."""
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(almanac)) for _ in range(count)]
        return wires, stack.pop_all()


def metric(almanac, name):
    """The value of a series without labels, or the sum over all of its labels."""
    values = [float(line.rpartition(" ")[2]) for line in almanac.get("/metrics").text.splitlines()
              if line.partition(" ")[0].partition("{")[0] == name]
    assert values, f"there is no metric {name}"
    return sum(values)
