"""Calendars while daemons die, stop, and share one database."""

import concurrent.futures
import threading
import time

import pytest

from harness.almanac import Almanac
from harness.calendar import Calendar, counted, event, page
from harness.postgres import Postgres
from harness.processes import wait_until

USER = "ada"


def serve(world, path, *events, **trouble):
    world.serve(path, page(events), type="application/json", **trouble)


@pytest.fixture(name="two")
def fixture_two(start_almanac, database):
    """Two daemons on one database."""
    return start_almanac(database), start_almanac(database)


def test_fifty_who_ask_two_daemons_at_once_get_one_run(two, world):
    serve(world, "/list", event(1), delay=1)
    calendars = [Calendar(daemon, USER) for daemon in two]
    calendars[0].put("json", world.url("/list"))
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        runs = set(pool.map(lambda number: calendars[number % 2].ask(), range(50)))
    assert len(runs) == 1
    assert counted(calendars[1].wait_for(runs.pop())) == {"created": 1}
    assert len(world.requests_to("/list")) == 1


class Watcher(threading.Thread):
    """Looks at a calendar again and again: the different lists it has seen."""

    def __init__(self, calendar):
        super().__init__(daemon=True)
        self.calendar = calendar
        self.seen = set()
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.wait(0.01):
            answer = self.calendar.list("?limit=1000")
            self.seen.add((answer["total"], tuple(item["id"] for item in answer["data"])))


def test_a_run_whose_daemon_is_killed_is_taken_up_and_never_half_seen(database, world):
    old = [event(number) for number in range(100)]
    new = [event(number) for number in range(50, 150)]
    first = Almanac(database)
    try:
        first.start().wait_ready()
        calendar = Calendar(first, USER)
        serve(world, "/list", *old)
        calendar.put("json", world.url("/list"))
        calendar.sync()
        world.forget()
        serve(world, "/list", *new, delay=1)
        run = calendar.ask()
        world.wait_for(1, "/list")
        first.kill()
    finally:
        first.close()
    with Almanac(database) as second:
        calendar = Calendar(second.wait_ready(), USER)
        watcher = Watcher(calendar)
        watcher.start()
        assert calendar.run(run)["status"] == "running"
        done = calendar.wait_for(run, 25)
        watcher.is_over.set()
        watcher.join(5)
        assert counted(done) == {"created": 50, "deleted": 50, "unchanged": 50}
        assert len(world.requests_to("/list")) == 2
        assert {ids for _, ids in watcher.seen} <= {ordered(old), ordered(new)}
        assert second.terminate() == 0


def ordered(events):
    return tuple(item["id"] for item in sorted(events, key=lambda item: (item["startsAt"], item["id"])))


def test_a_run_whose_daemon_stops_is_given_to_another(two, world):
    """At once, not when the lease is over."""
    serve(world, "/list", event(1), delay=1.5)
    calendars = [Calendar(daemon, USER) for daemon in two]
    calendars[0].put("json", world.url("/list"))
    run = calendars[0].ask()
    world.wait_for(1, "/list")
    holder = next(daemon for daemon in two if "1" in metric(daemon))
    other = calendars[1] if holder is two[0] else calendars[0]
    began = time.monotonic()
    assert holder.terminate() == 0
    assert counted(other.wait_for(run)) == {"created": 1}
    assert time.monotonic() - began < 9


def metric(daemon):
    """How many runs are under way in that daemon, as text."""
    return [str(int(value)) for value in daemon.metric_values("almanac_calendar_syncs_running")]


def test_due_times_survive_a_kill(database):
    def due():
        return Postgres.query(database, "SELECT user_id, due_at FROM calendars ORDER BY user_id")

    first = Almanac(database)
    try:
        first.start().wait_ready()
        wait_until(lambda: len(due()) == 5, 10, "five users")
        before = due()
        first.kill()
    finally:
        first.close()
    with Almanac(database) as second:
        second.wait_ready()
        time.sleep(0.5)
        assert due() == before
        assert second.terminate() == 0


def test_a_request_that_waits_for_a_source_is_answered_when_the_daemon_stops(start_almanac, world):
    almanac = start_almanac(HTTP_SHUTDOWN_SECONDS=2)
    calendar = Calendar(almanac, USER)
    world.serve("/list", hang=True)
    calendar.put("json", world.url("/list"))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(almanac.get, f"/api/v1/users/{USER}/events")
        world.wait_for(1, "/list")
        assert almanac.terminate() == 0
        assert waiting.result().status_code == 503


def test_a_database_that_restarts_in_the_middle_of_a_run(own_postgres, world):
    database = own_postgres.create_database()
    with Almanac(database) as almanac:
        calendar = Calendar(almanac.wait_ready(), USER)
        serve(world, "/list", *map(event, range(20)), delay=1)
        calendar.put("json", world.url("/list"))
        run = calendar.ask()
        world.wait_for(1, "/list")
        own_postgres.restart()
        wait_until(lambda: almanac.get("/readyz").status_code == 200, 20, "ready again")
        assert calendar.wait_for(run, 30)["created"] == 20
        assert almanac.terminate() == 0
