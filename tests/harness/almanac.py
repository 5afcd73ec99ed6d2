"""The daemon under test: the real binary, in a folder and an environment of its own.

    with Almanac(url, LOG_LEVEL="debug") as almanac:
        almanac.get("/status").text                        -> "ok\n"
        almanac.terminate()                                -> 0

ALMANAC_BINARY names the binary; else it is build/almanac of the checkout.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import requests

from harness import contract
from harness.processes import memory_of, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULTS = {"HTTP_ADDRESS": "127.0.0.1", "HTTP_PORT": "0", "HTTP_THREADS": "2",
            "DEMO_PROVIDER": "0", "EVENTS_SYNC_DELAY_SECONDS": "3600"}
KEPT = re.compile(r"PATH|[A-Z]+SAN_(OPTIONS|SYMBOLIZER_PATH)|LLVM_PROFILE_FILE")
SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:|WARNING: ThreadSanitizer")
LOGFMT = re.compile(r'([a-zA-Z_.]+)=("(?:[^"\\]|\\.)*"|\S*)')
TIMEOUT = (2, 10)


def binary():
    return pathlib.Path(os.environ.get("ALMANAC_BINARY") or ROOT / "build" / "almanac").absolute()


def is_sanitized():
    """Sanitizers keep what is freed: what the daemon needs then says nothing."""
    return re.search(b"__[at]san_init", binary().read_bytes()) is not None


def environment(settings):
    """Nothing of the tester's own, but what the sanitizers need."""
    kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    return {**kept, **{name: str(value) for name, value in settings.items()}}


def run(*arguments, cwd=None, timeout=30, **settings):
    """The command line: a finished process with stdout and stderr as text."""
    with tempfile.TemporaryDirectory(prefix="almanac-") as directory:
        return subprocess.run([binary(), *arguments], cwd=cwd or directory, timeout=timeout,
                              env=environment(settings), capture_output=True, text=True,
                              check=False)


def parse_line(line):
    """A log line as a dict, all values text; {"raw": line} when it is none."""
    if line.startswith("{"):
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            return {"raw": line}
    if not line.startswith("time="):
        return {"raw": line}
    return {name: json.loads(value) if value.startswith('"') else value
            for name, value in LOGFMT.findall(line)}


class Almanac:
    is_held = True  # its answers, against the description
    prefix = ()     # a command that runs the binary: prlimit with its options

    def __init__(self, database_url, token=None, **settings):
        self.token = token
        self.settings = {**DEFAULTS, "DATABASE_URL": database_url, **settings}
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="almanac-"))
        self.settings.setdefault("SPOOL_DIR", str(self.directory))
        self.lines = []
        self.port = None
        self.expected_errors = []
        self._process = None
        self._reader = None
        self._local = threading.local()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # --- life -------------------------------------------------------------------------------------

    def launch(self):
        """Starts the process and waits for nothing."""
        self._process = subprocess.Popen([*self.prefix, binary()], cwd=self.directory,
                                         env=environment(self.settings), text=True,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, errors="replace")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def start(self, seconds=20.0):
        """Returns when it serves; the port is then known."""
        self.launch()
        serving = self.wait_for_log("serving", seconds=seconds)
        self.port = int(serving["port"])
        return self

    def _read(self):
        with self._process.stderr as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    def wait_ready(self, seconds=20.0):
        """Until /readyz says so, and every worker has its connections."""
        wait_until(lambda: self.get("/readyz").status_code == 200, seconds, "/readyz is 200")
        wait_until(lambda: all(self.metric_values("almanac_database_connected")), seconds,
                   "all connections stand")
        return self

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def terminate(self, seconds=20.0):
        """SIGTERM; the exit code."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=20.0):
        code = self._process.wait(seconds)
        self._reader.join(seconds)
        return code

    def kill(self):
        """kill -9."""
        if self.is_running:
            self._process.kill()
        self.wait()

    def pause(self):
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def close(self):
        """Ends it whatever state it is in and removes its folder; judges nothing."""
        if self.is_running:
            self.resume()
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def finish(self):
        """As `close`, and AssertionError when it did not end well or complained."""
        was_running = self.is_running
        try:
            code = self.terminate() if was_running else 0
        finally:
            self.close()
        assert code == 0, f"the daemon ended with {code}"
        self.assert_no_complaints()

    def reload(self):
        """SIGHUP, until the settings are taken or refused; the line that says so."""
        def lines():
            return self.logged("settings reloaded") + self.logged("settings not reloaded")

        before = len(lines())
        self._process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(lines()) > before, 10, "the settings are read again")
        return max(lines(), key=lambda line: line["time"])

    # --- the log ----------------------------------------------------------------------------------

    @property
    def log(self):
        return [parse_line(line) for line in list(self.lines)]

    def logged(self, what=None, **fields):
        """The lines that say all of this."""
        wanted = {**({"what": what} if what else {}), **fields}
        return [line for line in self.log
                if all(line.get(name) == str(value) for name, value in wanted.items())]

    def wait_for_log(self, what=None, seconds=10.0, **fields):
        """The first line that says all of this."""
        due = time.monotonic() + seconds
        while not (found := self.logged(what, **fields)):
            is_over = not self._reader.is_alive()
            assert not is_over, f"the daemon ended with {self.wait()}:\n{self.tail()}"
            assert time.monotonic() < due, f"no {what} {fields} in the log:\n{self.tail()}"
            time.sleep(0.01)
        return found[0]

    def tail(self, count=50):
        return "\n".join(self.lines[-count:])

    def expect_errors(self, *whats):
        """These lines may stand in the log with level=error; `None`: any."""
        self.expected_errors += whats

    def assert_no_complaints(self):
        sanitizer = [line for line in self.lines if SANITIZER.search(line)]
        assert not sanitizer, self.tail(200)
        if None not in self.expected_errors:
            errors = [line for line in self.log if line.get("level") == "error"
                      and line.get("what") not in self.expected_errors]
            assert not errors, errors

    # --- metrics ----------------------------------------------------------------------------------

    def metric_values(self, name, **labels):
        """The values of the series of this name that have all these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in self.get("/metrics").text.splitlines()
                 if re.match(rf"{name}[ {{]", line) and all(text in line for text in wanted)]
        return [float(line.rpartition(" ")[2]) for line in lines]

    def metric(self, name, **labels):
        """Their sum."""
        return sum(self.metric_values(name, **labels))

    # --- memory -----------------------------------------------------------------------------------

    def rss(self):
        """Bytes of memory it has now."""
        return memory_of(self.pid, "VmRSS")

    def peak_rss(self):
        return memory_of(self.pid, "VmHWM")

    # --- questions --------------------------------------------------------------------------------

    def url(self, path="/"):
        scheme = "https" if self.settings.get("TLS_CERT_FILE") else "http"
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    @property
    def _session(self):
        """One a thread; without headers of its own, proxies and the like."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
            self._local.session.headers.clear()
            self._local.session.verify = str(self.settings.get("TLS_CERT_FILE") or True)
            if self.token:
                self._local.session.headers["Authorization"] = f"Bearer {self.token}"
        return self._local.session

    def hang_up(self):
        """Ends this thread's kept connection: the daemon may be about to do so by itself."""
        self._session.close()

    def request(self, method, path, timeout=TIMEOUT, **options):
        """The answer, which is as the binary describes it."""
        options.setdefault("allow_redirects", False)
        try:
            answer = self._session.request(method, self.url(path), timeout=timeout, **options)
            if self.is_held and not options.get("stream"):
                contract.hold(binary(), answer)
            return answer
        except requests.ConnectionError as complaint:
            if self.is_running:
                raise
            raise requests.ConnectionError(
                f"the daemon ended with {self.wait()}: {complaint}") from None

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def head(self, path, **options):
        return self.request("HEAD", path, **options)

    def options(self, path, **options):
        return self.request("OPTIONS", path, **options)

    def post(self, path, json=None, **options):  # pylint: disable=redefined-outer-name
        return self.request("POST", path, json=json, **options)

    def put(self, path, json=None, **options):  # pylint: disable=redefined-outer-name
        return self.request("PUT", path, json=json, **options)

    def patch(self, path, json=None, **options):  # pylint: disable=redefined-outer-name
        return self.request("PATCH", path, json=json, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)
