"""Three daemons on one database: every timer fires once, every sync and every report runs once, what one
finds the others tell within a second, and whoever is killed, its work goes on."""

import collections
import contextlib
import shutil
import tempfile
import threading
import time

import psycopg2
import pytest

from harness.calendar import Calendar, event, page
from harness.catalog import Catalog, edition_of
from harness.feeds import one_event
from harness.nursery import Nursery
from harness.postgres import Postgres
from harness.processes import wait_until
from harness.sink import Sink
from harness.tasks import Tasks
from harness.timers import moment, now
from test_tasks import joins, moment_of
from test_timers import IN_FLIGHT, create

NAMES = ("one", "two", "three")
PLAN_LOCK = "SELECT pg_advisory_lock(47015, 0)"
FOLLOWED = 1.0  # seconds within which all daemons tell of a sync
SLACK = 1.0     # for the tester's own threads on a busy machine
NOTHING = "/search?starts_at=1970-01-01&ends_at=1970-01-01"


@pytest.fixture
def sink():
    with Sink() as receiver:
        yield receiver


class Crowd:
    """Daemons by their names, on one database and with one folder of reports."""

    def __init__(self, database):
        self.database = database
        self.nursery = Nursery()
        self.reports = tempfile.mkdtemp(prefix="almanac-reports-")
        self.daemons = {}

    def start(self, *names, **settings):
        for name in names:
            self.daemons[name] = self.nursery.start(
                self.database, DAEMON_NAME=name, WEBHOOK_ALLOW="loopback", HTTP_THREADS="1",
                REPORT_INTERVAL_SECONDS=1, REPORT_DIR=self.reports, **settings)
        return self

    def kill(self, name):
        self.daemons.pop(name).kill()

    @property
    def all(self):
        return list(self.daemons.values())

    @property
    def any(self):
        return self.all[0]

    def told(self):
        """{name: what /api/v1/daemons says of it}, of those that live."""
        rows = self.any.get("/api/v1/daemons").json()["data"]
        return {row["name"]: row for row in rows if row["status"] == "alive"}

    def wait_for_shares(self):
        """Until the shards of timers are shared out evenly."""
        fewest = 64 // len(self.daemons)

        def are_shared():
            told = self.told()
            held = [told[name]["timerShards"] for name in self.daemons if name in told]
            return len(held) == len(self.daemons) and sum(held) == 64 and min(held) >= fewest - 2
        wait_until(are_shared, 20, "the shards are shared out")

    def finish(self):
        try:
            self.nursery.finish()
        finally:
            shutil.rmtree(self.reports)


@pytest.fixture
def crowd(database):
    crowd = Crowd(database)
    yield crowd
    crowd.finish()


def let_leases_end(database, name):
    """As if half a minute had passed since that daemon was heard of, and nothing else had happened."""
    instance, = Postgres.query(database, "SELECT instance FROM daemons WHERE name = %s", name)[0]
    Postgres.query(database, f"""
        UPDATE jobs SET lease_until = lease_until - interval '31 s' WHERE daemon = '{instance}';
        UPDATE catalog_providers SET lease_until = lease_until - interval '31 s';
        UPDATE timer_daemons SET lease_until = lease_until - interval '31 s' WHERE instance = '{instance}';
        UPDATE timer_shards SET lease_until = lease_until - interval '31 s' WHERE owner = '{instance}';
        UPDATE daemons SET heartbeat_at = heartbeat_at - interval '31 s' WHERE instance = '{instance}';
        SELECT pg_notify('almanac_jobs', ''), pg_notify('almanac_timers', 'lease')""")


def wait_until_told(tasks):
    asked = time.time()
    until = "SELECT extract(epoch FROM told_until)::float FROM report_state"
    wait_until(lambda: tasks.query(until)[0][0] > asked, 20, "the reports have caught up")


def complete(tasks, name, count=10):
    """Tasks completed now, of a user who always has an open one."""
    tasks.send("created", "always", moment_of(time.time() - 60), userId="u")
    names = [f"{name} {number}" for number in range(count)]
    for task in names:
        tasks.must("created", task, moment_of(time.time() - 60), userId="u")
        tasks.must("completed", task, moment_of(time.time()), userId="u")
    return names


def assert_told_once(tasks, folder, names):
    wait_until_told(tasks)
    tasks.almanac.settings["REPORT_DIR"] = folder
    files = tasks.files("u")
    told = collections.Counter(item["id"] for file in files for item in file["completedTasks"])
    assert joins(files)
    assert told == {task: 1 for task in names}


def follow(runs):
    """Each begins when the one before it is over."""
    times = sorted((run["startedAt"], run["finishedAt"]) for run in runs)
    return all(earlier[1] <= later[0] for earlier, later in zip(times, times[1:]))


# --- all is well ------------------------------------------------------------------------------------------


def test_three_daemons_do_everything_once(crowd, sink, world):
    crowd.start(*NAMES).wait_for_shares()
    world.serve("/feed", one_event())
    provider = Catalog(crowd.any).create(world.url("/feed"), intervalSeconds=1)
    ids, names = [], []
    for number, daemon in enumerate(crowd.all):
        names += complete(Tasks(daemon), f"task {number}")
        ids += create(daemon, sink.url(), 1000, first=1.5, spread=2.5)
    sink.wait_for(3000)
    assert sink.counts() == {timer: 1 for timer in ids}
    fired = [daemon.metric("almanac_timers_fired_total") for daemon in crowd.all]
    assert sum(fired) == 3000 and min(fired) > 500
    assert_told_once(Tasks(crowd.any), crowd.reports, names)
    runs = Catalog(crowd.any).wait_for_syncs(provider, 3)
    assert follow(runs)
    starts = sorted(moment(run["startedAt"]) for run in runs)
    assert all((later - earlier).total_seconds() > 0.5 for earlier, later in zip(starts, starts[1:]))


def test_every_sync_of_a_calendar_is_run_by_one_of_three(crowd, world):
    """Due every two seconds, and asked of all three in between: a source hears of each run once."""
    crowd.start(*NAMES, CALENDAR_SYNC_INTERVAL_SECONDS=2)
    calendars = [[Calendar(daemon, f"user-{number}") for daemon in crowd.all] for number in range(9)]

    def path_of(calendar):
        return f"/of/{calendar.user}"

    for one, *_ in calendars:
        world.serve(path_of(one), page([event(1), event(2)]), delay=0.05)
        one.put("json", world.url(path_of(one)))

    def finished(calendar):
        return [run for run in calendar.syncs() if run["finishedAt"]]

    asked = 0
    while any(sum(run["reason"] == "schedule" for run in finished(one)) < 2 for one, *_ in calendars):
        for calendar in calendars[asked % 9]:
            calendar.ask()
        asked += 1
        assert asked < 300
        time.sleep(0.1)
    for calendar, *_ in calendars:
        runs = finished(calendar)
        heard = [request.headers["x-request-id"] for request in world.requests_to(path_of(calendar))]
        assert {run["status"] for run in runs} == {"succeeded"} and follow(runs)
        assert len(set(heard)) == len(heard) >= len(runs)
        assert calendar.ids() == ["e00001", "e00002"]
    assert min(daemon.metric("almanac_calendar_syncs_total") for daemon in crowd.all) > 0


class Watcher(threading.Thread):
    """Asks one daemon until it tells an edition, and notes when."""

    def __init__(self, daemon, edition):
        super().__init__(daemon=True)
        self.daemon_, self.edition, self.at = daemon, edition, None

    def run(self):
        while (edition_of(self.daemon_.get(NOTHING)) or 0) < self.edition:
            time.sleep(0.005)
        self.at = now()


def test_what_one_finds_all_tell_within_a_second(crowd, world):
    crowd.start(*NAMES)
    world.serve("/feed", one_event("Uno"))
    catalog = Catalog(crowd.any)
    provider = catalog.provide(world.url("/feed"))
    for title in ("Dos", "Tres"):
        world.serve("/feed", one_event(title))
        watchers = [Watcher(daemon, catalog.edition() + 1) for daemon in crowd.all]
        for watcher in watchers:
            watcher.start()
        run = catalog.wait_for_end(catalog.begin_sync(provider))
        for watcher in watchers:
            watcher.join(10)
        late = max(watcher.at for watcher in watchers) - moment(run["finishedAt"])
        assert late.total_seconds() < FOLLOWED + SLACK
        assert [Catalog(daemon).titles() for daemon in crowd.all] == [[title]] * 3


# --- one is killed ------------------------------------------------------------------------------------------


def holder_of(crowd, job):
    """Who runs it now."""
    def find():
        return [name for name, row in crowd.told().items() if job in row["runningJobs"]]
    return wait_until(find, 20, f"somebody runs {job}")[0]


def test_whoever_is_killed_its_work_goes_on(crowd, sink, world, database):
    """At first who is about to write the reports, then the others; a fourth comes for the last one."""
    crowd.start(*NAMES).wait_for_shares()
    world.serve("/feed", one_event())
    Catalog(crowd.any).create(world.url("/feed"), intervalSeconds=1)
    names = complete(Tasks(crowd.any), "first")
    for victim in ("the holder", "another", "the last"):
        if victim == "the last":
            crowd.start("four")
        sink.calls.clear()
        ids = create(crowd.any, sink.url(), 600, first=0.5, spread=3)
        with contextlib.closing(psycopg2.connect(database)) as connection:
            connection.cursor().execute(PLAN_LOCK)  # whoever runs the job now goes on running it
            name = holder_of(crowd, "tasks-report") if victim == "the holder" else crowd.any.settings[
                "DAEMON_NAME"]
            sink.wait_for(60)
            crowd.kill(name)
        names += complete(Tasks(crowd.any), victim)
        seen = len(world.requests_to("/feed"))
        assert name in crowd.told()
        let_leases_end(database, name)
        assert name not in crowd.told()
        sink.wait_for(600)
        counts = sink.counts()
        assert set(counts) == set(ids) and max(counts.values()) <= 2
        assert sum(counts.values()) <= len(ids) + IN_FLIGHT
        assert_told_once(Tasks(crowd.any), crowd.reports, names)
        world.wait_for(seen + 2, "/feed", 10)


def test_one_that_stops_takes_nothing_of_what_is_free(crowd, database):
    """Half of the shards are for another one, who has not taken them."""
    Postgres.query(database, "INSERT INTO timer_daemons (name, instance, lease_until)"
                   " VALUES ('ghost', gen_random_uuid(), now() + interval '1 hour')")
    daemon = crowd.start("one").any
    free = "SELECT count(*) FROM timer_shards WHERE owner IS NULL"
    wait_until(lambda: Postgres.query(database, free) == [(32,)], 20, "half of them are free")
    assert daemon.terminate() == 0
    assert not daemon.logged("scheduler gave up waiting")
    assert Postgres.query(database, free) == [(64,)]
