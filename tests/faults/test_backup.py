"""Backup: a dump that is taken under load, restored into a fresh database, is one with which a daemon goes
on as if nothing had been."""

import contextlib
import subprocess

import psycopg2
import pytest

from harness.catalog import Catalog, edition_of
from harness.feeds import one_event
from harness.postgres import BIN, Postgres
from harness.processes import wait_until
from harness.schema import TABLES, count_rows
from harness.sink import Sink
from harness.tasks import Tasks, new_id
from harness.timers import Timers
from load import Load

SETTINGS = {"WEBHOOK_ALLOW": "loopback", "SOURCE_ALLOW": "loopback"}
TIMERS = 40
TASKS = 20


@pytest.fixture
def sink():
    with Sink() as receiver:
        yield receiver


@pytest.fixture
def fresh(postgres):
    """The URL of an empty database."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


def dump(url, path):
    """Dumps it; table -> how many rows the dump holds."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.set_session("REPEATABLE READ", readonly=True)
        cursor.execute("SELECT pg_export_snapshot()")
        [snapshot] = cursor.fetchone()
        done = subprocess.run([BIN / "pg_dump", "-Fc", f"--snapshot={snapshot}", "-f", path, url],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr
        cursor.execute(TABLES)
        counts = {}
        for name, in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM {name}")
            [counts[name]] = cursor.fetchone()
        return counts


def restore(path, url):
    done = subprocess.run([BIN / "pg_restore", "--exit-on-error", "--no-owner", "-d", url, path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


class Life:
    """What a daemon was told before and while the dump was taken, and what for."""

    def __init__(self, daemon, sink, world):
        self.daemon, self.timers, self.tasks = daemon, Timers(daemon), Tasks(daemon)
        world.serve("/feed", one_event("Jazz"))
        self.provider = Catalog(daemon).provide(world.url("/feed"))
        self.fired = {self.timers.create(url=sink.url("/early"), delay=0)["id"] for _ in range(TIMERS)}
        self.waiting = {self.timers.create(url=sink.url("/late"))["id"] for _ in range(TIMERS)}
        self.told = {new_id() for _ in range(TASKS)}
        for task in self.told:
            self.tasks.must("created", task)
        sink.wait_for(TIMERS)
        wait_until(lambda: self.timers.query("SELECT count(*) FROM timers_over") == [(TIMERS,)], 10,
                   "all results are written")

    def go_on(self, thread, _):
        if thread % 2:
            return self.tasks.send("created", new_id())
        return self.daemon.post("/api/v1/timers", {"url": "http://127.0.0.1:1/", "delay": 3600})

    def dump(self, path):
        """Under load; what the dump holds. The daemon is dead then, and another one comes."""
        with Load(self.go_on) as load:
            wait_until(lambda: len(load.calls) > 200, 20, "load runs")
            counts = dump(self.daemon.settings["DATABASE_URL"], path)
            before = len(load.calls)
            wait_until(lambda: len(load.calls) > before + 50, 20, "load goes on")
        assert set(load.statuses()) == {201, 202}
        self.daemon.kill()
        return counts


def test_a_dump_taken_under_load_is_gone_on_with(start_almanac, sink, world, fresh, tmp_path):
    life = Life(start_almanac(**SETTINGS), sink, world)
    counts = life.dump(tmp_path / "almanac.dump")
    restore(tmp_path / "almanac.dump", fresh)
    assert count_rows(fresh) == counts
    assert counts["timers"] > TIMERS and counts["tasks"] > TASKS

    sink.calls.clear()
    daemon = start_almanac(url=fresh, **SETTINGS)
    timers, tasks, catalog = Timers(daemon), Tasks(daemon), Catalog(daemon)
    for timer in life.waiting:
        assert timers.change(timer, delay=0).status_code == 200
    sink.wait_for(TIMERS)
    wait_until(lambda: all(timers.find(timer)["status"] == "finished" for timer in life.waiting), 10,
               "all are finished")
    assert sink.counts() == dict.fromkeys(life.waiting, 1)
    assert {timers.find(timer)["status"] for timer in life.fired} == {"finished"}

    assert {tasks.find(task)["status"] for task in life.told} == {"open"}
    newest = tasks.audit(1)[0]["id"]
    tasks.must("created", new_id())
    assert int(tasks.audit(1)[0]["id"]) > int(newest)
    catalog.settle()
    assert catalog.titles() == ["Jazz"]
    assert catalog.create(world.url("/feed")) > life.provider


def test_tags_of_a_restored_catalog_are_new(start_almanac, world, fresh, tmp_path):
    """Its editions are counted on from the dump: the same number may mean something else by now."""
    world.serve("/feed", one_event("Jazz"))
    first = start_almanac(**SETTINGS)
    Catalog(first).provide(world.url("/feed"))
    dump(first.settings["DATABASE_URL"], tmp_path / "almanac.dump")
    path = "/search?starts_at=1970-01-01&ends_at=2999-01-01"
    before = first.get(path)
    restore(tmp_path / "almanac.dump", fresh)
    second = start_almanac(url=fresh, **SETTINGS)
    Catalog(second).settle()
    after = second.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert edition_of(after) == edition_of(before) and after.status_code == 200
    assert after.json() == before.json()


