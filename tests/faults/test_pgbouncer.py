"""A pooler between the daemon and its database: session pooling is all that it needs; what transaction
pooling cannot do is told at the start."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from harness.almanac import run as run_almanac
from harness.catalog import Catalog
from harness.feeds import one_event
from harness.nursery import Nursery
from harness.processes import free_port, wait_until
from harness.sink import Sink
from test_timers import create

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


class Pooler:
    def __init__(self, postgres, mode):
        self.folder = tempfile.mkdtemp(prefix="pgbouncer-")
        self.port = free_port()
        owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        path = os.path.join(self.folder, "pgbouncer.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""[databases]
* = host=127.0.0.1 port={postgres.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 40
""")
        if os.geteuid() == 0:
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        self.process = subprocess.Popen(
            [PGBOUNCER, "-q", path], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **({"user": owner.pw_uid, "group": owner.pw_gid} if os.geteuid() == 0 else {}))

    def url(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database.rpartition('/')[2]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        shutil.rmtree(self.folder)


def wait_for(pooler, database):
    wait_until(lambda: run_almanac("check", DATABASE_URL=pooler.url(database)).returncode == 0, 20,
               "the pooler serves")


def test_all_works_behind_session_pooling(postgres, database, world):
    nursery = Nursery()
    with Sink() as sink, Pooler(postgres, "session") as pooler:
        wait_for(pooler, database)
        daemon = nursery.start(pooler.url(database), WEBHOOK_ALLOW="loopback")
        world.serve("/feed", one_event("Jazz"))
        Catalog(daemon).provide(world.url("/feed"))
        assert [row["title"] for row in daemon.get("/api/v1/events?q=jazz").json()["data"]] == ["Jazz"]
        ids = create(daemon, sink.url(), 200, first=0.5, spread=0.5)
        sink.wait_for(200)
        assert sink.counts() == {timer: 1 for timer in ids}
        began = time.monotonic()
        assert daemon.post("/api/v1/timers", {"url": sink.url(), "delay": 0}).status_code == 201
        sink.wait_for(201, 5)
        assert time.monotonic() - began < 5
        nursery.finish()


def test_transaction_pooling_is_told_at_the_start(postgres, database):
    with Pooler(postgres, "transaction") as pooler:
        wait_for(pooler, database)
        refused = run_almanac(DATABASE_URL=pooler.url(database), HTTP_PORT=0)
        assert refused.returncode == 1
        assert "is this a pooler that shares sessions? It must pool by sessions" in refused.stderr
