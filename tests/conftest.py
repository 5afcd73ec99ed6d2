"""What every story may use: PostgreSQL, databases, daemons, and the pretend outside.

A daemon started through these fixtures must end with 0 when told to, with no level=error in its log
(`almanac.expect_errors("what")` makes an exception) and no word from a sanitizer.
"""

import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
for folder in (TESTS, TESTS / "world"):
    sys.path.insert(0, str(folder))

# pylint: disable=wrong-import-position
from harness import almanac as daemons, nursery  # noqa: E402
from harness.nursery import Nursery  # noqa: E402
from harness.postgres import Postgres  # noqa: E402
from world import World  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for daemon in nursery.live:
            report.sections.append((f"log of the daemon on port {daemon.port}", daemon.tail()))


@pytest.fixture(scope="session")
def postgres():
    """One cluster for all stories that do not harm it: fsync is off."""
    with Postgres(fast=True) as cluster:
        yield cluster


@pytest.fixture
def own_postgres():
    """A cluster to stop, kill and freeze: fsync is on."""
    with Postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def migrated(postgres):
    """The name of a migrated database to copy."""
    url = postgres.create_database()
    done = daemons.run("migrate", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    return url.rpartition("/")[2]


def copy_database(postgres, migrated):
    url = postgres.create_database(template=migrated)
    postgres.query(url, "UPDATE catalog_state SET epoch = gen_random_uuid(), changed_at = now()")
    return url


@pytest.fixture
def database(postgres, migrated):
    """The URL of a fresh, migrated database."""
    url = copy_database(postgres, migrated)
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module")
def module_database(postgres, migrated):
    """The same, shared by the stories of a file."""
    url = copy_database(postgres, migrated)
    yield url
    postgres.drop_database(url)


@pytest.fixture
def start_almanac(database):
    """start_almanac(url=database, wait=True, **settings) -> a daemon, ready."""
    daemons_here = Nursery()
    yield lambda url=database, **options: daemons_here.start(url, **options)
    daemons_here.finish()


@pytest.fixture
def almanac(start_almanac):
    """A daemon on a fresh database."""
    return start_almanac()


@pytest.fixture(scope="module")
def start_module_almanac(module_database):
    """start_module_almanac(url=module_database, **settings) -> a daemon that lives as long as the
    stories of this file."""
    daemons_here = Nursery()
    yield lambda url=module_database, **options: daemons_here.start(url, **options)
    daemons_here.finish()


@pytest.fixture
def world():
    """The pretend outside."""
    with World() as outside:
        yield outside


@pytest.fixture(scope="module")
def module_world():
    with World() as outside:
        yield outside
