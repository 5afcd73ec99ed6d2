"""How feeds are asked for: conditions, compression, retries, redirects, and where calls may go."""

import email.utils
import re
import time

import pytest

from harness.catalog import Catalog
from harness.feeds import one_event, sample
from world import World


@pytest.fixture(scope="module")
def catalog(start_module_almanac):
    """One daemon for all who can live with it; each story has its own providers."""
    return Catalog(start_module_almanac())


def test_what_a_request_for_a_feed_says(catalog, world):
    world.serve("/feed", sample("01"))
    catalog.provide(world.url("/feed?key=a%20b&c"))
    request, = world.requests_to("/feed")
    assert (request.method, request.query) == ("GET", "key=a%20b&c")
    assert request.headers["User-Agent"].startswith("almanac/")
    assert "application/xml" in request.headers["Accept"]
    assert "gzip" in request.headers["Accept-Encoding"]
    assert "If-None-Match" not in request.headers
    assert "If-Modified-Since" not in request.headers


TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def test_a_scheduled_run_names_itself(catalog, world):
    world.serve("/feed", sample("01"))
    run = catalog.syncs(catalog.provide(world.url("/feed")))[0]["syncId"]
    request, = world.requests_to("/feed")
    assert request.headers["X-Request-Id"] == run
    assert TRACE.fullmatch(request.headers["traceparent"])
    assert request.headers["traceparent"].split("-")[1] == run.replace("-", "")


def sync_with(catalog, world, headers):
    """What the provider is told when a sync is asked for with these headers."""
    world.serve("/feed", sample("01"))
    provider = catalog.provide(world.url("/feed"))
    answer = catalog.almanac.post(f"/api/v1/providers/{provider}/sync", headers=headers)
    catalog.wait_for_end(answer.headers["Location"])
    told = world.requests_to("/feed")[1].headers
    assert told["X-Request-Id"] == answer.headers["X-Request-Id"]
    return told["X-Request-Id"], told["traceparent"]


def test_the_id_and_the_trace_of_a_request_are_passed_on(catalog, world):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    request_id, passed = sync_with(catalog, world, {"X-Request-Id": "mine", "traceparent": trace})
    assert request_id == "mine"
    assert TRACE.fullmatch(passed)
    assert passed.startswith(trace[:36]) and passed.endswith("-01")
    assert passed != trace
    assert catalog.almanac.wait_for_log("sync", request="mine")["status"] == "succeeded"


@pytest.mark.parametrize("trace", ["", "x", "é", "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
                                   "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
                                   "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
                                   "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
def test_a_trace_that_is_none_is_not_passed_on(trace, catalog, world):
    request_id, passed = sync_with(catalog, world, {"traceparent": trace.encode()})
    assert TRACE.fullmatch(passed)
    assert not trace[3:] or trace[3:35].lower() not in passed
    made = catalog.almanac.wait_for_log("request", id=request_id)["traceparent"]
    assert passed.startswith(made[:36])


def test_an_etag_is_sent_back(catalog, world):
    world.serve("/feed", sample("01"), etag=True)
    provider = catalog.provide(world.url("/feed"))
    run = catalog.sync(provider)
    assert (run["status"], run["httpStatus"], run["notModified"]) == ("succeeded", 304, True)
    assert (run["unchanged"], run["bodyBytes"]) == (3, 0)
    etag = world.requests_to("/feed")[1].headers["If-None-Match"]
    world.serve("/feed", sample("02"), etag=True)
    run = catalog.sync(provider)
    assert (run["httpStatus"], run["updated"]) == (200, 2)
    assert world.requests_to("/feed")[2].headers["If-None-Match"] == etag
    catalog.sync(provider)
    assert world.requests_to("/feed")[3].headers["If-None-Match"] not in (etag, None)


def test_a_date_is_sent_back(catalog, world):
    world.serve("/feed", sample("01"), last_modified="784111777")
    provider = catalog.provide(world.url("/feed"))
    run = catalog.sync(provider)
    assert (run["httpStatus"], run["notModified"], run["unchanged"]) == (304, True, 3)
    assert world.requests_to("/feed")[1].headers["If-Modified-Since"] == \
        "Sun, 06 Nov 1994 08:49:37 GMT"


def test_conditions_survive_a_304(catalog, world):
    world.serve("/feed", sample("01"), etag=True)
    provider = catalog.provide(world.url("/feed"))
    for _ in range(3):
        assert catalog.sync(provider)["notModified"] is True


def test_a_failed_feed_gives_no_conditions(catalog, world):
    world.script("/feed", [{"body": sample("14"), "etag": True}, {"body": sample("01")}])
    provider = catalog.provide(world.url("/feed"))
    assert catalog.sync(provider)["created"] == 3
    assert "If-None-Match" not in world.requests_to("/feed")[1].headers


@pytest.mark.parametrize("trouble", [{"gzip": True}, {"gzip": True, "chunked": True},
                                     {"chunked": True}, {"drip": 400}, {"big_headers": 20000}])
def test_ways_to_deliver_a_feed(trouble, catalog, world):
    world.serve("/feed", sample("01"), **trouble)
    provider = catalog.provide(world.url("/feed"))
    run = catalog.syncs(provider)[0]
    assert (run["status"], run["created"], run["attempts"]) == ("succeeded", 3, 1)
    assert run["bodyBytes"] == sample("01").stat().st_size


def test_the_content_type_does_not_matter(catalog, world):
    world.serve("/feed", sample("01"), type="text/plain")
    assert catalog.syncs(catalog.provide(world.url("/feed")))[0]["created"] == 3


PASSING = {"503": {"status": 503}, "500": {"status": 500}, "429": {"status": 429},
           "408": {"status": 408}, "cut": {"body": sample("01"), "cut": 0.5}}


def test_what_may_pass_is_tried_again_with_growing_pauses(start_almanac, world):
    catalog = Catalog(start_almanac(EVENTS_SYNC_CONCURRENCY=len(PASSING)))
    for name, trouble in PASSING.items():
        world.script(f"/{name}", [trouble, trouble, {"body": sample("01")}])
    providers = {name: catalog.create(world.url(f"/{name}")) for name in PASSING}
    for name, provider in providers.items():
        run = catalog.wait_for_syncs(provider, 1)[0]
        assert (run["status"], run["attempts"], run["created"]) == ("succeeded", 3, 3), name
        first, second, third = [request.time for request in world.requests_to(f"/{name}")]
        assert second - first >= 0.5
        assert third - second >= 1.0


def test_a_reset_is_tried_again(start_almanac, world):
    """On a new connection: libcurl itself repeats a request on one that was kept."""
    catalog = Catalog(start_almanac())
    world.script("/feed", [{"reset": True}, {"body": sample("01"), "reset_after": 900},
                           {"body": sample("01")}])
    run = catalog.syncs(catalog.provide(world.url("/feed")))[0]
    assert (run["status"], run["attempts"], run["created"]) == ("succeeded", 3, 3)


def test_a_sync_gives_up_after_its_attempts(start_almanac, world):
    catalog = Catalog(start_almanac(EVENTS_SYNC_ATTEMPTS=2))
    world.serve("/feed", status=503)
    run = catalog.wait_for_syncs(catalog.create(world.url("/feed")), 1)[0]
    assert (run["status"], run["attempts"], run["httpStatus"]) == ("failed", 2, 503)
    assert "503" in run["error"]
    assert len(world.requests_to("/feed")) == 2


LASTING = {"404": {"status": 404}, "401": {"status": 401}, "410": {"status": 410},
           "truncated": {"body": sample("14")}, "html": {"body": sample("12")}}


def test_what_will_not_pass_is_not_tried_again(catalog, world):
    for name, trouble in LASTING.items():
        world.serve(f"/{name}", **trouble)
    providers = {name: catalog.create(world.url(f"/{name}")) for name in LASTING}
    for name, provider in providers.items():
        run = catalog.wait_for_syncs(provider, 1)[0]
        assert (run["status"], run["attempts"]) == ("failed", 1), name
        assert len(world.requests_to(f"/{name}")) == 1


@pytest.mark.parametrize("as_date", [False, True])
def test_a_short_retry_after_is_waited_for(as_date, catalog, world):
    wait = email.utils.formatdate(time.time() + 3, usegmt=True) if as_date else 2
    world.script("/feed", [{"status": 503, "retry_after": wait}, {"body": sample("01")}])
    provider = catalog.provide(world.url("/feed"))
    assert catalog.syncs(provider)[0]["attempts"] == 2
    first, second = [request.time for request in world.requests_to("/feed")]
    assert second - first >= 1.9


def test_a_long_retry_after_postpones_the_next_sync(catalog, world):
    world.serve("/feed", status=429, retry_after=900)
    provider = catalog.create(world.url("/feed"), intervalSeconds=60)
    run = catalog.wait_for_syncs(provider, 1)[0]
    assert (run["status"], run["attempts"]) == ("failed", 1)
    (wait,), = catalog.query("""SELECT extract(epoch FROM next_sync_at - now())::float
                                FROM catalog_providers WHERE id = %s""", provider)
    assert 890 < wait <= 900


def test_redirects_are_followed(catalog, world):
    for number in range(1, 6):
        world.serve(f"/{number}", redirect=world.url(f"/{number + 1}"),
                    status=(301, 302, 303, 307, 308)[number - 1])
    world.serve("/6", sample("01"))
    provider = catalog.provide(world.url("/1"))
    run = catalog.syncs(provider)[0]
    assert (run["status"], run["created"]) == ("succeeded", 3)


def test_a_relative_redirect(catalog, world):
    world.serve("/from", redirect="to?x=1")
    world.serve("/to", sample("01"))
    assert catalog.syncs(catalog.provide(world.url("/from")))[0]["created"] == 3


def test_redirects_without_end(start_almanac, world):
    catalog = Catalog(start_almanac(EVENTS_SYNC_ATTEMPTS=1))
    world.serve("/round", redirect="/round")
    run = catalog.wait_for_syncs(catalog.create(world.url("/round")), 1)[0]
    assert run["error"] == "too many redirects (at most 5)"
    assert len(world.requests_to("/round")) == 6


def test_a_redirect_to_another_scheme_is_refused(start_almanac, world):
    catalog = Catalog(start_almanac(EVENTS_SYNC_ATTEMPTS=1))
    world.serve("/feed", redirect="file:///etc/hostname")
    run = catalog.wait_for_syncs(catalog.create(world.url("/feed")), 1)[0]
    assert (run["status"], run["created"]) == ("failed", 0)
    assert "only http and https are called" in run["error"]


LOOPBACK = ["http://127.0.0.1:{}/feed", "http://localhost:{}/feed", "http://[::1]:{}/feed",
            "http://0.0.0.0:{}/feed", "http://[::ffff:127.0.0.1]:{}/feed",
            "http://2130706433:{}/feed", "http://0x7f.1:{}/feed"]
PRIVATE = ["http://10.1.2.3/", "http://192.168.0.1/", "http://172.16.0.1/", "http://[fd00::1]/",
           "http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.1.2.3]/"]


def assert_all_refused(catalog, urls):
    providers = {url: catalog.create(url) for url in urls}
    for url, provider in providers.items():
        run = catalog.wait_for_syncs(provider, 1)[0]
        assert (run["status"], run["attempts"]) == ("failed", 1), url
        assert "is not an allowed destination" in run["error"], url
        assert "SOURCE_ALLOW" in run["error"]


def test_loopback_is_refused_unless_it_is_allowed(start_almanac, world):
    catalog = Catalog(start_almanac(SOURCE_ALLOW="private"))
    world.serve("/feed", sample("01"))
    assert_all_refused(catalog, [url.format(world.port) for url in LOOPBACK])
    assert world.requests == []


def test_private_addresses_are_refused_unless_they_are_allowed(start_almanac):
    assert_all_refused(Catalog(start_almanac(SOURCE_ALLOW="loopback")), PRIVATE)


def test_a_redirect_is_judged_as_well(start_almanac, world):
    with World() as inner:
        inner.serve("/feed", sample("01"))
        catalog = Catalog(start_almanac(SOURCE_ALLOW="127.0.0.1/32"))
        world.serve("/feed", redirect=f"http://127.0.0.2:{inner.port}/feed")
        run = catalog.wait_for_syncs(catalog.create(world.url("/feed")), 1)[0]
        assert run["status"] == "failed"
        assert "127.0.0.2 is not an allowed destination" in run["error"]
        assert inner.requests == []


def test_networks_may_be_listed(start_almanac, world):
    catalog = Catalog(start_almanac(SOURCE_ALLOW="127.0.0.0/8"))
    world.serve("/feed", sample("01"))
    assert catalog.syncs(catalog.provide(world.url("/feed")))[0]["created"] == 3


def test_no_proxy_of_the_environment_is_asked(start_almanac, world):
    proxy = "http://127.0.0.1:9"
    catalog = Catalog(start_almanac(http_proxy=proxy, ALL_PROXY=proxy))
    world.serve("/feed", one_event())
    assert catalog.syncs(catalog.provide(world.url("/feed")))[0]["created"] == 1
