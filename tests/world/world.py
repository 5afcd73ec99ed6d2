#!/usr/bin/env python3
"""The pretend outside: a web server that answers as badly as the test wants.

From a test:

    with World() as world:
        world.serve("/feed", b"<eventList/>", etag=True, delay=0.2)
        world.script("/feed", [{"body": good}, {"status": 503, "retry_after": 1}, {"body": newer}])
        ... let the program fetch world.url("/feed") ...
        assert world.wait_for(3, "/feed")[-1].headers["If-None-Match"]

From a shell:

    world.py PORT DIR

serves the files of DIR on loopback and prints one JSON line per request. There the trouble comes
in the query, `GET /feed.xml?status=503&delay=2`, and `GET /script/NAME` answers the lines of
DIR/script-NAME.txt in turn ("feed.xml?cut=0.5"), the last one for ever. POST, PUT, PATCH and
DELETE are answered on every path.

The kinds of trouble are the fields of `Trouble`. Standard library only.
"""

import dataclasses
import email.utils
import gzip
import hashlib
import http.server
import json
import pathlib
import socket
import struct
import sys
import threading
import time
import urllib.parse

DRIP_PAUSE_SECONDS = 0.05
ENDLESS_BLOCK = b"x" * 16384
TYPES = {".json": "application/json", ".ics": "text/calendar", ".xml": "application/xml",
         ".html": "text/html"}


@dataclasses.dataclass(frozen=True)
class Trouble:
    """How one answer is given. Without any: 200, at once, whole."""

    status: int = 200
    type: str = ""              # Content-Type; else by the file's ending, else XML
    headers: dict = dataclasses.field(default_factory=dict)  # further ones
    delay: float = 0.0          # seconds before the answer
    hang: bool = False          # read the question, never answer
    reset: bool = False         # read the question, then a TCP reset
    redirect: str = ""          # Location, with status 302 unless another 3xx is given
    retry_after: str = ""       # seconds or an HTTP date
    etag: bool = False          # a strong ETag of the body; If-None-Match gets 304
    last_modified: str = ""     # an HTTP date or seconds since 1970; If-Modified-Since gets 304
    gzip: bool = False          # compressed, whatever was asked for
    chunked: bool = False       # chunks instead of Content-Length
    big_headers: int = 0        # so many bytes of further headers, 1,000 a line
    drip: int = 0               # so many bytes of the body every 50 ms
    cut: float = -1.0           # close after this part (0 to 1) of the body
    stall: int = -1             # after so many bytes of the body nothing comes for ever
    reset_after: int = -1       # a TCP reset after so many bytes of the body
    endless: bool = False       # a body without end

    @classmethod
    def from_query(cls, query):
        """The same from "status=503&etag=1"; names that are no trouble are ignored."""
        given = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        kinds = {field.name: field.type for field in dataclasses.fields(cls)}
        readers = {int: int, float: float, str: str, bool: lambda text: text not in ("", "0")}
        return cls(**{name: readers[kinds[name]](text) for name, text in given.items()
                      if kinds.get(name) in readers})


@dataclasses.dataclass(frozen=True)
class Answer:
    body: bytes = b""
    type: str = "application/xml"
    trouble: Trouble = Trouble()


@dataclasses.dataclass(frozen=True)
class Request:
    time: float                 # seconds since 1970, when it had arrived whole
    method: str
    path: str                   # without the query
    query: str
    headers: object             # names in any case: request.headers["user-agent"]
    body: bytes
    port: int                   # the caller's, to tell connections apart

    def json(self):
        return json.loads(self.body)


class World:
    """A web server on a free port of loopback, run by threads of this process."""

    def __init__(self, directory=None, port=0, on_request=None):
        self.directory = pathlib.Path(directory).resolve() if directory else None
        self.requests = []
        self.stopping = threading.Event()
        self._on_request = on_request
        self._changed = threading.Condition()
        self._scripts = {}      # path -> answers still to give; the last one stays
        self._server = Server(("127.0.0.1", port), Handler)
        self._server.world = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends hanging answers and kept connections too. May be called twice."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.end_connections()

    @property
    def port(self):
        return self._server.server_address[1]

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def serve(self, path, body=b"", **trouble):
        """From now on `path` gives this body (bytes, text, or the path of a file)."""
        self.script(path, [{"body": body, **trouble}])

    def script(self, path, steps):
        """`path` gives these answers in turn, the last one for ever."""
        answers = [make_answer(**step) for step in steps]
        with self._changed:
            self._scripts[path] = answers

    def forget(self):
        """Forgets the requests so far; what is served stays."""
        with self._changed:
            self.requests.clear()

    def requests_to(self, path):
        with self._changed:
            return [request for request in self.requests if request.path == path]

    def wait_for(self, count, path, seconds=10.0):
        """The requests to `path`, once there are `count`; AssertionError when that takes too long."""
        due = time.monotonic() + seconds
        while len(found := self.requests_to(path)) < count:
            with self._changed:
                self._changed.wait(0.05)
            assert time.monotonic() < due, f"{len(found)} of {count} requests to {path}"
        return found

    def note(self, request):
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        if self._on_request:
            self._on_request(request)

    def answer_to(self, request):
        with self._changed:
            answers = self._scripts.get(request.path)
            if answers:
                return answers.pop(0) if len(answers) > 1 else answers[0]
        if self.directory:
            return self._answer_from_directory(request)
        return Answer(b"nothing here\n", "text/plain", Trouble(status=404))

    def _answer_from_directory(self, request):
        if request.path.startswith("/script/"):
            name = pathlib.PurePosixPath(request.path).name
            script = self.directory / f"script-{name}.txt"
            if script.is_file():
                lines = script.read_text(encoding="utf-8").split()
                self.script(request.path, [self._read_line(line) for line in lines])
                return self.answer_to(request)
        step = self._read_line(request.path + "?" + request.query)
        if request.method not in ("GET", "HEAD"):
            step.setdefault("body", b"")
        is_known = "body" in step or step["trouble"] != Trouble()
        return make_answer(**step) if is_known else make_answer(status=404)

    def _read_line(self, line):
        """One step of a script: "feed.xml?status=503"."""
        path, _, query = line.partition("?")
        step = {"trouble": Trouble.from_query(query)}
        file = (self.directory / urllib.parse.unquote(path).lstrip("/")).resolve()
        if file.is_file() and self.directory in file.parents:
            step["body"] = file
        return step


def make_answer(body=b"", trouble=None, **fields):
    trouble = trouble or Trouble(**fields)
    content_type = TYPES[".xml"]
    if isinstance(body, pathlib.PurePath):
        content_type = TYPES.get(body.suffix, content_type)
        body = pathlib.Path(body).read_bytes()
    elif isinstance(body, str):
        body = body.encode()
    return Answer(body, trouble.type or content_type, trouble)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, *arguments):
        self._connections = set()
        super().__init__(*arguments)

    def get_request(self):
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def close_request(self, request):
        self._connections.discard(request)
        super().close_request(request)

    def end_connections(self):
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shutdown_request(self, request):
        """Without the FIN that would come before a reset."""
        self.close_request(request)

    def handle_error(self, request, client_address):
        """Callers that leave are part of the play."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "world"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self):
        world = self.server.world
        request = self._read()
        world.note(request)
        answer = world.answer_to(request)
        trouble = answer.trouble
        world.stopping.wait(trouble.delay)
        if trouble.hang:
            self._stall()
        elif trouble.reset:
            self._reset()
        else:
            status, headers, body = self._compose(request, answer)
            self._send_head(status, headers)
            if self.command != "HEAD":
                self._send_body(trouble, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def _read(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urllib.parse.urlsplit(self.path)
        return Request(time.time(), self.command, parts.path, parts.query, self.headers, body,
                       self.client_address[1])

    def _compose(self, request, answer):
        """Status, headers and the bytes of the body."""
        trouble, body, status = answer.trouble, answer.body, answer.trouble.status
        headers = {"Content-Type": answer.type, **trouble.headers}
        if trouble.etag:
            headers["ETag"] = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
        if trouble.last_modified:
            headers["Last-Modified"] = http_date(trouble.last_modified)
        if trouble.retry_after != "":
            headers["Retry-After"] = str(trouble.retry_after)
        if trouble.redirect:
            headers["Location"] = trouble.redirect
            status = status if 300 <= status < 400 else 302
        for number in range(trouble.big_headers // 1000):
            headers[f"X-Filler-{number}"] = "x" * 980
        if status == 200 and is_unchanged(request.headers, headers):
            return 304, headers, b""
        if trouble.gzip:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body)
        if trouble.chunked or trouble.endless:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(len(body))
        return status, headers, body

    def _send_head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, trouble, body):
        end, ending = len(body), None
        if trouble.cut >= 0:
            end, ending = int(len(body) * trouble.cut), self._close
        if trouble.stall >= 0:
            end, ending = trouble.stall, self._stall
        if trouble.reset_after >= 0:
            end, ending = trouble.reset_after, self._reset
        is_chunked = trouble.chunked or trouble.endless
        step = trouble.drip or 65536
        for start in range(0, min(end, len(body)), step):
            self._send(body[start:min(start + step, end)], is_chunked)
            if trouble.drip:
                self.server.world.stopping.wait(DRIP_PAUSE_SECONDS)
        while trouble.endless and not self.server.world.stopping.is_set():
            self._send(ENDLESS_BLOCK, is_chunked)
        if ending:
            ending()
        elif is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _send(self, part, is_chunked):
        if is_chunked and part:
            part = b"%x\r\n%s\r\n" % (len(part), part)
        self.wfile.write(part)

    def _close(self):
        self.close_connection = True

    def _stall(self):
        self.close_connection = True
        self.server.world.stopping.wait()

    def _reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def http_date(moment):
    try:
        return email.utils.formatdate(float(moment), usegmt=True)
    except ValueError:
        return str(moment)


def is_unchanged(asked, headers):
    """RFC 9110 section 13.2.2: If-None-Match wins over If-Modified-Since."""
    if "If-None-Match" in asked:
        tags = [tag.strip() for tag in asked["If-None-Match"].split(",")]
        return headers.get("ETag") in tags
    modified = headers.get("Last-Modified")
    return modified is not None and asked.get("If-Modified-Since") == modified


def print_request(request):
    print(json.dumps({
        "time": round(request.time, 3), "method": request.method, "path": request.path,
        "query": request.query, "headers": dict(request.headers),
        "body": request.body.decode("utf-8", "replace")}), flush=True)


def main():
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        sys.exit("usage: world.py PORT DIR")
    with World(sys.argv[2], int(sys.argv[1]), print_request) as world:
        print(json.dumps({"listening": world.url()}), flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
