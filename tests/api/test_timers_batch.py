"""Timers by the batch: arrays and lines, each item judged by itself, all good ones stored together."""

import json
import re

import pytest

from harness.timers import LISTED, URL, Timers, code, moment

PATH = "/api/v1/timers/batch"
GOOD = {"url": URL, "delay": 3600}
ONE = "is required, or dueAt, or hours, minutes and seconds"


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    return start_module_almanac()


@pytest.fixture(name="timers", scope="module")
def fixture_timers(almanac):
    return Timers(almanac)


def post_lines(almanac, *lines, content_type="application/x-ndjson"):
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return almanac.post(PATH, data=body.encode(), headers={"Content-Type": content_type})


def post_text(almanac, body):
    return almanac.post(PATH, data=body, headers={"Content-Type": "application/json"})


def items(answer):
    """The items of an answer, whose numbers are judged here."""
    assert answer.status_code == 200, answer.text
    assert answer.text.endswith("}\n")
    told = answer.json()
    assert list(told) == ["data", "created", "failed"]
    assert [item["index"] for item in told["data"]] == list(range(len(told["data"])))
    statuses = [item["status"] for item in told["data"]]
    assert (statuses.count(201), statuses.count(422)) == (told["created"], told["failed"])
    assert len(statuses) == told["created"] + told["failed"]
    return told["data"]


def errors(item):
    """[(field, rule, message)] of an item that was refused."""
    assert list(item) == ["index", "status", "errors"]
    return [(fault["field"], fault["rule"], fault["message"]) for fault in item["errors"]]


def count(timers):
    (rows,), = timers.query("SELECT count(*) FROM timers")
    return rows


# --- what is created ----------------------------------------------------------------------------------

MIXED = [
    {"url": "Receiver:3000/a", "delay": "PT1H", "payload": {"a": [0.1, None]}, "method": "PUT",
     "headers": {"X-A": "é, \"quoted\" {x}"}, "metadata": {"m": 1}, "maxAttempts": 2,
     "timeoutMs": 500},
    {"url": "https://b/", "dueAt": "2030-02-01T20:00:00.123Z"},
    {"url": "c", "hours": 1, "minutes": 2, "seconds": 3, "payload": None},
    {"url": "d", "delay": 0.5, "payload": "NULL"},
]


def test_every_item_is_a_timer_as_if_it_came_alone(almanac, timers):
    told = items(almanac.post(PATH, MIXED))
    assert all(list(item) == ["index", "status", "timer"] for item in told)
    assert all(list(item["timer"]) == LISTED for item in told)
    for item, given in zip(told, MIXED):
        alone = timers.create(**given)
        found = timers.find(item["timer"]["id"])
        of_its_time = ("id", "dueAt", "nextAttemptAt", "createdAt", "timeLeft", "status")
        assert {name: found[name] for name in found if name not in of_its_time} == \
            {name: alone[name] for name in alone if name not in of_its_time}
        for name in ("id", "dueAt", "nextAttemptAt", "createdAt", "metadata"):
            assert item["timer"][name] == found[name]
        assert item["timer"]["timeLeft"] == alone["timeLeft"]
        assert moment(found["dueAt"]) - moment(found["createdAt"]) == \
            moment(alone["dueAt"]) - moment(alone["createdAt"]) or "dueAt" in given
    assert timers.find(told[1]["timer"]["id"])["dueAt"] == "2030-02-01T20:00:00.123Z"


def test_ids_follow_the_order_of_the_items(almanac):
    made = [item["timer"]["id"] for item in items(almanac.post(PATH, [GOOD] * 100))]
    assert made == sorted(made)
    assert len(set(made)) == 100
    page = almanac.get("/api/v1/timers?limit=100").json()["data"]
    assert [item["id"] for item in page] == made[::-1]


def test_a_thousand(almanac, timers):
    before = count(timers)
    told = items(almanac.post(PATH, [{**GOOD, "payload": number} for number in range(1000)]))
    assert all(item["status"] == 201 for item in told)
    assert count(timers) == before + 1000
    assert timers.find(told[777]["timer"]["id"])["payload"] == 777


def test_the_request_is_known_again(almanac, timers):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    made = items(almanac.post(PATH, [GOOD, GOOD], headers={"X-Request-Id": "many-7",
                                                           "traceparent": parent}))
    for item in made:
        assert timers.row(item["timer"]["id"], "request_id, traceparent") == ("many-7", parent)


def test_payloads_stay_as_they_were_written(almanac):
    body = b'[{"url":"a","delay":60,"payload":{"n": 0.10, "e":1E2}} ,\n{"url":"a","delay":60}]'
    made = items(post_text(almanac, body))
    assert '"payload":{"n":0.10,"e":1E2},' in \
        almanac.get(f"/api/v1/timers/{made[0]['timer']['id']}").text


def test_destinations(almanac, timers):
    made = items(almanac.post(PATH, [{"url": "HTTPS://Receiver/x", "delay": 60}]))
    assert timers.row(made[0]["timer"]["id"], "url, destination, shard BETWEEN 0 AND 63") == \
        ("HTTPS://Receiver/x", "https://receiver:443", True)


# --- lines --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/ndjson",
                                          "Application/X-NDJSON; charset=utf-8"])
def test_one_object_a_line(content_type, almanac):
    told = items(post_lines(almanac, GOOD, {**GOOD, "payload": "a\nb"}, content_type=content_type))
    assert [item["status"] for item in told] == [201, 201]


def test_line_ends_and_empty_lines(almanac):
    line = json.dumps(GOOD)
    for body in (line, line + "\n", f"\n\n{line}\r\n\r\n", f"  {line}\t\n"):
        assert len(items(post_lines(almanac, body))) == 1


def test_a_bad_line_spoils_only_itself(almanac, timers):
    before = count(timers)
    told = items(post_lines(almanac, GOOD, '{"url":', GOOD, "[1]", '{"url":"\\ud800"}', GOOD))
    assert [item["status"] for item in told] == [201, 422, 201, 422, 422, 201]
    assert count(timers) == before + 3
    (field, rule, message), = errors(told[1])
    assert (field, rule) == ("", "format")
    assert message.startswith("must be JSON: line 1, column ")
    assert errors(told[3]) == [("", "type", "must be an object, not an array")]


# --- what is refused ----------------------------------------------------------------------------------

BAD = [
    ({}, [("url", "required", "is required"), ("delay", "required", ONE)]),
    ({"url": "ftp://a", "delay": 1}, [("url", "format", "must be http or https")]),
    ({"url": URL, "delay": -1}, [("delay", "minimum", "must be from 0 to 315360000 seconds")]),
    ({"url": URL, "hours": 87601},
     [("hours", "maximum", "must be a whole number from 0 to 87600")]),
    ({"url": URL, "dueAt": "9999-01-01"},
     [("dueAt", "maximum", "must be within 10 years (87,600 hours) from now")]),
    ({"url": URL, "delay": 1, "hours": 1},
     [("hours", "conflict", "must not be given beside delay, nor may minutes or seconds")]),
    ({"url": URL, "delay": 1, "method": "HEAD", "headers": {"Host": "a"}, "maxAttempts": 21},
     [("method", "choice", "must be one of: POST, PUT, PATCH, GET, DELETE"),
      ("headers", "refused", "must not set Host"),
      ("maxAttempts", "maximum", "must be a whole number from 1 to 20")]),
    ({"url": URL, "delay": 1, "payload": "x" * 262143},
     [("payload", "length", "must be at most 262144 bytes long")]),
    ({"url": URL, "delay": 1, "more": "x" * 600000},
     [("", "length", "must be at most 524288 bytes long")]),
    (7, [("", "type", "must be an object, not a number")]),
    (None, [("", "type", "must be an object, not null")]),
    ([GOOD], [("", "type", "must be an object, not an array")]),
]


@pytest.mark.parametrize("bad, expected", BAD)
def test_an_item_that_is_refused_is_not_stored_at_all(bad, expected, almanac, timers):
    before = count(timers)
    for answer in (almanac.post(PATH, [GOOD, bad, GOOD]), post_lines(almanac, GOOD, bad, GOOD)):
        told = items(answer)
        assert [item["status"] for item in told] == [201, 422, 201]
        assert errors(told[1]) == expected
    assert count(timers) == before + 4


def test_nothing_good(almanac, timers):
    before = count(timers)
    told = items(almanac.post(PATH, [{}, 7]))
    assert [item["status"] for item in told] == [422, 422]
    assert count(timers) == before


def test_nothing_at_all(almanac):
    for answer in (almanac.post(PATH, []), post_lines(almanac, ""), post_lines(almanac, "", "")):
        assert answer.text == '{"data":[],"created":0,"failed":0}\n'
        assert answer.status_code == 200


def test_too_many(almanac, timers):
    before = count(timers)
    for answer in (almanac.post(PATH, [GOOD] * 1001), post_lines(almanac, *[GOOD] * 1001)):
        assert code(answer) == (422, "invalid_body")
        assert answer.json()["detail"] == "at most 1000 timers are taken at once"
    assert count(timers) == before


BROKEN = [b"", b"[", b"{", b"nul", b'[{"url":"a","delay":1}', b'[{"url":"a","delay":1},]', b"[]]",
          b'[{"url":"a","delay":1}] x', b'[{"url":"a" "delay":1}]', b"[nul]", b'[{"a":1]]',
          b'[{"url":"a","url":"b","delay":1}]', b'[{"url":"\xff","delay":1}]', b'["a]',
          b'[{"url":"a","delay":1\0}]']


@pytest.mark.parametrize("body", BROKEN)
def test_a_broken_array_is_refused_as_a_whole(body, almanac, timers):
    before = count(timers)
    assert code(post_text(almanac, body)) == (400, "bad_json")
    assert count(timers) == before


def test_where_an_array_is_broken(almanac):
    answer = post_text(almanac, b'[{"url":"a","delay":1},{"url" 7}]')
    assert re.match(r"item 1: line 1, column \d+: ", answer.json()["detail"])
    assert post_text(almanac, b"[1,").json()["detail"] == "the array is broken at item 1"


@pytest.mark.parametrize("body, kind", [(b"{}", "an object"), (b"7", "a number"), (b"null", "null"),
                                        (b' "[]" ', "a string")])
def test_other_values_than_arrays(body, kind, almanac):
    answer = post_text(almanac, body)
    assert code(answer) == (422, "invalid_body")
    assert answer.json()["detail"] == f"the body must be an array, not {kind}"


def test_a_large_object_is_not_read(almanac):
    answer = almanac.post(PATH, {"a": "x" * 600000})
    assert code(answer) == (422, "invalid_body")
    assert answer.json()["detail"] == "the body must be an array"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded",
                                          "application/xml", "application/jsonlines", None])
def test_bodies_of_another_type(content_type, almanac):
    headers = {"Content-Type": content_type} if content_type else {}
    answer = almanac.post(PATH, data=json.dumps([GOOD]).encode(), headers=headers)
    assert code(answer) == (415, "not_json")
    assert answer.json()["detail"] == \
        "Content-Type must be application/json or application/x-ndjson"


def test_the_largest_body(almanac):
    most = [{**GOOD, "payload": "x" * 262140}] * 63
    assert len(json.dumps(most)) < 16 << 20
    assert all(item["status"] == 201 for item in items(almanac.post(PATH, most, timeout=(2, 30))))
    assert code(almanac.post(PATH, [*most, *most[:2]])) == (413, "body_too_large")


def test_methods(almanac):
    assert almanac.options(PATH).headers["Allow"] == \
        "POST, GET, HEAD, PATCH, DELETE, OPTIONS"
    assert code(almanac.get(PATH)) == (400, "invalid_parameters")
