"""When providers are synced: by themselves, once among several daemons, and after accidents."""

import concurrent.futures
import contextlib
import datetime
import time

import psycopg2
import pytest

from harness.catalog import Catalog
from harness.feeds import base, event, feed, one_event, sample, zone
from harness.postgres import Postgres
from harness.processes import wait_until


@pytest.fixture
def catalog(almanac):
    return Catalog(almanac)


def seconds_until(text):
    moment = datetime.datetime.fromisoformat(text)
    return (moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def let_time_pass(catalog, seconds):
    """As if all that is stored had happened earlier; the daemons are woken to see it."""
    span = datetime.timedelta(seconds=seconds)
    catalog.query("""UPDATE catalog_providers SET next_sync_at = next_sync_at - %s,
                                                  lease_until = lease_until - %s""", span, span)
    catalog.query("UPDATE jobs SET due_at = now(), lease_until = lease_until - %s", span)
    catalog.query("SELECT pg_notify('almanac_jobs', 'catalog-sync')")


# --- intervals ------------------------------------------------------------------------------------


def test_a_provider_is_synced_by_itself(catalog, world):
    world.script("/feed", [{"body": one_event("Uno")}, {"body": one_event("Dos")},
                           {"body": one_event("Tres")}])
    provider = catalog.create(world.url("/feed"), intervalSeconds=1)
    requests = world.wait_for(4, "/feed", 15)
    pauses = [later.time - earlier.time for earlier, later in zip(requests, requests[1:])]
    assert min(pauses) > 0.5
    wait_until(lambda: catalog.titles() == ["Tres"])
    assert {run["reason"] for run in catalog.syncs(provider)} == {"schedule"}


def test_a_failing_provider_is_tried_at_its_times_too(start_almanac, world):
    catalog = Catalog(start_almanac(EVENTS_SYNC_ATTEMPTS=1))
    world.serve("/feed", status=500)
    provider = catalog.create(world.url("/feed"), intervalSeconds=1)
    world.wait_for(3, "/feed", 10)
    wait_until(lambda: catalog.provider(provider)["failures"] >= 3)


def test_the_interval_of_the_settings(start_almanac, world):
    catalog = Catalog(start_almanac(EVENTS_SYNC_DELAY_SECONDS=1))
    world.serve("/feed", one_event())
    provider = catalog.create(world.url("/feed"))
    assert catalog.provider(provider)["intervalSeconds"] == 1
    world.wait_for(3, "/feed", 10)


def test_the_next_sync_is_planned(catalog, world):
    world.serve("/feed", one_event())
    provider = catalog.provide(world.url("/feed"), intervalSeconds=600)
    assert 590 < seconds_until(catalog.provider(provider)["nextSyncAt"]) <= 600
    assert -10 < seconds_until(catalog.provider(provider)["lastSyncedAt"]) <= 0
    catalog.almanac.patch(f"/api/v1/providers/{provider}", {"intervalSeconds": 1200})
    catalog.wait_for_syncs(provider, 2)
    assert 1190 < seconds_until(catalog.provider(provider)["nextSyncAt"]) <= 1200


def test_so_many_at_the_same_time(start_almanac, world):
    catalog = Catalog(start_almanac(EVENTS_SYNC_CONCURRENCY=2))
    paths = [f"/{number}" for number in range(6)]
    for path in paths:
        world.serve(path, one_event(), delay=0.4)
    providers = [catalog.create(world.url(path)) for path in paths]
    for provider in providers:
        assert catalog.wait_for_syncs(provider, 1)[0]["status"] == "succeeded"
    begun = sorted(world.requests_to(path)[0].time for path in paths)
    assert all(later - earlier >= 0.35 for earlier, later in zip(begun, begun[2:]))


def test_a_slow_provider_holds_nobody_up(catalog, world):
    world.serve("/slow", hang=True)
    world.serve("/quick", one_event("Rápido"))
    catalog.create(world.url("/slow"))
    world.wait_for(1, "/slow")
    began = time.monotonic()
    quick = catalog.provide(world.url("/quick"))
    assert catalog.sync(quick)["status"] == "succeeded"
    assert time.monotonic() - began < 5
    assert catalog.titles() == ["Rápido"]


# --- restarts -------------------------------------------------------------------------------------


def test_due_times_survive_a_restart(start_almanac, world):
    world.serve("/feed", one_event())
    first = start_almanac()
    provider = Catalog(first).provide(world.url("/feed"))
    due = Catalog(first).provider(provider)["nextSyncAt"]
    assert first.terminate() == 0
    catalog = Catalog(start_almanac())
    catalog.settle()
    time.sleep(1.5)
    assert len(world.requests_to("/feed")) == 1
    assert catalog.provider(provider)["nextSyncAt"] == due


def test_what_became_due_meanwhile_is_synced_at_the_start(start_almanac, world):
    world.serve("/feed", one_event("Antes"))
    first = start_almanac()
    provider = Catalog(first).provide(world.url("/feed"))
    assert first.terminate() == 0
    let_time_pass(Catalog(first), 7200)
    world.serve("/feed", one_event("Después"))
    catalog = Catalog(start_almanac())
    assert catalog.wait_for_syncs(provider, 2)[0]["updated"] == 1
    assert len(world.requests_to("/feed")) == 2
    assert 3500 < seconds_until(catalog.provider(provider)["nextSyncAt"]) <= 3600


def test_a_run_asked_for_while_no_daemon_could_take_it_is_not_lost(start_almanac, world):
    world.serve("/slow", one_event(), hang=True)
    first = start_almanac(EVENTS_SYNC_CONCURRENCY=1)
    catalog = Catalog(first)
    catalog.create(world.url("/slow"))
    world.wait_for(1, "/slow")
    world.serve("/feed", one_event())
    waiting = catalog.create(world.url("/feed"))
    path = catalog.begin_sync(waiting)
    assert first.get(path).json()["status"] == "queued"
    assert first.terminate() == 0
    second = Catalog(start_almanac())
    run = second.wait_for_end(path)
    assert (run["status"], run["reason"], run["created"]) == ("succeeded", "request", 1)


def test_a_daemon_that_stops_gives_its_run_back(start_almanac, world):
    world.script("/feed", [{"hang": True}, {"body": sample("01")}])
    first = start_almanac()
    provider = Catalog(first).create(world.url("/feed"))
    world.wait_for(1, "/feed")
    run = Catalog(first).syncs(provider)[0]
    assert run["status"] == "running"
    assert first.terminate() == 0
    catalog = Catalog(start_almanac())
    over = catalog.wait_for_syncs(provider, 1)[0]
    assert (over["syncId"], over["status"], over["created"]) == (run["syncId"], "succeeded", 3)
    assert len(catalog.syncs(provider)) == 1


@pytest.mark.parametrize("moment", ["fetching", "storing"])
def test_a_killed_daemons_run_is_taken_up_when_its_lease_ends(moment, start_almanac, world):
    bases = [base(number, f"Evento {number}",
                  event(1, "2026-05-01T20:00:00", None, zone("5"), zone("6")))
             for number in range(6000)]
    text = feed(*bases)
    first = start_almanac()
    catalog = Catalog(first)
    if moment == "fetching":
        world.script("/feed", [{"body": text, "stall": 100_000}, {"body": text}])
    else:
        world.serve("/feed", text)
    provider = catalog.create(world.url("/feed"))
    world.wait_for(1, "/feed")
    if moment == "storing":
        wait_until(lambda: catalog.query("SELECT count(*) > 0 FROM catalog_events") == [(True,)])
    run = catalog.syncs(provider)[0]
    first.kill()
    second = Catalog(start_almanac())
    assert second.syncs(provider)[0]["status"] in ("running", "succeeded")
    let_time_pass(second, 31)
    over = second.wait_for_syncs(provider, 1)[0]
    assert over["syncId"] == run["syncId"]
    assert over["status"] == "succeeded"
    assert len(second.rows()) == 6000
    second.settle()
    assert len(second.almanac.get("/search/").json()["data"]) == 6000


def test_a_lease_that_stands_is_respected(start_almanac, world):
    world.serve("/feed", hang=True)
    first = start_almanac()
    provider = Catalog(first).create(world.url("/feed"), intervalSeconds=1)
    world.wait_for(1, "/feed")
    first.kill()
    second = Catalog(start_almanac())
    let_time_pass(second, 5)
    time.sleep(1.5)
    assert len(world.requests_to("/feed")) == 1
    assert second.syncs(provider)[0]["status"] == "running"


def test_a_daemon_that_lost_its_lease_writes_nothing(start_almanac, world):
    world.script("/feed", [{"body": one_event("Viejo"), "delay": 1.5},
                           {"body": one_event("Nuevo")}])
    one = start_almanac()
    provider = Catalog(one).create(world.url("/feed"))
    world.wait_for(1, "/feed")
    two = start_almanac()
    let_time_pass(Catalog(two), 3700)
    over = Catalog(two).wait_for_syncs(provider, 1)[0]
    assert over["created"] == 1
    one.wait_for_log("sync", status="stale")
    Catalog(two).settle()
    assert Catalog(two).titles() == ["Nuevo"]
    assert len(Catalog(two).syncs(provider)) == 1


def test_another_url_while_a_sync_runs(catalog, world):
    world.serve("/old", one_event("Viejo"), delay=1)
    world.serve("/new", one_event("Nuevo"))
    provider = catalog.create(world.url("/old"))
    world.wait_for(1, "/old")
    catalog.almanac.patch(f"/api/v1/providers/{provider}", {"url": world.url("/new")})
    catalog.wait_for_syncs(provider, 1)
    catalog.almanac.wait_for_log("sync", status="stale")
    catalog.settle()
    assert catalog.titles() == ["Nuevo"]


# --- several daemons ------------------------------------------------------------------------------


def test_two_daemons_sync_each_provider_once(start_almanac, world):
    one, two = start_almanac(), start_almanac()
    paths = [f"/{number}" for number in range(8)]
    for path in paths:
        world.serve(path, one_event(path), delay=0.1)
    providers = [Catalog(almanac).create(world.url(path))
                 for path, almanac in zip(paths, [one, two] * 4)]
    for provider in providers:
        Catalog(one).wait_for_syncs(provider, 1)
    time.sleep(1)
    assert [len(world.requests_to(path)) for path in paths] == [1] * len(paths)


def test_two_daemons_keep_the_intervals(start_almanac, world):
    one, two = start_almanac(), start_almanac()
    world.serve("/feed", one_event())
    provider = Catalog(one).create(world.url("/feed"), intervalSeconds=1)
    requests = world.wait_for(5, "/feed", 15)
    pauses = [later.time - earlier.time for earlier, later in zip(requests, requests[1:])]
    assert min(pauses) > 0.5
    runs = Catalog(two).wait_for_syncs(provider, 4)
    times = sorted((run["startedAt"], run["finishedAt"]) for run in runs)
    assert all(earlier[1] <= later[0] for earlier, later in zip(times, times[1:]))


def test_the_other_daemon_takes_over(start_almanac, world):
    one, two = start_almanac(), start_almanac()
    world.serve("/feed", one_event())
    Catalog(one).create(world.url("/feed"), intervalSeconds=1)
    world.wait_for(2, "/feed")
    one.kill()
    let_time_pass(Catalog(two), 31)
    seen = len(world.requests_to("/feed"))
    world.wait_for(seen + 2, "/feed", 10)


def test_a_wake_that_waited_for_a_claim_counts_as_later(start_almanac, database):
    """Else the job's run, which did not see the new provider, would plan over it."""
    almanac = start_almanac(DATABASE_STATEMENT_TIMEOUT_MS=9000, DATABASE_ANSWER_TIMEOUT_MS=9500)
    with contextlib.closing(psycopg2.connect(database)) as claim:
        cursor = claim.cursor()
        cursor.execute("SELECT FROM jobs WHERE name = 'catalog-sync' FOR UPDATE")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            body = {"name": "new", "url": "http://127.0.0.1:9/"}
            created = pool.submit(almanac.post, "/api/v1/providers", body)
            waiting = """SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                         AND datname = current_database()
                         AND query LIKE '%INSERT INTO catalog_providers%'"""
            wait_until(lambda: Postgres.query(database, waiting) == [(1,)])
            cursor.execute("""UPDATE jobs SET started_at = clock_timestamp(),
                                  lease_owner = gen_random_uuid(), lease_until = 'infinity'
                              WHERE name = 'catalog-sync'""")
            claim.commit()
            assert created.result().status_code == 201
    is_later = "SELECT due_at > started_at FROM jobs WHERE name = 'catalog-sync'"
    assert Postgres.query(database, is_later) == [(True,)]


# --- what is kept ---------------------------------------------------------------------------------


def test_old_records_of_runs_are_purged(start_almanac, world):
    first = start_almanac(EVENTS_SYNC_RETENTION_DAYS=2)
    catalog = Catalog(first)
    world.serve("/feed", one_event())
    provider = catalog.provide(world.url("/feed"))
    catalog.sync(provider)
    for days, run in zip((1, 3), catalog.syncs(provider)):
        catalog.query("UPDATE catalog_syncs SET finished_at = finished_at - %s WHERE id = %s",
                      datetime.timedelta(days=days), run["syncId"])
    catalog.query("UPDATE jobs SET due_at = now() WHERE name = 'catalog-purge'")
    catalog.query("SELECT pg_notify('almanac_jobs', 'catalog-purge')")
    wait_until(lambda: len(catalog.syncs(provider)) == 1, what="one record is left")
