"""READ_DATABASE_URL: lists and searches come from a replica that is a moment behind, what must be current
from the primary, and everything from the primary when the replica is away or too far behind."""

import pytest

from harness.catalog import Catalog
from harness.feeds import one_event
from harness.nursery import Nursery
from harness.postgres import Postgres
from harness.processes import wait_until
from harness.tasks import Tasks
from harness.timers import URL

FALLBACKS = "almanac_replica_fallbacks_total"


@pytest.fixture(scope="module")
def primary():
    with Postgres(fast=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def standby(primary):
    with Postgres(standby_of=primary, fast=True) as cluster:
        yield cluster


class Replicated:
    """A daemon, its primary and its replica, whose time can stand still."""

    def __init__(self, daemon, standby):
        self.daemon, self.standby = daemon, standby
        self.url = daemon.settings["READ_DATABASE_URL"]

    def stand_still(self):
        """From now on the replica shows what was."""
        self.let_catch_up()
        self.standby.query(self.url, "SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.standby.query(
            self.url, "SELECT pg_get_wal_replay_pause_state()") == [("paused",)], 10, "it stands still")

    def go_on(self):
        self.standby.query(self.url, "SELECT pg_wal_replay_resume()")

    def let_catch_up(self):
        """Until it has what the primary has now."""
        (place,), = Postgres.query(self.daemon.settings["DATABASE_URL"],
                                   "SELECT pg_current_wal_insert_lsn()")
        wait_until(lambda: self.standby.query(
            self.url, "SELECT pg_last_wal_replay_lsn() >= %s", place) == [(True,)], 10, "it caught up")

    def asked(self):
        """How many questions have gone to the replica."""
        return self.daemon.metric("almanac_database_questions_total", connection="almanac-0-replica")

    def wait_until_used(self):
        def is_used():
            before = self.fallbacks()
            self.list()
            return self.fallbacks() == before
        wait_until(is_used, 20, "the replica is asked")

    def fallbacks(self, **labels):
        return self.daemon.metric(FALLBACKS, **labels)

    # --- timers ----------------------------------------------------------------------------------

    def create(self):
        answer = self.daemon.post("/api/v1/timers", {"url": URL, "delay": 3600})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def find(self, timer):
        return self.daemon.get(f"/api/v1/timers/{timer}").status_code

    def list(self):
        answer = self.daemon.get("/api/v1/timers?limit=1000")
        assert answer.status_code == 200, answer.text
        return {timer["id"] for timer in answer.json()["data"]}


@pytest.fixture
def replicated(primary, standby):
    url = primary.create_database()
    nursery = Nursery()
    daemon = nursery.start(url, HTTP_THREADS="1", EVENTS_SYNC_DELAY_SECONDS=3600,
                           READ_DATABASE_URL=standby.url(url.rpartition("/")[2]))
    both = Replicated(daemon, standby)
    both.wait_until_used()
    yield both
    if not standby.is_running:
        standby.start()
    both.go_on()
    nursery.finish()


def test_lists_come_from_the_replica_and_what_was_just_made_from_the_primary(replicated):
    replicated.stand_still()
    before = replicated.list()
    timer = replicated.create()
    assert replicated.find(timer) == 200
    assert replicated.list() == before
    replicated.go_on()
    wait_until(lambda: timer in replicated.list(), 10, "the list shows it")
    assert replicated.fallbacks(reason="failed") == 0


def test_a_search_never_tells_less_than_its_edition(replicated, world):
    """The catalog changes while the replica stands still: the primary is asked until it goes on."""
    catalog = Catalog(replicated.daemon)
    world.serve("/feed", one_event("Viejo"))
    provider = catalog.provide(world.url("/feed"))
    search = "/api/v1/events?q={}"
    replicated.let_catch_up()
    wait_until(lambda: replicated.daemon.get(search.format("Viejo")).json()["data"], 5, "it is found")
    replicated.stand_still()
    world.serve("/feed", one_event("Nuevo"))
    catalog.sync(provider)
    behind = replicated.fallbacks(reason="behind")
    found = replicated.daemon.get(search.format("Nuevo")).json()["data"]
    assert [event["title"] for event in found] == ["Nuevo"]
    assert not replicated.daemon.get(search.format("Viejo")).json()["data"]
    assert replicated.fallbacks(reason="behind") >= behind + 2
    replicated.go_on()

    def is_asked_again():
        before = replicated.asked(), replicated.fallbacks()
        assert replicated.daemon.get(search.format(f"Nuevo {before[0]:.0f}")).status_code == 200
        return replicated.fallbacks() == before[1]
    wait_until(is_asked_again, 10, "the replica is asked again")


def test_a_replica_that_dies_is_stood_in_for_and_asked_again_when_it_is_back(replicated):
    timer = replicated.create()
    replicated.standby.kill()
    wait_until(lambda: timer in replicated.list(), 5, "the primary tells")
    assert Tasks(replicated.daemon).must("created", "t").status_code == 202
    assert replicated.daemon.get("/readyz").status_code == 200
    assert replicated.fallbacks(reason="away") > 0
    assert replicated.daemon.logged("database lost", connection="almanac-0-replica")
    replicated.standby.start()
    replicated.wait_until_used()


def test_a_replica_that_hangs_costs_one_patience_and_no_answer(replicated):
    replicated.standby.pause()
    try:
        for _ in range(20):
            assert replicated.daemon.get("/api/v1/tasks").status_code == 200
        assert replicated.fallbacks(reason="failed") >= 1
        assert replicated.fallbacks(reason="away") >= 1
    finally:
        replicated.standby.resume()
    replicated.wait_until_used()


def test_a_replica_that_is_too_far_behind_is_not_asked(replicated):
    """Nobody was heard of there for half a minute."""
    Postgres.query(replicated.daemon.settings["DATABASE_URL"],
                   "UPDATE daemons SET heartbeat_at = heartbeat_at - interval '31 s'")
    replicated.stand_still()
    line = replicated.daemon.wait_for_log("the replica is too far behind: the primary is asked", seconds=5)
    assert int(line["seconds"]) >= 30
    assert replicated.create() in replicated.list()
    replicated.go_on()
    replicated.daemon.wait_for_log("the replica has caught up", seconds=20)


def test_a_daemon_starts_without_its_replica(start_almanac):
    daemon = start_almanac(wait=False, READ_DATABASE_URL="postgresql://127.0.0.1:1/nobody")
    wait_until(lambda: daemon.get("/readyz").status_code == 200, 20, "ready")
    assert daemon.get("/api/v1/timers").status_code == 200
    assert daemon.metric(FALLBACKS, reason="away") >= 1
