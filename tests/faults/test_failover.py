"""Several servers in DATABASE_URL: a primary that dies or hangs is followed by its promoted standby, all
by itself and without anything acknowledged lost; a server that hangs does not hold up the others."""

import contextlib
import itertools
import socket
import threading
import time

import pytest
import requests

from harness.nursery import Nursery
from harness.postgres import Postgres
from harness.processes import wait_until
from harness.sink import Sink
from harness.tasks import body_of

SETTINGS = {"WEBHOOK_ALLOW": "loopback", "TIMER_RETRY_SECONDS": "1", "HTTP_THREADS": "2"}
NOTICED = 2.0   # seconds within which a hanging database is answered 503
CONNECT = 2.0   # seconds that a server gets to answer a connection attempt
SLACK = 2.0     # for the tester's own threads on a busy machine


@pytest.fixture
def sink():
    with Sink() as receiver:
        yield receiver


@pytest.fixture
def nursery(sink):  # pylint: disable=unused-argument
    """Its daemons end before the sink, which they may call to the last."""
    daemons = Nursery()
    yield daemons
    daemons.finish()


class Pair:
    """A primary and its standby, which has whatever is acknowledged."""

    def __init__(self):
        self.primary = Postgres()
        self.primary.start()
        self.url = self.primary.create_database()
        self.standby = self.gone = None
        self.add_standby()

    def add_standby(self):
        self.standby = Postgres(standby_of=self.primary)
        self.standby.start()
        self._alter("*")
        in_step = "SELECT sync_state FROM pg_stat_replication"
        wait_until(lambda: self.primary.query(self.url, in_step) == [("sync",)], 20, "in step")

    def _alter(self, names):
        self.primary.query(self.url, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.primary.query(self.url, "SELECT pg_reload_conf()")

    def urls(self, *servers):
        return Postgres.url_of(servers or (self.primary, self.standby), self.url)

    def fail_over(self):
        """The standby takes over, and whoever asks gets answers without another one."""
        self.standby.promote()
        self.gone, self.primary, self.standby = self.primary, self.standby, None
        self.url = self.primary.url(self.url.rpartition("/")[2])
        self._alter("")

    def heal(self):
        """The old primary is gone for good, a new standby is there."""
        if self.standby is None:
            self.gone.cleanup()
            self.add_standby()

    def cleanup(self):
        for server in filter(None, (self.primary, self.standby, self.gone)):
            server.cleanup()


@pytest.fixture(scope="module")
def module_pair():
    pair = Pair()
    yield pair
    pair.cleanup()


@pytest.fixture
def pair(module_pair):
    module_pair.heal()
    yield module_pair


# --- load that keeps a ledger ----------------------------------------------------------------------------


class Client(threading.Thread):
    """Creates timers and tasks in turn until it is told to stop, and keeps what was acknowledged."""

    def __init__(self, daemon, sink, number):
        super().__init__(daemon=True)
        self.daemon_, self.sink, self.number = daemon, sink, number
        self.timers, self.tasks, self.last_good = [], [], 0.0
        self.slowest = 0.0
        self.is_over = threading.Event()

    def run(self):
        session = requests.Session()
        session.trust_env = False
        for count in itertools.count():
            if self.is_over.is_set():
                return
            began = time.monotonic()
            with contextlib.suppress(requests.RequestException):
                is_good = self.ask(session, count)
                self.slowest = max(self.slowest, time.monotonic() - began)
                if is_good:
                    self.last_good = time.monotonic()
                    continue
            time.sleep(0.02)

    def ask(self, session, count):
        if count % 2:
            task = f"{self.number}-{count}"
            answer = session.post(self.daemon_.url("/webhook"), json=body_of("created", task),
                                  timeout=(1, 10))
            if answer.status_code == 202:
                self.tasks.append(task)
        else:
            answer = session.post(self.daemon_.url("/api/v1/timers"), timeout=(1, 10),
                                  json={"url": self.sink.url(), "delay": 1 + count % 3})
            if answer.status_code == 201:
                self.timers.append(answer.json()["id"])
        assert answer.status_code in (201, 202, 503, 409), answer.text
        return answer.status_code in (201, 202)


@contextlib.contextmanager
def clients(daemon, sink, count=4):
    crowd = [Client(daemon, sink, number) for number in range(count)]
    for client in crowd:
        client.start()
    yield crowd
    for client in crowd:
        client.is_over.set()
    for client in crowd:
        client.join(15)
        assert not client.is_alive()


def acknowledged(crowd, what):
    return sum(len(getattr(client, what)) for client in crowd)


def wait_for_more(crowd, seconds=15.0):
    """Until every client is served again."""
    now = time.monotonic()
    wait_until(lambda: all(client.last_good > now for client in crowd), seconds, "all are served")


def assert_kept(url, crowd):
    timers = {timer for client in crowd for timer in client.timers}
    tasks = {task for client in crowd for task in client.tasks}
    stored = {timer for timer, in Postgres.query(
        url, "SELECT id::text FROM timers UNION ALL SELECT id::text FROM timers_over")}
    assert len(timers) > 50 and len(tasks) > 50
    assert timers <= stored, "an acknowledged timer is gone"
    assert tasks <= {task for task, in Postgres.query(url, "SELECT id FROM tasks")}


# --- the primary goes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [Postgres.kill, Postgres.pause])
def test_a_promoted_standby_goes_on_with_all_that_was_acknowledged(pair, nursery, sink, end):
    """Killed, or hanging. The order in the URL does not matter: a standby is not written to."""
    primary, standby = pair.primary, pair.standby
    daemon = nursery.start(pair.urls(standby, primary), **SETTINGS)
    assert {line["port"] for line in daemon.logged("database connected")} == {str(primary.port)}
    with clients(daemon, sink) as crowd:
        wait_until(lambda: acknowledged(crowd, "timers") > 100, 20, "timers are created")
        end(primary)
        pair.fail_over()
        promoted = time.monotonic()
        wait_for_more(crowd)
        assert time.monotonic() - promoted < NOTICED + CONNECT + SLACK
        before = acknowledged(crowd, "timers")
        wait_until(lambda: acknowledged(crowd, "timers") > before + 50, 20, "timers are created")
    assert max(client.slowest for client in crowd) < NOTICED + SLACK
    assert_kept(pair.url, crowd)
    wanted = {timer for client in crowd for timer in client.timers}
    wait_until(lambda: wanted <= set(sink.counts()), 15, "every acknowledged timer is called")
    daemon.wait_ready()


# --- one that hangs ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def black_hole():
    """A port that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        yield listener


class Server:
    """As far as an URL needs one."""

    def __init__(self, port):
        self.port = port


def test_a_server_that_hangs_does_not_hold_up_the_others(start_almanac, postgres, database):
    with black_hole() as listener:
        hole = Server(listener.getsockname()[1])
        daemon = start_almanac(Postgres.url_of([hole, postgres], database))
        assert daemon.get("/readyz").status_code == 200
        before = daemon.metric("almanac_database_connects_total")
        ended = Postgres.query(database, """SELECT count(pg_terminate_backend(pid))
            FROM pg_stat_activity WHERE application_name LIKE 'almanac-%'
            AND datname = current_database()""")[0][0]
        began = time.monotonic()
        wait_until(lambda: daemon.metric("almanac_database_connects_total") == before + ended, 10,
                   "all connections stand again")
        # The server that was good last is asked first.
        assert time.monotonic() - began < CONNECT
