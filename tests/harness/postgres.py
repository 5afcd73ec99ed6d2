"""A throw-away PostgreSQL cluster, which can be stopped, killed and frozen.

    with Postgres() as postgres:
        url = postgres.create_database()
        postgres.query(url, "SELECT 1 + %s AS sum", 1)    -> [(2,)]

    with Postgres(standby_of=postgres) as standby:         a streaming replica of it
        standby.promote()

It listens on a unix socket and on a free port of loopback, trusts everybody, and keeps its port
over restarts. fsync is on, as tests about acknowledged data need it; fast=True turns it off.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import psycopg2

from harness.processes import children_of, free_port, is_alive, send, wait_until

BIN = pathlib.Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    def __init__(self, fast=False, standby_of=None, folder="/tmp", environment=None, **settings):
        """Makes the cluster in that folder; `settings` are those of postgresql.conf, `environment` is
        added to that of the server."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pg-", dir=folder))
        self._environment = {**os.environ, **(environment or {})}
        self.data = self.directory / "data"
        self.log_path = self.directory / "log"
        self.port = free_port()
        self._settings = {"max_connections": 200, "shared_buffers": "64MB",
                          "stats_fetch_consistency": "none", **(FAST if fast else {}), **settings}
        self._user = self._choose_user()
        self._process = None
        self._count = 0
        if standby_of:
            self._copy(standby_of)
        else:
            self._initialise()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.cleanup()

    # --- making -----------------------------------------------------------------------------------

    def _choose_user(self):
        """PostgreSQL refuses to be run by root."""
        if os.geteuid() != 0:
            return {}
        postgres = pwd.getpwnam("postgres")
        os.chown(self.directory, postgres.pw_uid, postgres.pw_gid)
        return {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}

    def _initialise(self):
        self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust",
                  "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")

    def _copy(self, primary):
        self._run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync",
                  "-d", f"host=127.0.0.1 port={primary.port} user=postgres")

    def _run(self, program, *arguments):
        done = subprocess.run([BIN / program, *arguments], cwd=self.directory, capture_output=True,
                              text=True, check=False, **self._user)
        assert done.returncode == 0, done.stderr

    # --- life -------------------------------------------------------------------------------------

    def start(self, seconds=30.0):
        """Returns when it accepts connections."""
        command = [BIN / "postgres", "-D", self.data, "-p", str(self.port), "-k", self.directory,
                   "-h", "127.0.0.1"]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log,
                                             stdin=subprocess.DEVNULL, start_new_session=True,
                                             env=self._environment, **self._user)
        wait_until(self._is_ready, seconds, "PostgreSQL accepts connections")

    def _is_ready(self):
        assert self._process.poll() is None, self.log_path.read_text()[-2000:]
        try:
            psycopg2.connect(self.url("postgres"), connect_timeout=2).close()
            return True
        except psycopg2.OperationalError:
            return False

    @property
    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def stop(self, mode="fast", seconds=30.0):
        """fast: ends sessions and shuts down; smart: waits for them; immediate: as a crash."""
        if self.is_running:
            self._process.send_signal(STOP_SIGNALS[mode])
            self._process.wait(seconds)

    def promote(self):
        """A standby becomes a primary; returns when it is one."""
        assert self.query(self.url("postgres"), "SELECT pg_promote()") == [(True,)]

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def kill(self):
        """kill -9 of the postmaster and all its children, as when the machine's power goes."""
        family = self._stop_family()
        for pid in family:
            send(pid, signal.SIGKILL)
        self._process.wait(10)
        wait_until(lambda: not any(map(is_alive, family)), what="PostgreSQL is dead")

    def pause(self):
        """Freezes all of it: connections stand, nothing answers."""
        self._stop_family()

    def resume(self):
        for pid in [*children_of(self._process.pid), self._process.pid]:
            send(pid, signal.SIGCONT)

    def _stop_family(self):
        """SIGSTOP to the postmaster first, so that no child is born unseen."""
        send(self._process.pid, signal.SIGSTOP)
        children = children_of(self._process.pid)
        for pid in children:
            send(pid, signal.SIGSTOP)
        return [self._process.pid, *children]

    def cleanup(self):
        if self.is_running:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- use --------------------------------------------------------------------------------------

    def url(self, database, by_socket=False):
        if by_socket:
            folder = str(self.directory).replace("/", "%2F")
            return f"postgresql://postgres@{folder}:{self.port}/{database}"
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, template="template1", by_socket=False):
        """The conninfo URL of a fresh database."""
        self._count += 1
        name = f"test_{self._count}"
        self.query(self.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name, by_socket)

    @staticmethod
    def url_of(servers, url, **parameters):
        """The same database on several servers: the URL names all of them."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        words = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://postgres@{hosts}/{url.rpartition('/')[2]}?{words}"

    def drop_database(self, url):
        name = url.rpartition("/")[2]
        self.query(self.url("postgres"), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @staticmethod
    def query(url, sql, *args):
        """The rows as tuples, or how many rows were touched; committed."""
        with contextlib.closing(psycopg2.connect(url, connect_timeout=10)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, args or None)
                return cursor.fetchall() if cursor.description else cursor.rowcount
