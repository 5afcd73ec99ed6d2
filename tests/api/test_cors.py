"""Pages of other origins: who may ask, what they may read, and that it is off unless it is said."""

import pytest

from harness import almanac as daemons
from harness.tokens import API_TOKENS, TOKENS, bearer

OURS = "https://app.example.com"
OTHER = "https://evil.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization, content-type"}


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    return start_module_almanac(CORS_ORIGINS=f"{OURS}, http://localhost:5173",
                                API_TOKENS=API_TOKENS)


@pytest.fixture(name="open_almanac", scope="module")
def fixture_open_almanac(start_module_almanac):
    return start_module_almanac(CORS_ORIGINS="*", RATE_LIMIT="1000/s")


def words(answer, name):
    return {word.strip() for word in answer.headers[name].split(",")}


def cors_of(answer):
    return {name for name in answer.headers if name.startswith("Access-Control-")}


@pytest.mark.parametrize("origin", [OURS, "http://localhost:5173"])
def test_pages_of_listed_origins_may_read(origin, almanac):
    answer = almanac.get("/api/v1/timers", headers={"Origin": origin, **bearer(TOKENS["read"])})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in words(answer, "Vary")
    assert words(answer, "Access-Control-Expose-Headers") >= {
        "ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"}
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", [OTHER, OURS + ".evil.com", OURS + ":8443", "null", OURS.upper(),
                                    "https://app.example.co", OURS + "/", "http://app.example.com"])
def test_pages_of_others_may_not(origin, almanac):
    answer = almanac.get("/status", headers={"Origin": origin})
    assert answer.status_code == 200
    assert not cors_of(answer)
    assert words(answer, "Vary") == {"Origin"}


def test_preflights_are_answered_without_a_token(almanac):
    answer = almanac.options("/api/v1/timers", headers={"Origin": OURS, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert words(answer, "Access-Control-Allow-Methods") == words(answer, "Allow")
    assert words(answer, "Access-Control-Allow-Methods") >= {"GET", "POST"}
    assert {word.lower() for word in words(answer, "Access-Control-Allow-Headers")} >= {
        "authorization", "content-type", "idempotency-key", "x-request-id"}
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


def test_preflights_of_others_tell_nothing(almanac):
    answer = almanac.options("/api/v1/timers", headers={"Origin": OTHER, **PREFLIGHT})
    assert answer.status_code == 204 and not cors_of(answer)


def test_plain_options_are_as_ever(almanac):
    answer = almanac.options("/api/v1/timers", headers={"Origin": OURS})
    assert answer.headers["Allow"]
    assert "Access-Control-Allow-Methods" not in answer.headers


@pytest.mark.parametrize("path, status", [("/api/v1/timers", 401), ("/nothing", 404),
                                          ("/api/v1/timers?access_token=x", 400)])
def test_pages_may_read_errors_too(path, status, almanac):
    answer = almanac.get(path, headers={"Origin": OURS})
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == OURS


def test_unchanged_answers_carry_it_too(almanac):
    headers = {"Origin": OURS, **bearer(TOKENS["read"])}
    tag = almanac.get("/api/v1/providers", headers=headers).headers["ETag"]
    answer = almanac.get("/api/v1/providers", headers={**headers, "If-None-Match": tag})
    assert answer.status_code == 304
    assert answer.headers["Access-Control-Allow-Origin"] == OURS


def test_a_star_is_for_all(open_almanac):
    answer = open_almanac.get("/api/v1/timers", headers={"Origin": OTHER})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in answer.headers
    assert words(answer, "Access-Control-Expose-Headers") >= {"RateLimit", "RateLimit-Policy"}
    assert not cors_of(open_almanac.get("/api/v1/timers"))


def test_it_is_off_unless_it_is_said(start_almanac):
    almanac = start_almanac()
    for answer in (almanac.get("/status", headers={"Origin": OURS}),
                   almanac.options("/status", headers={"Origin": OURS, **PREFLIGHT})):
        assert not cors_of(answer) and "Vary" not in answer.headers


@pytest.mark.parametrize("text", ["app.example.com", "https://", "https://a.b/", "https://A.b",
                                  "*,https://a.b", "https://*.a.b", "https://a.b,", "null",
                                  "ftp://a.b", "https://user@a.b"])
def test_what_is_no_origin_stops_the_start(text):
    done = daemons.run("check", CORS_ORIGINS=text)
    assert done.returncode == 2
    assert done.stderr.startswith("almanac: CORS_ORIGINS: ") and "is no origin" in done.stderr
