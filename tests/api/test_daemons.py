"""Who serves a database, and what each of them holds."""

import contextlib
import datetime

import psycopg2
import pytest

from harness.almanac import run as run_almanac
from harness.postgres import Postgres
from harness.processes import wait_until
from harness.timers import moment, now

MEMBERS = ["name", "id", "status", "host", "address", "version", "startedAt", "heartbeatAt",
           "timerShards", "runningJobs", "sharesName"]
HALF_A_MINUTE, AN_HOUR = datetime.timedelta(seconds=31), datetime.timedelta(hours=1, seconds=1)
PLAN_LOCK = "SELECT pg_advisory_lock(47015, 0)"


def daemons_of(almanac):
    answer = almanac.get("/api/v1/daemons")
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    return answer.json()["data"]


def named(almanac, name):
    return [daemon for daemon in daemons_of(almanac) if daemon["name"] == name]


def let_time_pass(database, name, span):
    """As if the daemons of that name were last heard of so much earlier."""
    assert Postgres.query(database, "UPDATE daemons SET heartbeat_at = heartbeat_at - %s,"
                          " started_at = started_at - %s WHERE name = %s", span, span, name) >= 1


@pytest.fixture(name="one")
def fixture_one(start_almanac):
    almanac = start_almanac(DAEMON_NAME="one")
    wait_until(lambda: named(almanac, "one"), what="one is heard of")
    return almanac


def test_a_daemon_is_told_with_all_it_holds(one):
    wait_until(lambda: daemons_of(one)[0]["timerShards"] == 64, what="all shards are held")
    told, = daemons_of(one)
    assert list(told) == MEMBERS
    assert (told["name"], told["status"], told["sharesName"]) == ("one", "alive", False)
    assert told["address"] == f"127.0.0.1:{one.port}" and told["host"]
    assert run_almanac("--version").stdout == f"almanac {told['version']}\n"
    assert moment(told["startedAt"]) <= moment(told["heartbeatAt"]) <= now() + HALF_A_MINUTE
    assert isinstance(told["runningJobs"], list)


def test_without_a_name_it_goes_by_its_host_and_port(almanac):
    wait_until(lambda: daemons_of(almanac), what="it is heard of")
    told, = daemons_of(almanac)
    assert told["name"] == f"{told['host']}:{almanac.port}"


def test_a_job_under_way_is_told_where_it_runs(start_almanac, database):
    with contextlib.closing(psycopg2.connect(database)) as connection:
        connection.cursor().execute(PLAN_LOCK)  # no report can be planned
        almanac = start_almanac(DAEMON_NAME="one", REPORT_INTERVAL_SECONDS=1)
        wait_until(lambda: named(almanac, "one") and
                   "tasks-report" in named(almanac, "one")[0]["runningJobs"], 20, "the job is told")


def test_one_that_ends_leaves_at_once(one, start_almanac):
    two = start_almanac(DAEMON_NAME="two")
    wait_until(lambda: named(one, "two"), what="two is heard of")
    assert two.terminate() == 0
    assert [daemon["name"] for daemon in daemons_of(one)] == ["one"]


def test_one_that_dies_is_lost_and_then_forgotten(one, start_almanac, database):
    two = start_almanac(DAEMON_NAME="two")
    wait_until(lambda: named(one, "two"), what="two is heard of")
    two.kill()
    assert named(one, "two")[0]["status"] == "alive"
    let_time_pass(database, "two", HALF_A_MINUTE)
    assert named(one, "two")[0]["status"] == "lost"
    let_time_pass(database, "two", AN_HOUR)
    assert not named(one, "two")


def test_one_that_comes_back_under_its_name_takes_its_own_place(one, start_almanac):
    two = start_almanac(DAEMON_NAME="two")
    before, = wait_until(lambda: named(one, "two"), what="two is heard of")
    two.kill()
    again = start_almanac(DAEMON_NAME="two")
    wait_until(lambda: before["id"] not in [daemon["id"] for daemon in named(one, "two")],
               what="the new run is heard of")
    told, = named(one, "two")
    assert not told["sharesName"] and told["address"] == f"127.0.0.1:{again.port}"
    assert again.metric("almanac_daemon_namesakes") == 0


def test_two_of_one_name_are_told_so(one, start_almanac):
    other = start_almanac(DAEMON_NAME="one")
    for almanac in (one, other):  # at the next heartbeat of both
        almanac.wait_for_log("another daemon goes by the same name: give each a DAEMON_NAME of its own",
                             seconds=25, name="one", others=1)
        assert almanac.metric("almanac_daemon_namesakes") == 1
    assert [daemon["sharesName"] for daemon in named(one, "one")] == [True, True]
    wait_until(lambda: sorted(daemon["timerShards"] for daemon in named(one, "one")) == [32, 32],
               20, "they share the shards all the same")
