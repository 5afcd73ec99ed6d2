"""No room for the spool: the sync fails and says why, everything else goes on, and with room again
the next sync is good."""

import resource
import subprocess

import pytest

from disks import small_disk
from harness.catalog import Catalog
from harness.feeds import base, event, feed, one_event, zone


def large_feed(title):
    """Some 300 KB."""
    return feed(*(base(number, f"{title} {number}",
                       event(1, "2026-05-01T20:00:00", "2026-05-01T22:00:00", zone("15.00")))
                  for number in range(1200)))


def assert_only_the_sync_fails(catalog, world, words):
    """One provider is there, the feed of another finds no room: the first is searched on."""
    almanac = catalog.almanac
    world.serve("/large", large_feed("Large"))
    provider = catalog.create(world.url("/large"))
    run = catalog.wait_for_syncs(provider, 1)[0]
    assert run["status"] == "failed"
    assert words in run["error"]
    assert run["created"] == run["updated"] == run["vanished"] == 0
    assert catalog.titles() == ["Small"]
    for path in ("/livez", "/readyz", "/api/v1/providers", "/api/v1/events?q=small"):
        assert almanac.get(path).status_code == 200
    return provider


def assert_room_makes_it_good(catalog, provider):
    run = catalog.sync(provider)
    assert (run["status"], run["created"]) == ("succeeded", 1200)
    assert len(catalog.titles()) == 1201


@pytest.fixture
def small(world):
    """Puts a small provider into a catalog: its feed finds room anywhere."""
    def provide(almanac):
        catalog = Catalog(almanac)
        world.serve("/small", one_event("Small"))
        catalog.provide(world.url("/small"))
        return catalog
    return provide


def test_a_full_disk(start_almanac, tmp_path, world, small):
    with small_disk(tmp_path, 65536):
        catalog = small(start_almanac(SPOOL_DIR=str(tmp_path)))
        provider = assert_only_the_sync_fails(catalog, world, "No space left on device")
        assert list(tmp_path.iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=16m", tmp_path], check=True)
        assert_room_makes_it_good(catalog, provider)


def test_files_that_may_not_grow(start_almanac, world, small):
    """The limit of `ulimit -f`, which by default ends a process that comes upon it."""
    almanac = start_almanac()
    catalog = small(almanac)
    before = resource.prlimit(almanac.pid, resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
    provider = assert_only_the_sync_fails(catalog, world, "File too large")
    resource.prlimit(almanac.pid, resource.RLIMIT_FSIZE, before)
    assert_room_makes_it_good(catalog, provider)


def test_a_folder_that_is_not_there(start_almanac, tmp_path, world):
    folder = tmp_path / "spool"
    folder.mkdir()
    almanac = start_almanac(SPOOL_DIR=str(folder))
    catalog = Catalog(almanac)
    world.serve("/small", one_event("Small"))
    catalog.provide(world.url("/small"))
    folder.rmdir()
    provider = assert_only_the_sync_fails(catalog, world, str(folder))
    folder.mkdir()
    assert_room_makes_it_good(catalog, provider)


def test_the_spool_leaves_no_file_behind(start_almanac, tmp_path, world):
    catalog = Catalog(start_almanac(SPOOL_DIR=str(tmp_path)))
    world.serve("/large", large_feed("Large"))
    provider = catalog.provide(world.url("/large"))
    assert catalog.syncs(provider)[0]["status"] == "succeeded"
    assert list(tmp_path.iterdir()) == []
