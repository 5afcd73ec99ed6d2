"""Where the load scripts work: one PostgreSQL, catalogs that are filled once, daemons, and the size
of it all: FULL for figures, SMOKE to see in some seconds that everything works and is right."""

import contextlib
import dataclasses
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

import catalogs
from harness import almanac as daemons
from harness.almanac import Almanac
from harness.postgres import Postgres
from harness.processes import free_port, wait_until

Almanac.is_held = False  # nobody pays for it here
GENERATOR = pathlib.Path(__file__).resolve().parents[1] / "world" / "provider" / "gen_feed.py"


@dataclasses.dataclass(frozen=True)
class Size:
    events: int                 # of the usual catalog
    many_events: int            # of the large one
    seconds: int                # of one measurement
    rounds: int                 # medians are taken over
    feed: tuple                 # bases, events of each, zones of each
    requests: int               # while memory is watched
    connections: int            # at once
    is_judged: bool             # whether figures mean anything


FULL = Size(100_000, 1_000_000, 5, 5, (5000, 1, 200), 1_000_000, 5000, True)
SMOKE = Size(3000, 6000, 1, 1, (40, 1, 20), 20_000, 200, False)


class Daemon(Almanac):
    """Its log, a line each request, goes to a file, as in earnest, and is read when it is wanted."""

    def launch(self):
        self.port = free_port()
        self.settings["HTTP_PORT"] = str(self.port)
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen([daemons.binary()], cwd=self.directory,
                                             env=daemons.environment(self.settings),
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._reader = threading.Thread()
        return self

    def start(self, seconds=60.0):
        self.launch()
        wait_until(self._is_ready, seconds, "the daemon is ready")
        return self

    def wait(self, seconds=20.0):
        return self._process.wait(seconds)

    def _is_ready(self):
        assert self.is_running, (self.directory / "log").read_text(encoding="utf-8")[-2000:]
        with contextlib.suppress(OSError):
            return self.get("/readyz").status_code == 200
        return False

    def read_log(self, what):
        """The lines that say so, in their order."""
        with (self.directory / "log").open(encoding="utf-8", errors="replace") as log:
            lines = [line.rstrip("\n") for line in log if "what=request" not in line]
        self.lines = lines
        return self.logged(what)

    def metric(self, name):
        """Its value; None until it has come to be."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return None

    def close(self):
        code = self.terminate() if self.is_running else self.wait()
        errors = [line for line in self.read_log(None) if line.get("level") == "error"]
        super().close()
        assert code == 0 and not errors, f"the daemon ended with {code}: {errors}"


class Yard:
    def __init__(self, size):
        self.size = size
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="almanac-load-"))
        self._postgres = None
        self._catalogs = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._postgres:
            self._postgres.cleanup()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def postgres(self):
        if self._postgres is None:
            self._postgres = Postgres(shared_buffers="128MB", max_wal_size="2GB")
            self._postgres.start()
        return self._postgres

    def query(self, url, sql, *args):
        return self.postgres.query(url, sql, *args)

    def database(self):
        """A migrated, empty one."""
        return self.database_on(self.postgres)

    @staticmethod
    def database_on(postgres):
        url = postgres.create_database(by_socket=True)
        done = daemons.run("migrate", DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        return url

    def database_of_peer(self):
        """An empty one, by TCP: not every client knows the socket."""
        return self.postgres.create_database()

    def catalog(self, events):
        """The database of a catalog of that many events, the same for all scripts."""
        if events not in self._catalogs:
            print(f"      filling a catalog of {events:,} events", file=sys.stderr, flush=True)
            url = self.database()
            catalogs.fill(lambda sql, *args: self.query(url, sql, *args), events)
            self._catalogs[events] = url
        return self._catalogs[events]

    @contextlib.contextmanager
    def daemon(self, url, events=None, **settings):
        """A daemon with the settings it comes with. With `events`: it has them all in its picture."""
        daemon = Daemon(url, **settings)
        daemon.start()
        try:
            if events is not None:
                wait_until(lambda: daemon.metric("almanac_catalog_events") == events, 120,
                           "the picture is there")
            yield daemon
        finally:
            daemon.close()

    def check_windows(self, url, daemon, length):
        catalogs.check_windows(lambda sql, *args: self.query(url, sql, *args), daemon, length)

    def feed(self):
        """A file with the big feed."""
        path = self.directory / "feed.xml"
        if not path.exists():
            with path.open("wb") as out:
                subprocess.run([sys.executable, GENERATOR, *map(str, self.size.feed)], stdout=out,
                               check=True)
        return path
