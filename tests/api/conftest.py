"""A catalog that all stories about searching share: nobody changes it."""

import pytest

from harness.library import Library
from harness.nursery import Nursery
from world import World

# How the same questions are answered: from the picture in memory, by SQL, by SQL without a cache.
WAYS = {"memory": {}, "sql": {"CATALOG_MEMORY_MB": 0},
        "uncached": {"CATALOG_MEMORY_MB": 0, "ANSWER_CACHE_MB": 0}}


@pytest.fixture(scope="session")
def library(postgres, migrated):
    """The catalog, with what it must hold, and one daemon for each way."""
    database = postgres.create_database(template=migrated)
    daemons = Nursery()
    with World() as world:
        ways = {way: daemons.start(database, **settings) for way, settings in WAYS.items()}
        yield Library(ways, world)
        daemons.finish()
    postgres.drop_database(database)


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def searched(library, way):
    """The daemon that answers in this way."""
    return library.ways[way]
