"""Told to stop, the daemon finishes what is open and ends with 0 within its deadline; killed, it
leaves nothing that the next start could not put right."""

import signal
import socket
import threading
import time

import psycopg2
import pytest

from harness.almanac import Almanac
from harness.catalog import Catalog
from harness.feeds import base, event, feed, one_event, zone
from harness.processes import send, wait_until
from wire import Wire

DEADLINE = 4     # HTTP_SHUTDOWN_SECONDS
SLACK = 3        # for a loaded machine
HOST = b"Host: localhost\r\n"
NOBODY = "http://127.0.0.1:1/"


@pytest.fixture
def daemon(database):
    with Almanac(database, HTTP_SHUTDOWN_SECONDS=str(DEADLINE), HTTP_REQUEST_TIMEOUT_SECONDS="30",
                 SOURCE_ALLOW="loopback") as almanac:
        yield almanac.wait_ready()
        almanac.assert_no_complaints()


def stop_in_background(daemon, number=signal.SIGTERM):
    """Sends the signal; a function that waits for the exit code and how long that took."""
    began = time.monotonic()
    send(daemon.pid, number)
    return lambda: (daemon.wait(DEADLINE + SLACK + 5), time.monotonic() - began)


def wait_for_refusal(daemon):
    def is_refused():
        try:
            socket.create_connection(("127.0.0.1", daemon.port), 1).close()
            return False
        except ConnectionRefusedError:
            return True
    wait_until(is_refused, 5, "new connections are refused")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_daemon_stops_at_once(daemon, number):
    with Wire(daemon) as idle:
        idle.send(b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n")
        assert idle.read().status == 200
        code, seconds = stop_in_background(daemon, number)()
        assert idle.is_ended()
    assert code == 0 and seconds < DEADLINE
    assert daemon.logged("stopping") and daemon.logged("stopped")


def test_a_request_that_is_still_arriving_is_answered(daemon):
    """It began before the signal; new ones are refused meanwhile."""
    with Wire(daemon) as slow:
        slow.send(b"POST /api/v1/providers HTTP/1.1\r\n" + HOST +
                  b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n")
        time.sleep(0.3)
        stopped = stop_in_background(daemon)
        wait_for_refusal(daemon)
        slow.send(b"{}")
        assert slow.read().status == 422
    code, seconds = stopped()
    assert code == 0 and seconds < DEADLINE


def test_a_request_that_waits_for_the_database_is_answered(daemon, database):
    with psycopg2.connect(database) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE catalog_providers IN ACCESS EXCLUSIVE MODE")
        with Wire(daemon) as asking:
            asking.send(b"GET /api/v1/providers HTTP/1.1\r\n" + HOST + b"\r\n")
            wait_until(lambda: Catalog(daemon).query(
                "SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0], 5, "it waits")
            stopped = stop_in_background(daemon)
            other.rollback()
            answer = asking.read()
            assert answer.status in (200, 503)
            assert answer.status == 200 or int(answer.headers["retry-after"]) >= 1
    assert stopped()[0] == 0


def test_a_request_that_never_ends_does_not_hold_it_up(daemon):
    with Wire(daemon) as endless:
        endless.send(b"POST /api/v1/providers HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n")
        time.sleep(0.3)
        code, seconds = stop_in_background(daemon)()
        assert code == 0 and seconds < DEADLINE + SLACK


def test_a_request_on_an_open_connection_is_told_that_it_stops(daemon):
    """One connection holds the door open, the other asks too late."""
    with Wire(daemon) as holding, Wire(daemon) as late:
        late.send(b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n")
        assert late.read().status == 200
        for wire in (holding, late):  # each of two workers may have one of them
            wire.send(b"POST /api/v1/providers HTTP/1.1\r\n" + HOST +
                      b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n")
        time.sleep(0.3)
        stopped = stop_in_background(daemon)
        wait_for_refusal(daemon)
        late.send(b"{}" + b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n")
        assert late.read().status == 422
        after = late.read()
        assert after is None or (after.status == 503 and int(after.headers["retry-after"]) >= 1)
        holding.send(b"{}")
        assert holding.read().status == 422
    assert stopped()[0] == 0


def test_a_sync_under_way_is_taken_up_by_the_next(database, world):
    """It stops in the middle of a feed that hangs; the run is queued again and nothing is held."""
    world.serve("/feed", one_event(), hang=True)
    with Almanac(database, HTTP_SHUTDOWN_SECONDS=str(DEADLINE)) as first:
        first.wait_ready()
        provider = Catalog(first).create(world.url("/feed"))
        world.wait_for(1, "/feed")
        began = time.monotonic()
        assert first.terminate() == 0
        assert time.monotonic() - began < DEADLINE + SLACK
    world.serve("/feed", one_event("Jazz"))
    with Almanac(database) as second:
        catalog = Catalog(second.wait_ready())
        assert catalog.wait_for_syncs(provider, 1)[0]["status"] == "succeeded"
        catalog.settle()
        assert catalog.titles() == ["Jazz"]


def test_a_second_signal_changes_nothing(daemon):
    with Wire(daemon) as endless:
        endless.send(b"POST /api/v1/providers HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n")
        time.sleep(0.3)
        stopped = stop_in_background(daemon)
        wait_for_refusal(daemon)
        send(daemon.pid, signal.SIGTERM)
        code, seconds = stopped()
        assert code == 0 and seconds < DEADLINE + SLACK


def test_it_stops_in_time_while_the_database_hangs(own_postgres):
    with Almanac(own_postgres.create_database(), HTTP_SHUTDOWN_SECONDS=str(DEADLINE)) as daemon:
        daemon.wait_ready()
        own_postgres.pause()
        try:
            with Wire(daemon) as asking:
                asking.send(b"GET /api/v1/providers HTTP/1.1\r\n" + HOST + b"\r\n")
                time.sleep(0.2)
                code, seconds = stop_in_background(daemon)()
                assert code == 0 and seconds < DEADLINE + SLACK
                assert asking.read().status == 503
        finally:
            own_postgres.resume()
        daemon.assert_no_complaints()


def test_it_stops_soon_while_the_database_is_away(own_postgres):
    with Almanac(own_postgres.create_database(), HTTP_SHUTDOWN_SECONDS="30") as daemon:
        daemon.wait_ready()
        own_postgres.stop()
        daemon.wait_for_log("database lost")
        code, seconds = stop_in_background(daemon)()
        assert code == 0 and seconds < 1 + SLACK
        daemon.assert_no_complaints()


# --- killed ---------------------------------------------------------------------------------------


def three_hundred(title):
    return feed(*(base(number, f"{title} {number}",
                       event(1, "2026-05-01T20:00:00", "2026-05-01T22:00:00", zone("15.00")))
                  for number in range(300)))


@pytest.mark.parametrize("stall", [0, 20000, 60000])
def test_killed_in_the_middle_of_a_sync(database, world, stall):
    """At the beginning, in the middle and towards the end of the feed: the next daemon ends it. The
    lease of the dead one is shortened, not waited for."""
    world.serve("/feed", three_hundred("Before"))
    with Almanac(database) as first:
        catalog = Catalog(first.wait_ready())
        provider = catalog.provide(world.url("/feed"))
        world.serve("/feed", three_hundred("After"), stall=stall)
        path = catalog.begin_sync(provider)
        world.wait_for(2, "/feed")
        time.sleep(0.5)
        first.kill()
    world.serve("/feed", three_hundred("After"))
    with Almanac(database) as second:
        catalog = Catalog(second.wait_ready())
        catalog.query("UPDATE catalog_providers SET lease_until = now()")
        catalog.query("UPDATE jobs SET due_at = now(), lease_until = now()")
        catalog.query("NOTIFY almanac_jobs")
        assert catalog.wait_for_end(path)["status"] == "succeeded"
        catalog.settle()
        titles = catalog.titles()
        assert len(titles) == 300
        assert all(title.startswith("After ") for title in titles)
        stored = catalog.query("SELECT count(*), count(DISTINCT base_id) FROM catalog_events")
        assert stored == [(300, 300)]
        assert second.terminate() == 0
        second.assert_no_complaints()


def test_killed_while_others_write(database):
    """Whoever was told 201 finds it with the next daemon."""
    ledger = set()
    with Almanac(database) as first:
        first.wait_ready()

        def write(writer):
            for count in range(10000):
                name = f"writer {writer} row {count}"
                try:
                    answer = first.post("/api/v1/providers", {"name": name, "url": NOBODY})
                except OSError:  # all of requests' own are such
                    return
                if answer.status_code == 201:
                    ledger.add(name)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for writer in writers:
            writer.start()
        wait_until(lambda: len(ledger) > 200, 20, "writers get on")
        first.kill()
        for writer in writers:
            writer.join(20)
    with Almanac(database) as second:
        second.wait_ready()
        stored = {row[0] for row in Catalog(second).query("SELECT name FROM catalog_providers")}
        assert ledger <= stored
        assert second.get("/api/v1/providers?limit=1000").status_code == 200
        assert second.terminate() == 0
        second.assert_no_complaints()


def test_the_port_of_a_killed_daemon_is_free_at_once(database):
    with Almanac(database) as first:
        with Wire(first.wait_ready()) as wire:
            wire.send(b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n")
            assert wire.read().status == 200
            first.kill()
        with Almanac(database, HTTP_PORT=str(first.port)) as second:
            assert second.wait_ready().get("/livez").status_code == 200
            assert second.terminate() == 0
