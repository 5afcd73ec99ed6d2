"""Timers: created, looked up, listed, rescheduled, cancelled, fired by hand; their attempts."""

import base64
import concurrent.futures
import datetime
import json
import re
import uuid

import pytest

from harness.timers import (ATTEMPT, HOUR, LISTED, SHOWN, URL, Timers, code, faults, moment, now,
                            set_nowhere_apart, written)

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
VERSION_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOBODY = "01a20fc2-9490-7f47-8390-ba05f93f947b"
YEARS = 87600 * HOUR


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac, module_database):
    """One daemon for all; each story makes its own timers."""
    set_nowhere_apart(module_database)
    return start_module_almanac()


@pytest.fixture(name="timers", scope="module")
def fixture_timers(almanac):
    return Timers(almanac)


def walk(almanac, path):
    """The pages of a list, along their Link headers."""
    while path:
        answer = almanac.get(path)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield page["data"]
        path = answer.links.get("next", {}).get("url")
        assert (path is None) == (page["next"] is None)


def ids(almanac, path):
    return [item["id"] for page in walk(almanac, path) for item in page]


# --- creating -----------------------------------------------------------------------------------------


def test_create_and_find(almanac):
    answer = almanac.post("/api/v1/timers", {
        "url": "HTTPS://Receiver.example:8443/Hook?a=1", "delay": 3600, "method": "PUT",
        "headers": {"Authorization": "Bearer é", "X-Empty": ""}, "payload": {"a": [1, None, "é"]},
        "maxAttempts": 3, "timeoutMs": 250, "metadata": {"team": "billing"}})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/timers/{made['id']}"
    assert answer.text.endswith("}\n")
    assert list(made) == SHOWN
    assert VERSION_7.fullmatch(made["id"])
    assert {name: made[name] for name in SHOWN if not name.endswith("At") and name != "id"} == {
        "url": "HTTPS://Receiver.example:8443/Hook?a=1", "method": "PUT", "timeLeft": 3599,
        "status": "scheduled", "attempts": 0, "maxAttempts": 3, "lastAttempt": None,
        "headers": {"Authorization": "Bearer é", "X-Empty": ""}, "payload": {"a": [1, None, "é"]},
        "metadata": {"team": "billing"}, "timeoutMs": 250}
    assert made["finishedAt"] is None
    assert all(MOMENT.fullmatch(made[name]) for name in ("dueAt", "nextAttemptAt", "createdAt"))
    assert moment(made["dueAt"]) - moment(made["createdAt"]) == HOUR
    assert made["nextAttemptAt"] == made["dueAt"]
    found = almanac.get(answer.headers["Location"]).json()
    assert list(found) == SHOWN
    assert found == {**made, "timeLeft": found["timeLeft"]}
    assert made["timeLeft"] - 30 <= found["timeLeft"] <= made["timeLeft"]


def test_defaults(timers):
    made = timers.create(url="receiver:3000/path")
    assert {name: made[name] for name in ("url", "method", "maxAttempts", "timeoutMs", "headers",
                                          "payload", "metadata")} == {
        "url": "http://receiver:3000/path", "method": "POST", "maxAttempts": 6, "timeoutMs": 10000,
        "headers": None, "payload": None, "metadata": None}
    assert timers.find(made["id"]) == {**made, "timeLeft": timers.find(made["id"])["timeLeft"]}


def test_unknown_members_are_ignored(timers):
    assert "colour" not in timers.create(colour="red")


DELAYS = [(0, 0), (90, 90), (1.5, 1.5), (0.001, 0.001), ("PT0S", 0), ("PT1H30M", 5400),
          ("P1DT1H", 90000), ("P2W", 1209600), ("PT0,25S", 0.25), (315360000, 315360000),
          ("P3650D", 315360000), (60.0, 60)]


@pytest.mark.parametrize("delay, seconds", DELAYS)
def test_delays(delay, seconds, timers):
    made = timers.create(delay=delay)
    due = moment(made["createdAt"]) + datetime.timedelta(seconds=seconds)
    assert abs(moment(made["dueAt"]) - due) <= datetime.timedelta(milliseconds=1)
    assert made["timeLeft"] == max(0, -(-seconds // 1) - 1)


CLOCKS = [({"hours": 1, "minutes": 2, "seconds": 3}, 3723), ({"hours": 87600}, 315360000),
          ({"minutes": 59}, 3540), ({"seconds": 59}, 59), ({"hours": 0, "seconds": 0}, 0),
          ({"hours": 1.0}, 3600)]


@pytest.mark.parametrize("fields, seconds", CLOCKS)
def test_hours_minutes_and_seconds(fields, seconds, timers):
    made = timers.create(**fields)
    assert moment(made["dueAt"]) - moment(made["createdAt"]) == datetime.timedelta(seconds=seconds)


MOMENTS = [("2030-02-01T20:00:00Z", "2030-02-01T20:00:00.000Z"),
           ("2030-02-01T22:00:00.5+02:00", "2030-02-01T20:00:00.500Z"),
           ("2030-02-01", "2030-02-01T00:00:00.000Z"),
           ("20300201T200000", "2030-02-01T20:00:00.000Z")]


@pytest.mark.parametrize("due, told", MOMENTS)
def test_due_times(due, told, timers):
    made = timers.create(dueAt=due)
    assert (made["dueAt"], made["nextAttemptAt"]) == (told, told)
    assert timers.find(made["id"])["dueAt"] == told


@pytest.mark.parametrize("due", ["2020-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z"])
def test_what_is_past_is_due_at_once(due, timers):
    made = timers.create(dueAt=due)
    assert made["dueAt"] == due
    assert made["nextAttemptAt"] == made["createdAt"]
    assert made["timeLeft"] == 0


def test_the_last_due_time_is_ten_years_away(timers):
    last = written(now() + YEARS - datetime.timedelta(seconds=60))
    assert timers.create(dueAt=last)["dueAt"] == last


def test_the_clock_is_that_of_the_database(timers):
    (before,), = timers.query("SELECT clock_timestamp()")
    made = timers.create(delay=0)
    (after,), = timers.query("SELECT clock_timestamp()")
    assert before - datetime.timedelta(milliseconds=1) <= moment(made["createdAt"]) <= after
    assert made["createdAt"] == made["dueAt"]


def test_ids_follow_the_order_of_creation(timers):
    made = [timers.create()["id"] for _ in range(50)]
    assert made == sorted(made)


TARGETS = [("receiver", "http://receiver", "http://receiver:80"),
           ("receiver:3000/a?b", "http://receiver:3000/a?b", "http://receiver:3000"),
           ("Receiver:80", "http://Receiver:80", "http://receiver:80"),
           ("http://RECEIVER/", "http://RECEIVER/", "http://receiver:80"),
           ("https://receiver?x=:9", "https://receiver?x=:9", "https://receiver:443"),
           ("HTTPS://r:00443/", "HTTPS://r:00443/", "https://r:443"),
           ("http://[::FFFF]/a", "http://[::FFFF]/a", "http://[::ffff]:80"),
           ("[::1]:8080/a:9", "http://[::1]:8080/a:9", "http://[::1]:8080"),
           ("http://127.0.0.1:1/a@b", "http://127.0.0.1:1/a@b", "http://127.0.0.1:1")]


@pytest.mark.parametrize("given, url, destination", TARGETS)
def test_targets(given, url, destination, timers):
    made = timers.create(url=given)
    assert made["url"] == url
    assert timers.row(made["id"], "url, destination") == (url, destination)


def test_the_request_is_known_again(almanac, timers):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    made = almanac.post("/api/v1/timers", {"url": URL, "delay": 60},
                        headers={"X-Request-Id": "order-42", "traceparent": parent}).json()
    assert timers.row(made["id"], "request_id, traceparent") == ("order-42", parent)


BAD_PARENTS = ["", "x", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
               "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
               "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", "0" * 55, "-" * 55]


@pytest.mark.parametrize("parent", BAD_PARENTS)
def test_instead_of_a_malformed_traceparent_one_is_made(parent, almanac, timers):
    answer = almanac.post("/api/v1/timers", {"url": URL, "delay": 60},
                          headers={"traceparent": parent})
    line = almanac.wait_for_log("request", id=answer.headers["X-Request-Id"])
    assert timers.row(answer.json()["id"], "traceparent") == (line["traceparent"],)
    assert line["traceparent"] != parent


def test_every_timer_has_a_shard(timers):
    shards = {timers.row(timers.create()["id"], "shard")[0] for _ in range(30)}
    assert shards <= set(range(64))
    assert len(shards) > 5


# --- payloads -------------------------------------------------------------------------------------------

PAYLOADS = ["null", "true", "0", "-0", "0.10", "1E4", "12345678901234567", '"text"', '""', "[]",
            "{}", '{"a":1,"b":{"c":[0.1,1e2,1.0]}}', '"\\u00e9\\ud83d\\ude00\\n\\/"', '"é"',
            "[" * 500 + "]" * 500]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_stays_as_it_was_written(payload, almanac):
    body = '{"url":"receiver","delay":60,"payload":%s}' % payload
    answer = almanac.post("/api/v1/timers", data=body.encode(),
                          headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    assert f'"payload":{payload},' in answer.text
    assert f'"payload":{payload},' in almanac.get(answer.headers["Location"]).text


def test_white_space_between_tokens_is_not_kept(almanac):
    body = b'{"url":"receiver","delay":60,"payload" : { "a b" :\t[ 1 ,\n2.50 ] } }'
    answer = almanac.post("/api/v1/timers", data=body, headers={"Content-Type": "application/json"})
    assert '"payload":{"a b":[1,2.50]},' in answer.text


def test_the_largest_payload(timers):
    largest = "x" * (256 * 1024 - 2)
    assert timers.find(timers.create(payload=largest)["id"])["payload"] == largest


def test_payloads_over_the_limit(almanac):
    body = {"url": URL, "delay": 60, "payload": "x" * (256 * 1024 - 1)}
    assert faults(almanac.post("/api/v1/timers", body)) == {
        "payload": ("length", "must be at most 262144 bytes long")}
    body["payload"] = "x" * (512 * 1024)
    assert code(almanac.post("/api/v1/timers", body)) == (413, "body_too_large")


def test_the_most_headers(timers):
    headers = {f"X-{number}": "v" for number in range(32)}
    assert timers.find(timers.create(headers=headers)["id"])["headers"] == headers


# --- what is refused ----------------------------------------------------------------------------------

FORMAT = ("must be a number of seconds or an ISO 8601 duration of weeks, days, hours, minutes and "
          "seconds, for example PT1H30M")
AUTHORITY = ("must be an http or https URL with a host and perhaps a port, for example "
             "http://receiver:3000/path")
FAR = "must be within 10 years (87,600 hours) from now"
ONE = "is required, or dueAt, or hours, minutes and seconds"
BESIDE = "must not be given beside {}, nor may minutes or seconds"
MOMENT_RULE = "must be a date or date-time (RFC 3339), for example 2026-02-01T20:00:00Z"

BAD_TARGETS = [
    ("", "format", AUTHORITY), ("http://", "format", AUTHORITY), ("/path", "format", AUTHORITY),
    ("receiver:", "format", AUTHORITY), ("receiver:0", "format", AUTHORITY),
    ("receiver:65536", "format", AUTHORITY), ("javascript:alert(1)", "format", AUTHORITY),
    ("http://a%2eb/", "format", AUTHORITY), ("http://a\\b/", "format", AUTHORITY),
    ("not a url", "format", "must be ASCII without spaces: others are to be percent-encoded"),
    ("http://é/", "format", "must be ASCII without spaces: others are to be percent-encoded"),
    ("http://a/\r\nHost: b", "format", "must not hold control characters"),
    ("http://a/\x7f", "format", "must not hold control characters"),
    ("http://a/#top", "format", "must not have a fragment (#)"),
    ("ftp://a/", "format", "must be http or https"),
    ("file:///etc/passwd", "format", "must be http or https"),
    ("http://user@a/", "format", "must not hold a user name or password (@)"),
    ("http://user:secret@a/", "format", "must not hold a user name or password (@)"),
    ("http://a/" + "x" * 2040, "length", "must be at most 2048 bytes long"),
    (7, "type", "must be a string, not a number"), (None, "type", "must not be null"),
    (["http://a"], "type", "must be a string, not an array")]


@pytest.mark.parametrize("url, rule, message", BAD_TARGETS)
def test_targets_that_are_refused(url, rule, message, almanac):
    answer = almanac.post("/api/v1/timers", {"url": url, "delay": 60})
    assert code(answer) == (422, "invalid_body")
    assert faults(answer) == {"url": (rule, message)}


BAD_TIMES = [
    ({}, {"delay": ("required", ONE)}),
    ({"delay": None}, {"delay": ("type", "must not be null")}),
    ({"delay": "60"}, {"delay": ("format", FORMAT)}),
    ({"delay": "P1Y"}, {"delay": ("format", FORMAT)}),
    ({"delay": "P1M"}, {"delay": ("format", FORMAT)}),
    ({"delay": "soon"}, {"delay": ("format", FORMAT)}),
    ({"delay": True}, {"delay": ("type", "must be a number of seconds or a string, not a boolean")}),
    ({"delay": -1}, {"delay": ("minimum", "must be from 0 to 315360000 seconds")}),
    ({"delay": -0.001}, {"delay": ("minimum", "must be from 0 to 315360000 seconds")}),
    ({"delay": 315360000.001}, {"delay": ("maximum", "must be from 0 to 315360000 seconds")}),
    ({"delay": 1e300}, {"delay": ("maximum", "must be from 0 to 315360000 seconds")}),
    ({"delay": "P3651D"}, {"delay": ("maximum", "must be from 0 to 315360000 seconds")}),
    ({"dueAt": "now"}, {"dueAt": ("format", MOMENT_RULE)}),
    ({"dueAt": "infinity"}, {"dueAt": ("format", MOMENT_RULE)}),
    ({"dueAt": "2030-06-31"}, {"dueAt": ("format", MOMENT_RULE)}),
    ({"dueAt": 1769976000}, {"dueAt": ("type", "must be a string, not a number")}),
    ({"dueAt": "9999-12-31"}, {"dueAt": ("maximum", FAR)}),
    ({"dueAt": written(now() + YEARS + HOUR)}, {"dueAt": ("maximum", FAR)}),
    ({"hours": 87600, "seconds": 1}, {"hours": ("maximum", FAR)}),
    ({"hours": 87601}, {"hours": ("maximum", "must be a whole number from 0 to 87600")}),
    ({"hours": -1}, {"hours": ("minimum", "must be a whole number from 0 to 87600")}),
    ({"minutes": 60}, {"minutes": ("maximum", "must be a whole number from 0 to 59")}),
    ({"seconds": 60}, {"seconds": ("maximum", "must be a whole number from 0 to 59")}),
    ({"seconds": 1.5}, {"seconds": ("type", "must be a whole number, not a decimal number")}),
    ({"seconds": "1"}, {"seconds": ("type", "must be a whole number, not a string")}),
    ({"delay": 1, "dueAt": "2030-01-01"},
     {"dueAt": ("conflict", "must not be given beside delay")}),
    ({"delay": 1, "hours": 0}, {"hours": ("conflict", BESIDE.format("delay"))}),
    ({"delay": 1, "seconds": 0}, {"hours": ("conflict", BESIDE.format("delay"))}),
    ({"dueAt": "2030-01-01", "minutes": 5}, {"hours": ("conflict", BESIDE.format("dueAt"))}),
    ({"delay": 1, "dueAt": "2030-01-01", "hours": 1},
     {"dueAt": ("conflict", "must not be given beside delay")}),
]


@pytest.mark.parametrize("fields, expected", BAD_TIMES)
def test_times_that_are_refused(fields, expected, almanac, timers):
    answer = almanac.post("/api/v1/timers", {"url": URL, **fields})
    assert code(answer) == (422, "invalid_body")
    assert faults(answer) == expected
    assert faults(timers.change(NOBODY, **fields)) == expected


HOLDS = "must not hold line breaks or other control characters, as X does"
TOKENS = 'must have tokens (RFC 9110) as names, which "{}" is not'
BAD_HEADERS = [
    ({"X": "a\r\nHost: b"}, "format", HOLDS), ({"X": "a\n"}, "format", HOLDS),
    ({"X": "\x01"}, "format", HOLDS), ({"X": "a\x7f"}, "format", HOLDS),
    ({"": "v"}, "format", TOKENS.format("")), ({"A B": "v"}, "format", TOKENS.format("A B")),
    ({"A:": "v"}, "format", TOKENS.format("A:")), ({"é": "v"}, "format", TOKENS.format("é")),
    ({"A\r\nB": "v"}, "format", TOKENS.format("A\r\nB")),
    ({"X": 7}, "type", "must hold strings only: X is a number"),
    ({"X": None}, "type", "must hold strings only: X is null"),
    ({"X-A": "1", "x-a": "2"}, "conflict", "must not set x-a twice"),
    ({f"X-{number}": "v" for number in range(33)}, "length", "must be at most 32 headers"),
    ({"X": "v" * 8192}, "length", "must be at most 8192 bytes long"),
    (["X"], "type", "must be an object of strings, not an array"),
    ("X: v", "type", "must be an object of strings, not a string"),
    (None, "type", "must not be null")]


@pytest.mark.parametrize("headers, rule, message", BAD_HEADERS)
def test_headers_that_are_refused(headers, rule, message, almanac):
    answer = almanac.post("/api/v1/timers", {"url": URL, "delay": 60, "headers": headers})
    assert faults(answer) == {"headers": (rule, message)}


@pytest.mark.parametrize("name", [
    "Host", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "UPGRADE", "te",
    "Trailer", "Proxy-Authorization", "proxy-connection", "Proxy-", "Expect", "Webhook-Id",
    "webhook-timestamp", "webhook-signature"])
def test_headers_that_are_not_theirs_to_set(name, almanac):
    answer = almanac.post("/api/v1/timers", {"url": URL, "delay": 60,
                                             "headers": {"X-Fine": "v", name: "v"}})
    assert faults(answer) == {"headers": ("refused", f"must not set {name}")}


ATTEMPTS_RULE = "must be a whole number from 1 to 20"
TIMEOUT_RULE = "must be a whole number from 100 to 60000"
METHODS_RULE = "must be one of: POST, PUT, PATCH, GET, DELETE"
BAD_FIELDS = [
    ({"method": "HEAD"}, {"method": ("choice", METHODS_RULE)}),
    ({"method": "post"}, {"method": ("choice", METHODS_RULE)}),
    ({"method": ""}, {"method": ("choice", METHODS_RULE)}),
    ({"method": 1}, {"method": ("type", "must be a string, not a number")}),
    ({"maxAttempts": 0}, {"maxAttempts": ("minimum", ATTEMPTS_RULE)}),
    ({"maxAttempts": 21}, {"maxAttempts": ("maximum", ATTEMPTS_RULE)}),
    ({"maxAttempts": "3"}, {"maxAttempts": ("type", "must be a whole number, not a string")}),
    ({"timeoutMs": 99}, {"timeoutMs": ("minimum", TIMEOUT_RULE)}),
    ({"timeoutMs": 60001}, {"timeoutMs": ("maximum", TIMEOUT_RULE)}),
    ({"timeoutMs": 1e300}, {"timeoutMs": ("maximum", TIMEOUT_RULE)}),
    ({"metadata": []}, {"metadata": ("type", "must be an object, not an array")}),
    ({"metadata": None}, {"metadata": ("type", "must not be null")}),
    ({"metadata": {"a": "x" * 4089}}, {"metadata": ("length", "must be at most 4096 bytes long")}),
]


@pytest.mark.parametrize("fields, expected", BAD_FIELDS)
def test_other_fields_that_are_refused(fields, expected, almanac):
    answer = almanac.post("/api/v1/timers", {"url": URL, "delay": 60, **fields})
    assert code(answer) == (422, "invalid_body")
    assert faults(answer) == expected


def test_all_bad_fields_are_named_at_once(almanac):
    answer = almanac.post("/api/v1/timers", {"method": "X", "headers": [], "maxAttempts": 0,
                                             "timeoutMs": 0, "metadata": 1, "delay": 1, "hours": 1})
    assert {field: rule for field, (rule, _) in faults(answer).items()} == {
        "url": "required", "method": "choice", "headers": "type", "maxAttempts": "minimum",
        "timeoutMs": "minimum", "metadata": "type", "hours": "conflict"}


@pytest.mark.parametrize("body", [b"", b"{", b'{"url":"a","url":"b"}', b'{"url":"\xff"}',
                                  b'{"payload":"\\u0000"}', b'{"payload":"\\ud800"}',
                                  b'{"payload":1e400}',
                                  b'{"url":"a","delay":1,"payload":[0.1\0]}'])
def test_bodies_that_are_no_json(body, almanac):
    answer = almanac.post("/api/v1/timers", data=body, headers={"Content-Type": "application/json"})
    assert code(answer) == (400, "bad_json")


def test_bodies_that_are_no_objects(almanac):
    assert code(almanac.post("/api/v1/timers", [])) == (422, "invalid_body")
    assert code(almanac.post("/api/v1/timers", data=b"{}", headers={"Content-Type": "text/plain"})
                ) == (415, "not_json")


def test_nothing_refused_is_stored(timers):
    rows = timers.query("SELECT count(*) FROM timers")
    timers.almanac.post("/api/v1/timers", {"url": URL, "delay": 60, "maxAttempts": 0})
    assert timers.query("SELECT count(*) FROM timers") == rows


# --- idempotency keys ---------------------------------------------------------------------------------


def post_keyed(almanac, key, body):
    return almanac.post("/api/v1/timers", data=json.dumps(body).encode(), headers={
        "Content-Type": "application/json", "Idempotency-Key": key})


def test_the_same_key_and_body_give_the_first_answer(almanac, timers):
    body = {"url": URL, "delay": "PT1H", "payload": {"a": 0.1}, "headers": {"X": "v"}}
    key = f"order/{uuid.uuid4()}"
    first = post_keyed(almanac, key, body)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    timers.cancel(first.json()["id"])
    second = post_keyed(almanac, key, body)
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    assert timers.query("SELECT count(*) FROM timer_keys WHERE key = %s", key) == [(1,)]
    assert timers.row(first.json()["id"], "id") is None


def test_the_same_key_with_another_body_is_refused(almanac, timers):
    key = str(uuid.uuid4())
    post_keyed(almanac, key, {"url": URL, "delay": 60})
    rows = timers.query("SELECT count(*) FROM timers")
    assert code(post_keyed(almanac, key, {"url": URL, "delay": 61})) == \
        (422, "idempotency_key_reused")
    assert timers.query("SELECT count(*) FROM timers") == rows


def test_other_keys_are_other_timers(almanac):
    body = {"url": URL, "delay": 60}
    made = {post_keyed(almanac, f"{uuid.uuid4()}", body).json()["id"] for _ in range(5)}
    assert len(made) == 5


def test_a_refused_body_does_not_use_up_its_key(almanac):
    key = str(uuid.uuid4())
    assert code(post_keyed(almanac, key, {"url": URL})) == (422, "invalid_body")
    assert post_keyed(almanac, key, {"url": URL, "delay": 60}).status_code == 201


def test_concurrent_requests_with_one_key_make_one_timer(almanac, timers):
    body = {"url": URL, "delay": 3600}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for _ in range(10):
            key = str(uuid.uuid4())
            answers = list(pool.map(lambda _, key=key: post_keyed(almanac, key, body), range(16)))
            assert {answer.status_code for answer in answers} == {201}
            made, = {answer.content for answer in answers}
            replayed = [answer for answer in answers if "Idempotent-Replayed" in answer.headers]
            assert len(replayed) == 15
            assert timers.row(json.loads(made)["id"], "count(*)") == (1,)


def test_a_key_survives_a_restart(start_almanac):
    body, key = {"url": URL, "delay": "PT1H"}, str(uuid.uuid4())
    almanac = start_almanac()
    first = post_keyed(almanac, key, body)
    assert almanac.terminate() == 0
    second = post_keyed(start_almanac(), key, body)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.content == first.content


BAD_KEYS = [("", "length"), ("k" * 256, "length"), ("a b", "format"), ("a\tb", "format"),
            ("é".encode(), "format")]


@pytest.mark.parametrize("key, rule", BAD_KEYS)
def test_keys_that_are_refused(key, rule, almanac):
    answer = post_keyed(almanac, key, {"url": URL, "delay": 60})
    assert code(answer) == (400, "invalid_parameters")
    assert faults(answer)["Idempotency-Key"][0] == rule


@pytest.mark.parametrize("key", ["k" * 255, "~!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}", "7"])
def test_keys_that_are_taken(key, almanac):
    assert post_keyed(almanac, key, {"url": URL, "delay": 60}).status_code == 201


# --- states -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left, status", [("10 seconds", "scheduled"), ("50 milliseconds", "running"),
                                          ("0", "running"), ("-1 day", "running")])
def test_a_timer_is_running_from_100_ms_before_its_time_on(left, status, timers):
    timer = timers.create()["id"]
    timers.put_nowhere(timer, left)
    assert timers.find(timer)["status"] == status
    assert timers.change(timer, delay=60).status_code == {"scheduled": 200, "running": 409}[status]


def test_a_timer_that_waits_for_its_next_attempt(timers):
    timer = timers.create_retrying({**ATTEMPT, "attempt": 1}, {**ATTEMPT, "attempt": 2})
    found = timers.find(timer)
    assert (found["status"], found["attempts"], found["timeLeft"]) == ("scheduled", 2, 0)
    assert found["lastAttempt"] == {**ATTEMPT, "attempt": 2}
    assert moment(found["nextAttemptAt"]) > now()
    assert moment(found["dueAt"]) < now()


@pytest.mark.parametrize("status", ["finished", "failed", "cancelled"])
def test_timers_that_are_over(status, timers):
    fields = {"payload": {"a": 1}, "headers": {"X": "v"}, "metadata": {"m": 1}, "maxAttempts": 3}
    timer = timers.create_over(status, ATTEMPT, **fields)
    found = timers.find(timer)
    assert list(found) == SHOWN
    assert {name: found[name] for name in fields} == fields
    assert {name: found[name] for name in ("status", "timeLeft", "attempts", "nextAttemptAt",
                                           "lastAttempt")} == {
        "status": status, "timeLeft": 0, "attempts": 1, "nextAttemptAt": None,
        "lastAttempt": ATTEMPT}
    assert MOMENT.fullmatch(found["finishedAt"])


PATHS = [("GET", "/api/v1/timers/{}"), ("PATCH", "/api/v1/timers/{}"),
         ("DELETE", "/api/v1/timers/{}"), ("POST", "/api/v1/timers/{}/fire"),
         ("GET", "/api/v1/timers/{}/attempts")]


@pytest.mark.parametrize("timer", [NOBODY, str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1)),
                                   str(uuid.uuid4())])
@pytest.mark.parametrize("method, path", PATHS)
def test_ids_that_are_not_there(method, path, timer, almanac):
    body = {"delay": 5} if method == "PATCH" else None
    answer = almanac.request(method, path.format(timer), json=body)
    assert code(answer) == (404, "timer_not_found")


@pytest.mark.parametrize("timer", ["7", "batch", NOBODY[:-1], NOBODY + "0", "%00", "{}"])
@pytest.mark.parametrize("method, path", PATHS)
def test_ids_that_are_none(method, path, timer, almanac):
    body = {"delay": 5} if method == "PATCH" else None
    answer = almanac.request(method, path.format(timer), json=body)
    assert answer.status_code == 400
    if timer != "%00":
        assert faults(answer) == {"id": ("format", "must be a UUID")}


def test_methods(almanac):
    assert almanac.put("/api/v1/timers").headers["Allow"] == "POST, GET, HEAD, OPTIONS"
    answer = almanac.put(f"/api/v1/timers/{NOBODY}")
    assert (answer.status_code, answer.headers["Allow"]) == \
        (405, "GET, HEAD, PATCH, DELETE, OPTIONS")
    assert almanac.get(f"/api/v1/timers/{NOBODY}/fire").status_code == 405
    assert almanac.options("/api/v1/timer").headers["Allow"] == "POST, OPTIONS"


def test_an_answer_can_be_revalidated(almanac, timers):
    timer = timers.create_over("finished", ATTEMPT)
    for path in (f"/api/v1/timers/{timer}", f"/api/v1/timers/{timer}/attempts"):
        tag = almanac.get(path).headers["ETag"]
        again = almanac.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert almanac.head(path).headers["ETag"] == tag


# --- rescheduling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields, seconds", [({"delay": 7200}, 7200), ({"delay": "PT2H"}, 7200),
                                             ({"hours": 2}, 7200), ({"delay": 30.5}, 30.5)])
def test_a_timer_is_rescheduled_from_now(fields, seconds, timers):
    timer = timers.create(payload={"a": 1})
    before = now()
    answer = timers.change(timer["id"], **fields)
    changed = answer.json()
    assert answer.status_code == 200
    assert list(changed) == SHOWN
    assert changed["timeLeft"] == -(-seconds // 1) - 1
    due = before + datetime.timedelta(seconds=seconds)
    slack = datetime.timedelta(seconds=10)
    assert due - slack / 10 <= moment(changed["dueAt"]) <= due + slack
    assert changed["nextAttemptAt"] == changed["dueAt"]
    found = timers.find(timer["id"])
    assert found == {**changed, "timeLeft": found["timeLeft"]}
    unchanged = [name for name in SHOWN if name not in ("dueAt", "nextAttemptAt", "timeLeft")]
    assert {name: changed[name] for name in unchanged} == {name: timer[name] for name in unchanged}


def test_a_timer_is_rescheduled_to_a_time(timers):
    timer = timers.create()["id"]
    assert timers.change(timer, dueAt="2030-02-01T20:00:00.123Z").json()["dueAt"] == \
        "2030-02-01T20:00:00.123Z"


def test_a_past_time_is_now(timers):
    timer = timers.create()["id"]
    timers.put_nowhere(timer)
    changed = timers.change(timer, dueAt="2020-01-01").json()
    assert (changed["status"], changed["dueAt"]) == ("running", "2020-01-01T00:00:00.000Z")
    assert abs(moment(changed["nextAttemptAt"]) - now()) < datetime.timedelta(seconds=10)


def test_a_further_attempt_is_rescheduled(timers):
    timer = timers.create_retrying(ATTEMPT)
    changed = timers.change(timer, delay=7200).json()
    assert (changed["attempts"], changed["lastAttempt"], changed["status"]) == \
        (1, ATTEMPT, "scheduled")
    assert changed["nextAttemptAt"] == changed["dueAt"]


def test_other_fields_are_not_changed(timers):
    timer = timers.create(maxAttempts=3)
    changed = timers.change(timer["id"], delay=60, maxAttempts=9, url="http://other/").json()
    assert (changed["maxAttempts"], changed["url"]) == (3, URL)


def test_neither_running_nor_over_ones_are_changed(timers):
    running = timers.create_running()
    for change in (lambda timer: timers.change(timer, delay=5), timers.cancel):
        assert code(change(running)) == (409, "timer_running")
        for status in ("finished", "failed", "cancelled"):
            assert code(change(timers.create_over(status))) == (409, "timer_over")
    assert timers.find(running)["status"] == "running"


# --- cancelling ---------------------------------------------------------------------------------------


def test_cancel(timers):
    timer = timers.create(payload=[1], headers={"X": "v"}, metadata={"m": 1})
    answer = timers.cancel(timer["id"])
    cancelled = answer.json()
    assert answer.status_code == 200
    assert list(cancelled) == SHOWN
    assert cancelled == {**timer, "status": "cancelled", "timeLeft": 0, "nextAttemptAt": None,
                         "finishedAt": cancelled["finishedAt"]}
    assert abs(moment(cancelled["finishedAt"]) - now()) < datetime.timedelta(seconds=10)
    assert timers.find(timer["id"]) == cancelled
    assert timers.row(timer["id"], "id") is None
    assert code(timers.cancel(timer["id"])) == (409, "timer_over")


def test_a_timer_that_has_failed_once_is_cancelled(timers):
    timer = timers.create_retrying(ATTEMPT)
    assert timers.cancel(timer).json()["lastAttempt"] == ATTEMPT
    assert timers.attempts(timer) == [ATTEMPT]


def test_of_concurrent_cancels_one_wins(timers):
    timer = timers.create()["id"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [answer.status_code for answer in pool.map(timers.cancel, [timer] * 8)]
    assert sorted(answers) == [200] + [409] * 7


def test_of_a_change_and_a_cancel_nothing_is_lost(timers):
    for _ in range(20):
        timer = timers.create()["id"]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            changed = pool.submit(timers.change, timer, delay=7200)
            cancelled = pool.submit(timers.cancel, timer)
        assert cancelled.result().status_code == 200
        assert changed.result().status_code in (200, 409)
        assert timers.find(timer)["status"] == "cancelled"


# --- fire ---------------------------------------------------------------------------------------------


def test_a_scheduled_timer_is_fired_now(timers):
    timer = timers.create()
    timers.put_nowhere(timer["id"])
    answer = timers.fire(timer["id"])
    fired = answer.json()
    assert answer.status_code == 202
    assert list(fired) == SHOWN
    assert (fired["status"], fired["timeLeft"], fired["attempts"]) == ("running", 0, 0)
    assert fired["dueAt"] == fired["nextAttemptAt"]
    assert abs(moment(fired["dueAt"]) - now()) < datetime.timedelta(seconds=10)
    assert fired["createdAt"] == timer["createdAt"]
    assert code(timers.fire(timer["id"])) == (409, "timer_running")


def test_a_further_attempt_is_made_now(timers):
    timer = timers.create_retrying(ATTEMPT)
    due = timers.find(timer)["dueAt"]
    fired = timers.fire(timer).json()
    assert (fired["status"], fired["attempts"], fired["dueAt"]) == ("running", 1, due)


@pytest.mark.parametrize("status", ["finished", "failed", "cancelled"])
def test_a_timer_that_is_over_begins_anew(status, timers):
    fields = {"payload": {"a": 0.5}, "headers": {"X": "v"}, "metadata": {"m": 1}, "method": "PUT"}
    timer = timers.create_over(status, ATTEMPT, url="http://127.0.0.1:9/", **fields)
    before = timers.find(timer)
    answer = timers.fire(timer)
    fired = answer.json()
    assert answer.status_code == 202
    assert fired == {**before, "status": "running", "attempts": 0, "finishedAt": None,
                     "nextAttemptAt": fired["nextAttemptAt"]}
    assert abs(moment(fired["nextAttemptAt"]) - now()) < datetime.timedelta(seconds=10)
    assert timers.attempts(timer)[0] == ATTEMPT


def test_concurrent_replays_make_one_timer(timers):
    """Its attempts fail at once, so that it may be over again before the next request comes."""
    for _ in range(10):
        timer = timers.create_over("failed", ATTEMPT, url="http://127.0.0.1:9/")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = {answer.status_code for answer in pool.map(timers.fire, [timer] * 8)}
        assert {202} <= answers <= {202, 409}
        rows = timers.query("SELECT (SELECT count(*) FROM timers WHERE id = %s) +"
                            " (SELECT count(*) FROM timers_over WHERE id = %s)", timer, timer)
        assert rows == [(1,)]


# --- attempts -----------------------------------------------------------------------------------------


def test_attempts_are_told_from_the_oldest_on(timers):
    log = [{**ATTEMPT, "attempt": number, "error": f"é {number}"} for number in (1, 2, 3)]
    assert timers.attempts(timers.create_retrying(*log)) == log
    assert timers.attempts(timers.create_over("failed", *log)) == log


def test_no_attempts(almanac, timers):
    timer = timers.create()["id"]
    assert almanac.get(f"/api/v1/timers/{timer}/attempts").text == '{"data":[]}\n'
    timers.cancel(timer)
    assert timers.attempts(timer) == []


# --- lists --------------------------------------------------------------------------------------------


@pytest.fixture
def own_timers(start_almanac, database):
    """Of a database that holds no others."""
    set_nowhere_apart(database)
    return Timers(start_almanac())


@pytest.fixture(name="shelf")
def fixture_shelf(own_timers):
    """A database of its own with timers in all states, and how they were made."""
    timers = own_timers
    made = {"scheduled": [], "running": [], "finished": [], "failed": [], "cancelled": []}
    for _ in range(3):
        scheduled = timers.create(metadata={"m": 1}, payload={"big": 1})["id"]
        timers.put_nowhere(scheduled)
        made["scheduled"].append(scheduled)
        made["running"].append(timers.create_running())
        for status in ("finished", "failed", "cancelled"):
            made[status].append(timers.create_over(status, ATTEMPT))
    return timers, made


def test_lists_tell_the_newest_first(shelf):
    timers, made = shelf
    everything = sorted(sum(made.values(), []), reverse=True)
    assert ids(timers.almanac, "/api/v1/timers") == everything
    for limit in (1, 2, 5, 7, 15):
        assert ids(timers.almanac, f"/api/v1/timers?limit={limit}") == everything
    page = timers.almanac.get("/api/v1/timers?limit=100000").json()
    assert len(page["data"]) == 15 and page["next"] is None
    assert all(list(item) == LISTED for item in page["data"])
    for item in page["data"]:
        found = timers.find(item["id"])
        assert item == {**{name: found[name] for name in LISTED}, "timeLeft": item["timeLeft"]}


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_lists_of_one_state(limit, shelf):
    """The newest first; those that are running in the order of their attempts."""
    timers, made = shelf
    for status, expected in made.items():
        wanted = expected if status == "running" else sorted(expected, reverse=True)
        assert ids(timers.almanac, f"/api/v1/timers?status={status}&limit={limit}") == wanted, status


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_lists_in_the_order_of_due_times(limit, shelf):
    """With a bound that everybody keeps: the same timers in another order, whatever their state."""
    timers, made = shelf
    for status, expected in {**made, "": sum(made.values(), [])}.items():
        path = f"/api/v1/timers?dueAfter=2000-01-01&limit={limit}" + (f"&status={status}" if status else "")
        listed = ids(timers.almanac, path)
        assert sorted(listed) == sorted(expected), status
        due = [(timers.find(timer)["dueAt"], timer) for timer in listed]
        assert due == sorted(due) or status == "running"


def test_lists_by_due_time(own_timers):
    timers = own_timers
    made = [timers.create(dueAt=f"2030-01-0{day}T12:00:00Z")["id"] for day in range(1, 6)]
    timers.cancel(made[2])
    path = "/api/v1/timers?dueAfter=2030-01-02T12:00:00Z&dueBefore=2030-01-05T12:00:00Z"
    assert ids(timers.almanac, path) == made[1:4]
    assert ids(timers.almanac, path + "&limit=1") == made[1:4]
    assert ids(timers.almanac, path + "&status=scheduled") == [made[1], made[3]]
    assert ids(timers.almanac, path + "&status=cancelled") == [made[2]]
    assert ids(timers.almanac, path + "&status=running") == []
    assert ids(timers.almanac, path + "&status=scheduled&limit=1") == [made[1], made[3]]
    assert ids(timers.almanac, "/api/v1/timers?status=scheduled&dueBefore=2030-01-02T12:00:00Z") == \
        made[:1]
    assert ids(timers.almanac, "/api/v1/timers?status=scheduled&dueAfter=2030-01-04T12:00:00Z") == \
        made[3:]
    assert ids(timers.almanac, "/api/v1/timers?dueAfter=2030-01-05T12:00:00%2B00:00") == made[4:]
    assert ids(timers.almanac, "/api/v1/timers?dueBefore=2030-01-01") == []


def test_lists_by_due_time_of_what_was_tried_before(own_timers):
    timers = own_timers
    timer = timers.create_retrying(ATTEMPT)
    due = moment(timers.find(timer)["dueAt"])
    for status in ("", "&status=scheduled"):
        after, before = written(due), written(due + datetime.timedelta(seconds=1))
        assert ids(timers.almanac, f"/api/v1/timers?dueAfter={after}{status}") == [timer]
        assert ids(timers.almanac, f"/api/v1/timers?dueBefore={before}{status}") == [timer]
        assert ids(timers.almanac, f"/api/v1/timers?dueAfter={before}{status}") == []
        assert ids(timers.almanac, f"/api/v1/timers?dueBefore={after}{status}") == []


def test_an_empty_list(own_timers):
    almanac = own_timers.almanac
    assert almanac.get("/api/v1/timers").text == '{"data":[],"next":null}\n'
    for status in ("scheduled", "running", "finished", "failed", "cancelled"):
        assert almanac.get(f"/api/v1/timers?status={status}").json()["data"] == []


STATES = "must be one of: scheduled, running, finished, failed, cancelled"
CURSOR_RULE = "must be a cursor from an earlier answer"
FOREIGN = base64.urlsafe_b64encode(b"7").decode().rstrip("=")
BY_ID = base64.urlsafe_b64encode(b"019ab8f2-61d0-7c4e-9d2b-3f1c5e7a9b0d").decode().rstrip("=")
NAMELESS = base64.urlsafe_b64encode(b"2026-02-01 20:00:00+00|x").decode().rstrip("=")
BAD_QUERIES = [
    ("status=open", {"status": ("choice", STATES)}),
    ("status=Failed", {"status": ("choice", STATES)}),
    ("dueAfter=tomorrow", {"dueAfter": ("format", MOMENT_RULE)}),
    ("dueBefore=2030-02-30", {"dueBefore": ("format", MOMENT_RULE)}),
    ("limit=0", {"limit": ("minimum", "must be a whole number from 1 to 1000")}),
    ("limit=-1", {"limit": ("minimum", "must be a whole number from 1 to 1000")}),
    ("limit=x", {"limit": ("format", "must be a whole number from 1 to 1000")}),
    ("cursor=!", {"cursor": ("format", CURSOR_RULE)}),
    (f"cursor={FOREIGN}", {"cursor": ("format", "must be `next` of an earlier answer")}),
    (f"dueAfter=2030-01-01&cursor={BY_ID}", {"cursor": ("format", "must be `next` of an earlier answer")}),
    (f"status=running&cursor={NAMELESS}", {"cursor": ("format", "must be `next` of an earlier answer")}),
    ("status=x&limit=x", {"status": ("choice", STATES),
                          "limit": ("format", "must be a whole number from 1 to 1000")}),
]


@pytest.mark.parametrize("query, expected", BAD_QUERIES)
def test_queries_that_are_refused(query, expected, almanac):
    answer = almanac.get(f"/api/v1/timers?{query}")
    assert code(answer) == (400, "invalid_parameters")
    assert faults(answer) == expected
