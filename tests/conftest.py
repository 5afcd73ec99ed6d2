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
from harness import almanac as daemons  # noqa: E402
from harness.almanac import Almanac  # noqa: E402
from harness.postgres import Postgres  # noqa: E402
from world import World  # noqa: E402

LIVE = pytest.StashKey()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for daemon in item.session.stash.get(LIVE, []):
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


class Nursery:
    """Starts daemons, and judges at the end how they lived."""

    def __init__(self, session):
        self.live = session.stash.setdefault(LIVE, [])
        self.own = []

    def start(self, database_url, wait=True, **settings):
        daemon = Almanac(database_url, **settings)
        self.own.append(daemon)
        self.live.append(daemon)
        daemon.start()
        return daemon.wait_ready() if wait else daemon

    def finish(self):
        complaints = []
        for daemon in self.own:
            try:
                daemon.finish()
            except Exception as complaint:  # pylint: disable=broad-except
                complaints.append(f"{complaint}\n{daemon.tail()}")
            self.live.remove(daemon)
        assert not complaints, "\n".join(complaints)


@pytest.fixture
def start_almanac(request, database):
    """start_almanac(url=database, wait=True, **settings) -> a daemon, ready."""
    nursery = Nursery(request.session)
    yield lambda url=database, **options: nursery.start(url, **options)
    nursery.finish()


@pytest.fixture
def almanac(start_almanac):
    """A daemon on a fresh database."""
    return start_almanac()


@pytest.fixture(scope="module")
def start_module_almanac(request, module_database):
    """start_module_almanac(url=module_database, **settings) -> a daemon that lives as long as the
    stories of this file."""
    nursery = Nursery(request.session)
    yield lambda url=module_database, **options: nursery.start(url, **options)
    nursery.finish()


@pytest.fixture
def world():
    """The pretend outside."""
    with World() as outside:
        yield outside


@pytest.fixture(scope="module")
def module_world():
    with World() as outside:
        yield outside
