"""Timers survive what happens to daemons and databases: every one is called, none early, and twice
only what was under way when its daemon was killed."""

import datetime
import itertools
import random
import threading
import time

import pytest

from harness.nursery import Nursery
from harness.processes import wait_until
from harness.sink import Sink

SETTINGS = {"WEBHOOK_ALLOW": "loopback", "DAEMON_NAME": "one"}
IN_FLIGHT = 64 * 4 + 256  # what one destination's pipe and one batch of results may hold


@pytest.fixture
def sink():
    with Sink() as receiver:
        yield receiver


@pytest.fixture
def start_harmed(own_postgres):
    """start_harmed(**settings) -> a daemon on a database that may be harmed."""
    nursery = Nursery()
    url = own_postgres.create_database()
    yield lambda **settings: nursery.start(url, **{**SETTINGS, **settings})
    if not own_postgres.is_running:
        own_postgres.start()
    nursery.finish()


def due_in(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create(daemon, url, count, first=1.0, spread=1.0):
    """So many timers, due from `first` seconds on, over `spread` seconds; their ids."""
    ids = []
    for start in range(0, count, 1000):
        items = [{"url": url, "dueAt": due_in(first + spread * number / count)}
                 for number in range(start, min(start + 1000, count))]
        answer = daemon.post("/api/v1/timers/batch", json=items)
        assert answer.status_code == 200, answer.text
        ids += [item["timer"]["id"] for item in answer.json()["data"]]
    return ids


def assert_called(sink, ids, twice_at_most=0):
    counts = sink.counts()
    assert set(ids) <= set(counts)
    again = [timer for timer in ids if counts[timer] > 1]
    assert len(again) <= twice_at_most
    assert all(counts[timer] <= 2 for timer in ids)
    assert min(sink.lateness()) >= -0.002


def assert_settled(daemon, ids):
    """All of them are told as finished; the last results may still be on their way."""
    for timer in ids[:: max(1, len(ids) // 20)]:
        wait_until(lambda: daemon.get(f"/api/v1/timers/{timer}").json()["status"] == "finished",
                   10, f"{timer} is finished")


def test_a_daemon_killed_again_and_again_calls_every_timer(start_almanac, sink):
    daemon = start_almanac(**SETTINGS)
    for _ in range(20):
        sink.calls.clear()
        ids = create(daemon, sink.url(), 3000, first=0.5)
        sink.wait_for(1200)
        daemon.kill()
        daemon.lines.clear()  # of the run before
        daemon.start()
        sink.wait_for(3000, seconds=10)
        assert_called(sink, ids, twice_at_most=IN_FLIGHT)
    assert_settled(daemon, ids)


def test_the_other_daemon_takes_over_when_one_dies(start_almanac, sink):
    one = start_almanac(**SETTINGS)
    two = start_almanac(**{**SETTINGS, "DAEMON_NAME": "two"})
    wait_until(lambda: all(daemon.metric("almanac_timer_shards") == 32 for daemon in (one, two)),
               20, "the shards are shared out evenly")
    ids = create(one, sink.url(), 500, first=1) + create(two, sink.url(), 500, first=1)
    sink.wait_for(200)
    two.kill()
    sink.wait_for(1000, seconds=15)
    assert_called(sink, ids, twice_at_most=IN_FLIGHT)
    wait_until(lambda: one.metric("almanac_timer_shards") == 64, 20, "one has all the shards")
    assert one.metric("almanac_timer_leases_reclaimed_total") == 32
    assert_settled(one, ids)


def test_a_daemon_that_was_stopped_for_long_writes_and_calls_nothing_when_it_goes_on(
        start_almanac, sink):
    one = start_almanac(**SETTINGS)
    two = start_almanac(**{**SETTINGS, "DAEMON_NAME": "two"})
    wait_until(lambda: all(daemon.metric("almanac_timer_shards") == 32 for daemon in (one, two)),
               20, "the shards are shared out evenly")
    ids = create(two, sink.url("/slow/0.05"), 1000, first=2, spread=2)
    sink.wait_for(100)
    two.pause()
    try:
        sink.wait_for(1000, seconds=25)
        time.sleep(5)
        before = len(sink.calls)
    finally:
        two.resume()
    time.sleep(2)
    assert len(sink.calls) == before
    assert_called(sink, ids, twice_at_most=IN_FLIGHT)
    assert_settled(one, ids)


def test_a_restarted_database_loses_no_timer(start_harmed, own_postgres, sink):
    daemon = start_harmed()
    ids = create(daemon, sink.url(), 1000, first=1, spread=4)
    sink.wait_for(200)
    own_postgres.restart("immediate")
    sink.wait_for(1000, seconds=20)
    assert_called(sink, ids)
    assert_settled(daemon, ids)


def test_a_result_that_could_not_be_written_is_settled_later_and_not_called_again(
        start_harmed, own_postgres, sink):
    daemon = start_harmed()
    ids = create(daemon, sink.url("/slow/2"), 50, first=0.3, spread=0.1)
    sink.wait_for(50)
    own_postgres.kill()
    time.sleep(3)
    own_postgres.start()
    daemon.wait_ready()
    assert_settled(daemon, ids)
    assert_called(sink, ids)


def test_sessions_that_are_ended_every_second_lose_no_timer(start_harmed, own_postgres, sink):
    daemon = start_harmed()
    url = daemon.settings["DATABASE_URL"]
    ids = create(daemon, sink.url(), 2000, first=1, spread=8)
    for _ in range(8):
        time.sleep(1)
        own_postgres.query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                "WHERE pid <> pg_backend_pid() AND datname = current_database()")
    sink.wait_for(2000, seconds=20)
    assert_called(sink, ids)
    assert_settled(daemon, ids)


def change(daemon, timer, number, results):
    """DELETE or PATCH, in turn; the status as it came."""
    path = f"/api/v1/timers/{timer}"
    if number % 2:
        results[timer] = ("cancel", daemon.delete(path).status_code)
    else:
        results[timer] = ("move", daemon.patch(path, json={"delay": 3600}).status_code)


def test_a_change_that_was_acknowledged_is_never_followed_by_a_call(start_almanac, sink):
    one = start_almanac(**SETTINGS)
    two = start_almanac(**{**SETTINGS, "DAEMON_NAME": "two"})
    ids = create(one, sink.url(), 1000, first=1.5, spread=1.5)
    results = {}
    work = iter(list(enumerate(random.sample(ids, len(ids)))))
    lock = threading.Lock()

    def run(daemon):
        for _ in itertools.count():
            with lock:
                item = next(work, None)
            if item is None:
                return
            number, timer = item
            change(daemon, timer, number, results)

    time.sleep(1.6)  # the first are called, the last are not
    threads = [threading.Thread(target=run, args=(daemon,)) for daemon in (one, two) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(4)
    called = sink.counts()
    statuses = {status for _, status in results.values()}
    assert statuses <= {200, 204, 409}
    for timer, (_, status) in results.items():
        assert (called[timer] > 0) == (status == 409), (timer, status)
    assert {200, 204} & statuses and 409 in statuses
