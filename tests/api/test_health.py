"""Health, readiness and metrics, with the database there and away."""

import re
import time

import pytest

from harness import almanac as daemons
from harness.almanac import ROOT
from harness.catalog import Catalog
from harness.feeds import sample
from harness.processes import wait_until


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    return start_module_almanac()


@pytest.mark.parametrize("path", ["/status", "/health", "/livez"])
def test_the_process_is_up(path, almanac):
    answer = almanac.get(path)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/readyz", "/api/v1/health/check"])
def test_all_parts_are_well(path, almanac):
    answer = almanac.get(path)
    told = answer.json()
    assert answer.status_code == 200
    assert list(told) == ["status", "database", "scheduler", "reports", "schema", "version"]
    assert (told["status"], told["database"], told["scheduler"]) == ("ok", "ok", "ok")
    assert told["schema"] == len(list((ROOT / "sql" / "migrations").glob("*.sql")))
    assert daemons.run("--version").stdout == f"almanac {told['version']}\n"


def test_the_database_goes_and_comes_back(own_postgres, start_almanac):
    almanac = start_almanac(own_postgres.create_database())
    Catalog(almanac).settle()
    own_postgres.stop("immediate")
    for path in ("/readyz", "/api/v1/health/check"):
        wait_until(lambda at=path: almanac.get(at).status_code == 503, 2.5, f"{path} is 503")
        answer = almanac.get(path)
        told = answer.json()
        assert (told["status"], told["database"], told["scheduler"]) == \
            ("unavailable", "unavailable", "ok")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Content-Type"] == "application/json"
    for path in ("/status", "/health", "/livez", "/metrics"):
        assert almanac.get(path).status_code == 200
    assert almanac.get("/search/").status_code == 200
    wait_until(lambda: int(almanac.get("/search/").headers["X-Catalog-Age"]) >= 1, 5, "an age")
    began = time.monotonic()
    answer = almanac.get("/api/v1/providers")
    assert time.monotonic() - began < 2
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    own_postgres.start()
    wait_until(lambda: almanac.get("/readyz").status_code == 200, 5, "ready again")
    wait_until(lambda: almanac.get("/api/v1/providers").status_code == 200, 5)


def test_without_its_connection_for_writes_a_worker_is_not_ready(start_almanac, database, postgres):
    almanac = start_almanac(HTTP_THREADS=1)
    name = database.rpartition("/")[2]
    outside = postgres.url("postgres")
    postgres.query(outside, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres.query(outside, """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                               WHERE datname = %s AND application_name = 'almanac-0-write'""", name)
    wait_until(lambda: almanac.get("/readyz").status_code == 503, 5)
    answer = almanac.get("/readyz")
    assert (answer.json()["database"], answer.headers["Retry-After"]) == ("unavailable", "1")
    assert almanac.get("/api/v1/providers").status_code == 200
    postgres.query(outside, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    wait_until(lambda: almanac.get("/readyz").status_code == 200, 5)
    body = {"name": "back", "url": "http://127.0.0.1:9/"}
    assert almanac.post("/api/v1/providers", body).status_code == 201


# --- metrics --------------------------------------------------------------------------------------


LINE = re.compile(r'[a-z_]+(\{([a-z_]+="([^"\\\n]|\\.)*",?)+\})? -?[0-9.e+]+(Inf|NaN)?')


def test_metrics_are_in_the_prometheus_format(almanac):
    answer = almanac.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    typed, seen = {}, set()
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in typed
            typed[name] = kind
        elif not line.startswith("# HELP "):
            assert LINE.fullmatch(line), line
            series = line.rpartition(" ")[0]
            assert series not in seen, series
            seen.add(series)
            name = re.sub(r"_(bucket|sum|count)$", "", series.partition("{")[0])
            assert name in typed or series.partition("{")[0] in typed, line
    assert set(typed.values()) <= {"counter", "gauge", "histogram"}


def test_requests_are_counted_by_route(almanac):
    def counted(route, status):
        return almanac.metric("almanac_http_requests_total", route=route, method="GET",
                              status=status)

    before = counted("/api/v1/events/{uuid}", "4xx"), counted("/search", "4xx")
    almanac.get("/api/v1/events/x")
    almanac.get("/search")
    almanac.get("/search")
    assert counted("/api/v1/events/{uuid}", "4xx") == before[0] + 1
    assert counted("/search", "4xx") == before[1] + 2
    assert counted("/api/v1/events/{uuid}", "2xx") == 0
    unknown = almanac.metric("almanac_http_requests_total", route="other")
    almanac.get("/nothing")
    assert almanac.metric("almanac_http_requests_total", route="other") == unknown + 1


def test_latencies_are_a_histogram(almanac):
    name = "almanac_http_request_seconds"
    before = almanac.metric(name + "_count", route="/search/")
    for _ in range(5):
        almanac.get("/search/")
    assert almanac.metric(name + "_count", route="/search/") == before + 5
    assert almanac.metric(name + "_bucket", route="/search/", le="+Inf") == before + 5
    buckets = almanac.metric_values(name + "_bucket", route="/search/")
    assert buckets == sorted(buckets)
    assert 0 < almanac.metric(name + "_sum", route="/search/") < 60


def test_the_catalog_is_counted(start_almanac, world):
    almanac = start_almanac()
    catalog = Catalog(almanac)
    world.script("/feed", [{"body": sample("01")}, {"body": sample("02")}, {"body": sample("14")}])
    began = time.time()
    provider = catalog.provide(world.url("/feed"), name='ein "Name"')
    for _ in range(2):
        catalog.sync(provider)
    assert [almanac.metric("almanac_catalog_syncs_total", status=status)
            for status in ("succeeded", "partial", "failed")] == [1, 1, 1]
    assert almanac.metric("almanac_catalog_events") == 3
    assert almanac.metric("almanac_catalog_edition") == catalog.edition()
    assert almanac.metric("almanac_catalog_memory_bytes") > 0
    synced = almanac.metric("almanac_provider_synced_timestamp_seconds", provider='ein \\"Name\\"')
    assert began - 1 < synced < time.time() + 1


def test_the_database_and_the_build_are_told(almanac):
    assert almanac.metric("almanac_build_info") == 1
    assert almanac.metric_values("almanac_database_connected") == [1] * 10
    assert almanac.metric("almanac_http_connections") >= 1
    before = almanac.metric("almanac_database_questions_total")
    almanac.get("/api/v1/providers")
    assert almanac.metric("almanac_database_questions_total") > before
