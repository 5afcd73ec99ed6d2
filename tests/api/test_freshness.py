"""How searches follow the catalog: ETags, ages, several daemons, deleted providers, the cache."""

import concurrent.futures
import contextlib
import email.utils
import gzip
import time

import psycopg2
import pytest

from harness.catalog import Catalog, edition_of
from harness.feeds import base, event, feed, one_event, sample, zone
from harness.processes import wait_until

SEARCH = "/search?starts_at=2026-01-01&ends_at=2027-01-01"
PATHS = [SEARCH, "/search/", "/api/v1/events", "/api/v1/events?q=jazz",
         "/events/?starts_at=2026-01-01&ends_at=2027-01-01",
         "/events/?starts_at=2026-01-01&ends_at=2027-01-01&sortBy=title"]


def big_feed(title="Jazz"):
    """Enough for answers over a kibibyte."""
    return feed(*[base(number, f"{title} {number}",
                       event(1, "2026-05-01T20:00:00", None, zone("5"))) for number in range(30)])


@pytest.fixture(scope="module")
def still(start_module_almanac, module_world):
    """A catalog that nobody changes, told from memory and by SQL."""
    ways = {"memory": Catalog(start_module_almanac()),
            "sql": Catalog(start_module_almanac(CATALOG_MEMORY_MB=0))}
    module_world.serve("/feed", big_feed())
    ways["memory"].provide(module_world.url("/feed"))
    ways["sql"].settle()
    return ways


@pytest.fixture(params=["memory", "sql"])
def unchanged(request, still):
    return still[request.param]


@pytest.fixture(params=[512, 0], ids=["memory", "sql"])
def catalog(request, start_almanac, world):
    """A catalog with one provider, whose feed is world's /feed."""
    catalog = Catalog(start_almanac(CATALOG_MEMORY_MB=request.param))
    world.serve("/feed", big_feed())
    catalog.one = catalog.provide(world.url("/feed"))
    return catalog


# --- validators -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_answers_carry_edition_date_and_age(path, unchanged):
    answer = unchanged.almanac.get(path)
    assert answer.headers["ETag"].startswith('"') and answer.headers["ETag"].endswith('"')
    assert edition_of(answer) == unchanged.edition()
    (changed,), = unchanged.query("SELECT extract(epoch FROM changed_at)::float FROM catalog_state")
    told = email.utils.parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp()
    assert told == int(changed)
    assert 0 <= int(answer.headers["X-Catalog-Age"]) <= 5
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", PATHS)
def test_an_unchanged_catalog_is_304(path, unchanged):
    etag = unchanged.almanac.get(path).headers["ETag"]
    for given in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = unchanged.almanac.get(path, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert "Last-Modified" in answer.headers
    for other in ('"x"', etag[:-1], ""):
        answer = unchanged.almanac.get(path, headers={"If-None-Match": other})
        assert (answer.status_code, bool(answer.content)) == (200, True)


@pytest.mark.parametrize("path", PATHS)
def test_gzip_has_an_etag_of_its_own(path, unchanged):
    almanac = unchanged.almanac
    plain = almanac.get(path)
    assert "Content-Encoding" not in plain.headers
    for _ in range(2):
        packed = almanac.get(path, headers={"Accept-Encoding": "gzip"}, stream=True)
        body = packed.raw.read(decode_content=False)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) == len(body) < len(plain.content)
        assert gzip.decompress(body) == plain.content
        assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    again = almanac.get(path, headers={"Accept-Encoding": "gzip",
                                       "If-None-Match": packed.headers["ETag"]})
    assert (again.status_code, again.headers["ETag"]) == (304, packed.headers["ETag"])
    assert almanac.get(path).content == plain.content


def test_a_change_makes_other_etags(catalog, world):
    etags = {path: catalog.almanac.get(path).headers["ETag"] for path in PATHS}
    world.serve("/feed", big_feed("Jazz nuevo"))
    assert catalog.sync(catalog.one)["updated"] == 30
    for path, etag in etags.items():
        answer = catalog.almanac.get(path, headers={"If-None-Match": etag})
        assert answer.status_code == 200
        assert answer.headers["ETag"] != etag
        assert answer.text.count("Jazz nuevo") >= 20


def validators(catalog):
    answers = [catalog.almanac.get(path) for path in PATHS]
    return [(answer.headers["ETag"], answer.headers["Last-Modified"]) for answer in answers]


def test_an_unchanged_sync_leaves_the_etags(catalog, world):
    before = validators(catalog)
    world.serve("/feed", big_feed() + "\n")
    assert catalog.sync(catalog.one)["unchanged"] == 30
    world.serve("/feed", sample("14"))
    assert catalog.sync(catalog.one)["status"] == "failed"
    assert validators(catalog) == before


def test_one_event_can_be_revalidated(unchanged):
    path = f"/api/v1/events/{unchanged.search()[0]['id']}"
    first = unchanged.almanac.get(path)
    assert edition_of(first) == unchanged.edition()
    again = unchanged.almanac.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_an_event_tells_its_providers_new_name(catalog):
    path = f"/api/v1/events/{catalog.search()[0]['id']}"
    catalog.almanac.get(path)
    catalog.almanac.patch(f"/api/v1/providers/{catalog.one}", {"name": "otro nombre"})
    catalog.settle()
    assert catalog.almanac.get(path).json()["provider"]["name"] == "otro nombre"


def test_another_database_has_other_etags(start_almanac, database, postgres, world):
    world.serve("/feed", one_event())
    other = postgres.create_database()
    etags = []
    for url in (database, other):
        almanac = start_almanac(url)
        Catalog(almanac).provide(world.url("/feed"))
        assert edition_of(almanac.get(SEARCH)) == 2
        etags.append(almanac.get(SEARCH).headers["ETag"])
    assert etags[0] != etags[1]


# --- several daemons ------------------------------------------------------------------------------


def see(almanac, text, seconds=2.0):
    """The contract says: within a second."""
    for path in PATHS[:4]:
        wait_until(lambda at=path: text in almanac.get(at).text, seconds, f"{path} tells {text}")


def test_every_daemon_follows_a_sync(start_almanac, world):
    one, two, sql = start_almanac(), start_almanac(), start_almanac(CATALOG_MEMORY_MB=0)
    catalog = Catalog(one)
    world.serve("/feed", one_event("Jazz uno"))
    provider = catalog.provide(world.url("/feed"))
    for almanac in (one, two, sql):
        see(almanac, "Jazz uno")
    world.serve("/feed", one_event("Jazz dos"))
    catalog.sync(provider)
    for almanac in (one, two, sql):
        see(almanac, "Jazz dos")
    assert one.get(SEARCH).headers["ETag"] == two.get(SEARCH).headers["ETag"]
    assert one.get(SEARCH).content == two.get(SEARCH).content == sql.get(SEARCH).content


def test_an_edition_that_nobody_told_of_is_found_by_looking(catalog):
    catalog.query("""WITH raised AS (UPDATE catalog_state SET edition = edition + 1
                                     RETURNING edition)
                     UPDATE catalog_events AS e
                     SET edition = raised.edition, title = 'Jazz callado',
                         item = replace(item, 'Jazz 7"', 'Jazz callado"')
                     FROM raised WHERE base_id = '7'""")
    see(catalog.almanac, "Jazz callado", 3.0)


def test_a_daemon_that_starts_later_knows_everything(start_almanac, world):
    world.serve("/feed", big_feed())
    first = start_almanac()
    Catalog(first).provide(world.url("/feed"))
    second = start_almanac()
    Catalog(second).settle()
    assert second.get("/search/").content == first.get("/search/").content


# --- deleted providers ----------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [512, 0])
def test_a_deleted_providers_events_vanish_at_once(memory, start_almanac, world):
    one, two = start_almanac(CATALOG_MEMORY_MB=memory), start_almanac()
    catalog = Catalog(one)
    world.serve("/feed", big_feed())
    world.serve("/stays", one_event("Jazz que queda"))
    gone = catalog.provide(world.url("/feed"))
    catalog.provide(world.url("/stays"))
    Catalog(two).settle()
    some = [row["id"] for row in catalog.search() if "queda" not in row["title"]]
    assert one.delete(f"/api/v1/providers/{gone}").status_code == 204
    for almanac in (one, two):
        Catalog(almanac).settle(2)
        for path in PATHS:
            answer = almanac.get(path)
            assert answer.text.count("Jazz") == 1, path
            assert "Jazz que queda" in answer.text
        assert almanac.get(f"/api/v1/events/{some[0]}").status_code == 404
        assert almanac.get(f"/api/v1/events?provider={gone}").json()["data"] == []


def test_a_deleted_providers_rows_are_purged(catalog):
    catalog.almanac.delete(f"/api/v1/providers/{catalog.one}")
    rows = """SELECT (SELECT count(*) FROM catalog_events), (SELECT count(*) FROM catalog_syncs),
                     (SELECT count(*) FROM catalog_providers)"""
    wait_until(lambda: catalog.query(rows) == [(0, 0, 0)], 10, "all rows are purged")


def test_a_provider_deleted_while_its_sync_runs(catalog, world):
    world.serve("/feed", big_feed("Jazz tarde"), delay=1)
    catalog.begin_sync(catalog.one)
    world.wait_for(2, "/feed")
    assert catalog.almanac.delete(f"/api/v1/providers/{catalog.one}").status_code == 204
    catalog.almanac.wait_for_log("sync", status="stale")
    catalog.settle()
    assert catalog.search() == []
    wait_until(lambda: catalog.query("SELECT count(*) FROM catalog_events") == [(0,)])


# --- the picture's limit --------------------------------------------------------------------------


def test_a_catalog_past_its_memory_is_answered_by_sql(start_almanac, world):
    almanac = start_almanac(CATALOG_MEMORY_MB=1)
    catalog = Catalog(almanac)
    world.serve("/feed", big_feed())
    catalog.provide(world.url("/feed"))
    almanac.wait_for_log("catalog larger than CATALOG_MEMORY_MB: searches ask the database",
                         level="warn")
    assert len(catalog.search()) == 30
    see(almanac, "Jazz 7")


# --- the cache of answers -------------------------------------------------------------------------


def cache_counts(almanac):
    return tuple(int(almanac.metric(f"almanac_answer_cache_{what}_total"))
                 for what in ("hits", "misses"))


QUESTIONS = ["/api/v1/events?q=jazz", "/api/v1/events?minPrice=1&limit=3&total=true",
             "/events/?starts_at=2026-01-01&ends_at=2027-01-01&sortBy=title",
             "/search/?offline=true"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_question_twice_is_asked_once(question, unchanged):
    hits, misses = cache_counts(unchanged.almanac)
    question += "&twice=1"
    first = unchanged.almanac.get(question)
    assert cache_counts(unchanged.almanac) == (hits, misses + 1)
    for _ in range(3):
        again = unchanged.almanac.get(question)
        assert again.content == first.content
        for header in ("ETag", "Content-Type", "Link", "Last-Modified"):
            assert again.headers.get(header) == first.headers.get(header)
    assert cache_counts(unchanged.almanac) == (hits + 3, misses + 1)


def test_a_change_empties_the_cache(catalog, world):
    question = "/api/v1/events?q=jazz"
    catalog.almanac.get(question)
    world.serve("/feed", big_feed("Jazz nuevo"))
    catalog.sync(catalog.one)
    _, misses = cache_counts(catalog.almanac)
    assert "Jazz nuevo" in catalog.almanac.get(question).text
    assert cache_counts(catalog.almanac)[1] == misses + 1


def test_answers_are_kept_for_a_while_only(start_almanac, world):
    almanac = start_almanac(ANSWER_CACHE_SECONDS=1)
    world.serve("/feed", one_event())
    Catalog(almanac).provide(world.url("/feed"))
    almanac.get("/api/v1/events?q=jazz")
    _, misses = cache_counts(almanac)
    time.sleep(1.1)
    almanac.get("/api/v1/events?q=jazz")
    assert cache_counts(almanac)[1] == misses + 1


@pytest.mark.parametrize("settings", [{"ANSWER_CACHE_MB": 0}, {"ANSWER_CACHE_SECONDS": 0}])
def test_without_a_cache(settings, start_almanac, world):
    almanac = start_almanac(**settings)
    world.serve("/feed", big_feed())
    Catalog(almanac).provide(world.url("/feed"))
    answers = [almanac.get("/api/v1/events?q=jazz") for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert cache_counts(almanac) == (0, 0)


@contextlib.contextmanager
def locked_events(database):
    """Nobody can read events meanwhile."""
    with contextlib.closing(psycopg2.connect(database)) as connection:
        connection.cursor().execute("LOCK TABLE catalog_events IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def ask_together(almanac, path, count):
    """`count` requests at once, each on a connection of its own."""
    pool = concurrent.futures.ThreadPoolExecutor(count)
    return pool, [pool.submit(almanac.get, path) for _ in range(count)]


def test_one_asks_while_many_wait(start_almanac, database, world):
    almanac = start_almanac(HTTP_THREADS=1, DATABASE_STATEMENT_TIMEOUT_MS=9000,
                            DATABASE_ANSWER_TIMEOUT_MS=9500)
    world.serve("/feed", big_feed())
    Catalog(almanac).provide(world.url("/feed"))
    hits, misses = cache_counts(almanac)
    with locked_events(database):
        pool, asked = ask_together(almanac, "/api/v1/events?q=jazz", 20)
        wait_until(lambda: cache_counts(almanac) == (hits + 19, misses + 1), what="all wait")
    answers = [one.result() for one in asked]
    pool.shutdown()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


def test_all_who_wait_are_told_when_it_fails(start_almanac, database, world):
    almanac = start_almanac(HTTP_THREADS=1, DATABASE_STATEMENT_TIMEOUT_MS=500)
    world.serve("/feed", big_feed())
    catalog = Catalog(almanac)
    catalog.provide(world.url("/feed"))
    with locked_events(database):
        pool, asked = ask_together(almanac, "/api/v1/events?q=jazz", 8)
        answers = [one.result() for one in asked]
    pool.shutdown()
    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
    assert len(almanac.get("/api/v1/events?q=jazz").json()["data"]) == 30
