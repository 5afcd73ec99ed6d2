"""Providers that send a gigabyte, in every way there is: told as too large or as no feed, in little memory,
and nothing is left behind."""

import zlib

import pytest

from harness import almanac as daemons
from harness.catalog import Catalog
from harness.feeds import one_event

LIMIT = 100             # EVENTS_FEED_MAX_MB
MEBIBYTE = 1 << 20
GROWTH = 48 * MEBIBYTE  # of the daemon's memory, whatever comes
HEAD = b'<?xml version="1.0"?><eventList><output>'


def pack(data, window):
    """On its own: what follows does not look back at it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def bomb(head=HEAD):
    """A gigabyte of blanks, packed: one megabyte."""
    return pack(head, 31) + pack(b" " * MEBIBYTE, -15) * 1024


def endless(head):
    return {"body": head, "endless": True}


FEEDS = {
    "between events": (lambda: endless(HEAD), "larger than EVENTS_FEED_MAX_MB"),
    "within a title": (lambda: endless(HEAD + b'<base_event base_event_id="1" title="'), ""),
    "within a text": (lambda: endless(HEAD + b"<base_event><title>"), ""),
    "within a comment": (lambda: endless(HEAD + b"<!-- "), ""),
    "within a name": (lambda: endless(HEAD + b"<x"), ""),
    "packed": (lambda: {"body": bomb(), "headers": {"Content-Encoding": "gzip"}},
               "larger than EVENTS_FEED_MAX_MB"),
    "packed, as one title": (lambda: {"body": bomb(HEAD + b'<base_event title="'),
                                      "headers": {"Content-Encoding": "gzip"}}, ""),
}


@pytest.fixture(scope="module")
def catalog(start_module_almanac, module_world):
    """A catalog in which there is one event."""
    catalog = Catalog(start_module_almanac(EVENTS_FEED_MAX_MB=LIMIT, EVENTS_SYNC_ATTEMPTS=1))
    module_world.serve("/feed", one_event("Concert"))
    catalog.provide(module_world.url("/feed"))
    return catalog


@pytest.mark.parametrize("way", FEEDS)
def test_a_feed_of_a_gigabyte(catalog, world, way):
    make, said = FEEDS[way]
    daemon = catalog.almanac
    before = daemon.rss()
    world.serve("/huge", **make())
    run = catalog.wait_for_syncs(catalog.create(world.url("/huge")), 1, seconds=30)[0]
    assert run["status"] == "failed" and said in run["error"] and run["error"]
    assert run["created"] == run["updated"] == run["vanished"] == 0
    assert daemons.is_sanitized() or daemon.peak_rss() - before < GROWTH
    assert catalog.titles() == ["Concert"]
    assert list(daemon.directory.glob("*spool*")) == []
