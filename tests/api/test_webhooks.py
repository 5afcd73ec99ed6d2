"""POST /webhook: the table of outcomes, faults, redeliveries, signatures, and the audit of all of it."""

import base64
import concurrent.futures
import hashlib
import hmac
import itertools
import json
import pathlib
import re
import time

import pytest

from harness import almanac as daemons
from harness.tasks import Tasks, body_of, new_id, numbers

CASES = pathlib.Path(__file__).resolve().parents[1] / "world" / "tasks" / "cases.jsonl"
TEN, ELEVEN, TWELVE, NOON1 = (f"2026-01-01T{hour}:00:00Z" for hour in (10, 11, 12, 13))
ANSWERS = {202: None, 400: {"detail": "Invalid event status"}, 404: {"detail": "Task not found"},
           409: {"detail": "Duplicate task creation"}}


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    """One daemon for all; each story has tasks of its own."""
    return start_module_almanac()


@pytest.fixture
def tasks(almanac):
    return Tasks(almanac)


def ms(moment):
    return moment.replace("Z", ".000Z")


# --- the cases ----------------------------------------------------------------------------------------


def cases():
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"].replace(" ", "-"))
def test_case(tasks, case):
    for step in case["steps"]:
        body = step["body"]
        raw = body["raw"].encode() if "raw" in body else body
        answer = tasks.post(raw, step.get("headers"))
        expected = step["expect"]
        assert answer.status_code in (expected if isinstance(expected, list) else [expected])
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.text.endswith("\n")
        if answer.status_code in ANSWERS:
            assert answer.json() == ANSWERS[answer.status_code]
        else:
            assert all(set(fault) >= {"type", "loc", "msg", "input"}
                       for fault in answer.json()["detail"])


# --- the table ----------------------------------------------------------------------------------------

CREATE = ("created", TEN, {})
COMPLETE = ("updated", ELEVEN, {"isCompleted": True})
DELETE = ("deleted", ELEVEN, {})

# What came before, what comes, its answer, and the task after it.
TABLE = {
    "created, unknown": ([], ("created", TEN, {}), 202, ("open", "Buy milk", None, None)),
    "created completed, unknown": ([], ("created", TEN, {"isCompleted": True}), 202,
                                   ("completed", "Buy milk", TEN, None)),
    "created, known": ([CREATE], ("created", ELEVEN, {"content": "x"}), 409,
                       ("open", "Buy milk", None, None)),
    "created, deleted": ([CREATE, DELETE], ("created", TWELVE, {}), 409,
                         ("deleted", "Buy milk", None, ELEVEN)),
    "completed, open": ([CREATE], ("updated", ELEVEN, {"isCompleted": True}), 202,
                        ("completed", "Buy milk", ELEVEN, None)),
    "updated, open": ([CREATE], ("updated", ELEVEN, {"content": "x"}), 202,
                      ("open", "x", None, None)),
    "completed again": ([CREATE, COMPLETE],
                        ("updated", TWELVE, {"isCompleted": True, "content": "x"}), 202,
                        ("completed", "x", ELEVEN, None)),
    "reopened": ([CREATE, COMPLETE], ("updated", TWELVE, {"content": "x"}), 202,
                 ("open", "x", None, None)),
    "reopened at the same time": ([CREATE, COMPLETE], ("updated", ELEVEN, {}), 202,
                                  ("completed", "Buy milk", ELEVEN, None)),
    "reopened by an older one": ([CREATE, ("updated", TWELVE, {"isCompleted": True})],
                                 ("updated", ELEVEN, {"content": "x"}), 202,
                                 ("completed", "Buy milk", TWELVE, None)),
    "updated, deleted": ([CREATE, DELETE], ("updated", TWELVE, {"content": "x"}), 400,
                         ("deleted", "Buy milk", None, ELEVEN)),
    "completed, deleted": ([CREATE, DELETE], ("updated", TWELVE, {"isCompleted": True}), 400,
                           ("deleted", "Buy milk", None, ELEVEN)),
    "deleted, open": ([CREATE], ("deleted", ELEVEN, {}), 202,
                      ("deleted", "Buy milk", None, ELEVEN)),
    "deleted, completed": ([CREATE, COMPLETE], ("deleted", TWELVE, {}), 202,
                           ("deleted", "Buy milk", ELEVEN, TWELVE)),
    "deleted again": ([CREATE, DELETE], ("deleted", TWELVE, {}), 202,
                      ("deleted", "Buy milk", None, ELEVEN)),
    "deleted before it was created": ([CREATE], ("deleted", "2026-01-01T09:00:00Z", {}), 202,
                                      ("deleted", "Buy milk", None, "2026-01-01T09:00:00Z")),
    "nonsense, open": ([CREATE], ("renamed", ELEVEN, {"content": "x"}), 400,
                       ("open", "Buy milk", None, None)),
    "explicit completed": ([CREATE], ("completed", ELEVEN, {}), 202,
                           ("completed", "Buy milk", ELEVEN, None)),
    "explicit reopened": ([CREATE, COMPLETE], ("reopened", TWELVE, {"isCompleted": True}), 202,
                          ("open", "Buy milk", None, None)),
    "explicit content_updated": ([CREATE, COMPLETE], ("content_updated", TWELVE, {"content": "x"}),
                                 202, ("completed", "x", ELEVEN, None)),
    "content_updated, deleted": ([CREATE, DELETE], ("content_updated", TWELVE, {"content": "x"}),
                                 400, ("deleted", "Buy milk", None, ELEVEN)),
    "an older content": ([CREATE, ("updated", TWELVE, {"content": "new"})],
                         ("content_updated", ELEVEN, {"content": "old"}), 202,
                         ("open", "new", None, None)),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_table(tasks, name):
    before, (event, at, metadata), status, state = TABLE[name]
    task = new_id()
    for earlier, earlier_at, fields in before:
        tasks.must(earlier, task, earlier_at, **fields)
    answer = tasks.must(event, task, at, status=status, **metadata)
    assert answer.json() == ANSWERS[status]
    assert tasks.state(task) == tuple(ms(part) if part and part.endswith("Z") else part
                                      for part in state)


@pytest.mark.parametrize("event", ["updated", "deleted", "completed", "reopened", "content_updated"])
def test_an_unknown_task_is_not_found(tasks, event):
    task = new_id()
    assert tasks.must(event, task, status=404).json() == ANSWERS[404]
    assert tasks.almanac.get(f"/api/v1/tasks/{task}").status_code == 404


@pytest.mark.parametrize("event", ["", "Created", "created ", "renamed", "x" * 5000])
def test_another_event_is_refused_whatever_the_task(tasks, event):
    assert tasks.must(event, new_id(), status=400).json() == ANSWERS[400]


def test_the_user_changes_with_the_content(tasks):
    task = new_id()
    tasks.must("created", task, TEN, userId="u1")
    tasks.must("updated", task, ELEVEN, userId="u2", content="x")
    assert tasks.find(task)["userId"] == "u2"


def test_both_paths_are_the_same(tasks):
    task = new_id()
    body = body_of("created", task)
    assert tasks.almanac.post("/webhook/", body).status_code == 202
    assert tasks.almanac.post("/webhook", body).status_code == 409


def test_of_twenty_creations_at_once_one_is_accepted(tasks):
    task = new_id()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: tasks.send("created", task), range(20)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 19


# --- any order ----------------------------------------------------------------------------------------

LIFE = [("created", TEN, {"content": "a"}), ("updated", ELEVEN, {"content": "b"}),
        ("updated", TWELVE, {"isCompleted": True, "content": "c"}),
        ("updated", NOON1, {"content": "d"}),
        ("updated", "2026-01-01T14:00:00Z", {"isCompleted": True, "content": "e"}),
        ("deleted", "2026-01-01T15:00:00Z", {})]
TIES = [("created", TEN, {"content": "a"}), ("updated", TWELVE, {"content": "c"}),
        ("updated", TWELVE, {"content": "b"}),
        ("completed", TWELVE, {"content": "d"}),
        ("updated", ELEVEN, {"isCompleted": True, "content": "e"}),
        ("content_updated", TWELVE, {"content": "z"})]
LATE_DELETION = [("created", TEN, {"content": "a"}), ("updated", ELEVEN, {"isCompleted": True}),
                 ("deleted", TWELVE, {}), ("updated", NOON1, {"content": "x"}),
                 ("reopened", NOON1, {}), ("deleted", NOON1, {})]
ENDS = {"life": (LIFE, ("deleted", "e", "2026-01-01T14:00:00.000Z", "2026-01-01T15:00:00.000Z")),
        "ties": (TIES, ("completed", "d", ms(TWELVE), None)),
        "deleted in the middle": (LATE_DELETION,
                                  ("deleted", "Buy milk", ms(ELEVEN), ms(TWELVE)))}


@pytest.mark.parametrize("name", ENDS)
def test_all_permutations_of_six_events_end_in_one_state(tasks, name):
    events, end = ENDS[name]

    def play(order):
        task = f"{name}-{next(numbers)}"
        for event, at, metadata in order:
            assert tasks.send(event, task, at, **metadata).status_code in (202, 400, 404)
        return tasks.state(task)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        states = set(pool.map(play, itertools.permutations(events)))
    assert states == {end}


def test_facts_that_come_at_once_end_in_the_same_state(tasks):
    for _ in range(20):
        task = new_id()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda fact: tasks.send(fact[0], task, fact[1], **fact[2]), LIFE))
        assert tasks.state(task) == ENDS["life"][1]


# --- faults -------------------------------------------------------------------------------------------


def faults(answer):
    """{place: type}"""
    assert answer.status_code == 422, answer.text
    return {".".join(fault["loc"]): fault["type"] for fault in answer.json()["detail"]}


def test_all_faults_are_told_at_once(tasks):
    answer = tasks.post({"event": 7, "timestamp": "yesterday",
                         "metadata": {"userId": "", "content": None, "isCompleted": "yes"}})
    assert faults(answer) == {
        "body.event": "string_type", "body.timestamp": "datetime_from_date_parsing",
        "body.metadata.userId": "string_too_short", "body.metadata.id": "missing",
        "body.metadata.content": "string_type", "body.metadata.isCompleted": "bool_parsing"}
    missing = [fault for fault in answer.json()["detail"] if fault["type"] == "missing"]
    assert missing == [{"type": "missing", "loc": ["body", "metadata", "id"],
                        "msg": "Field required",
                        "input": {"userId": "", "content": None, "isCompleted": "yes"}}]


WRONG = [
    ({}, {"body.event": "missing", "body.timestamp": "missing", "body.metadata": "missing"}),
    ([], {"body": "model_attributes_type"}),
    ("text", {"body": "model_attributes_type"}),
    (None, {"body": "model_attributes_type"}),
    ({**body_of("created", "x"), "metadata": []}, {"body.metadata": "model_attributes_type"}),
    (body_of("created", "x", at=7), {"body.timestamp": "datetime_type"}),
    (body_of("created", "x", at=""), {"body.timestamp": "datetime_from_date_parsing"}),
    (body_of("created", "x", at="now"), {"body.timestamp": "datetime_from_date_parsing"}),
    (body_of("created", "x", at="infinity"), {"body.timestamp": "datetime_from_date_parsing"}),
    (body_of("created", "x", at="2026-06-31T10:00:00Z"), {"body.timestamp": "datetime_parsing"}),
    (body_of("created", "x", at="2026-01-01T25:00:00Z"), {"body.timestamp": "datetime_parsing"}),
    (body_of("created", "x", isCompleted=1), {"body.metadata.isCompleted": "bool_parsing"}),
    (body_of("created", "x", isCompleted=None), {"body.metadata.isCompleted": "bool_type"}),
    (body_of("created", 7), {"body.metadata.id": "string_type"}),
    (body_of("created", ""), {"body.metadata.id": "string_too_short"}),
    (body_of("created", "x" * 1001), {"body.metadata.id": "string_too_long"}),
    (body_of("created", "x", userId="é" * 501), {"body.metadata.userId": "string_too_long"}),
    (b"", {"body": "missing"}),
    (b"{", {"body": "json_invalid"}),
    (b'{"event":"created","event":"created"}', {"body": "json_invalid"}),
    (b'{"event":"\\u0000"}', {"body": "json_invalid"}),
    (b'{"event":"\xff"}', {"body": "json_invalid"}),
]


@pytest.mark.parametrize("body,expected", WRONG, ids=range(len(WRONG)))
def test_a_faulty_body(tasks, body, expected):
    assert faults(tasks.post(body)) == expected


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type(tasks, kind):
    answer = tasks.post(body_of("created", new_id()), {"Content-Type": kind})
    assert faults(answer) == {"body": "model_attributes_type"}
    assert answer.json()["detail"][0]["input"].startswith('{"event"')


def test_a_large_input_is_cut_and_a_body_beyond_the_limit_refused(tasks):
    answer = tasks.post(body_of("created", new_id(), at="x" * 100000))
    assert faults(answer) == {"body.timestamp": "datetime_from_date_parsing"}
    assert len(answer.content) < 10000
    assert tasks.post(b" " * (2 ** 20 + 1)).status_code == 413


@pytest.mark.parametrize("given,told", [
    ("2026-01-01T10:00:00", "2026-01-01T10:00:00.000Z"),
    ("2026-01-01T10:00:00+02:00", "2026-01-01T08:00:00.000Z"),
    ("2026-01-01 10:00:00.123456Z", "2026-01-01T10:00:00.123Z"),
    ("2026-01-01", "2026-01-01T00:00:00.000Z"),
    ("20260101T100000Z", "2026-01-01T10:00:00.000Z"),
    ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
])
def test_spellings_of_the_timestamp(tasks, given, told):
    task = new_id()
    tasks.must("created", task, given)
    assert tasks.find(task)["createdAt"] == told


def test_text_of_all_kinds_is_kept(tasks):
    task = "a/b:c🎉 %2F?#" + new_id()
    content = "\u0001 \"quoted\" \\ 🎉\n" + "x" * 500000
    tasks.must("created", task, userId="../x", content=content)
    listed = tasks.almanac.get("/api/v1/tasks", params={"userId": "../x"}).json()["data"]
    assert [(item["id"], item["content"]) for item in listed if item["id"] == task] == \
        [(task, content)]


# --- redeliveries -------------------------------------------------------------------------------------


def test_a_redelivery_gets_the_first_answer_again(tasks):
    task, headers = new_id(), {"webhook-id": new_id()}
    for _ in range(3):
        tasks.must("created", task, headers=headers)
    tasks.must("created", task, status=409)
    tasks.must("updated", task, ELEVEN, content="x")
    tasks.must("created", task, headers=headers)
    repeated = [item["isRepeat"] for item in tasks.audit(6)]
    assert repeated == [True, False, False, True, True, False]


def test_a_refusal_is_repeated_too(tasks):
    task, headers = new_id(), {"webhook-id": new_id()}
    tasks.must("updated", task, ELEVEN, headers=headers, status=404)
    tasks.must("created", task)
    tasks.must("updated", task, ELEVEN, headers=headers, status=404)
    tasks.must("updated", task, ELEVEN)


def test_the_same_id_with_another_body_is_another_webhook(tasks):
    headers = {"webhook-id": new_id()}
    tasks.must("created", new_id(), headers=headers)
    tasks.must("created", new_id(), headers=headers)


def test_redeliveries_at_once(tasks):
    task, headers = new_id(), {"webhook-id": new_id()}
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: tasks.send("created", task, headers=headers), range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert len([item for item in tasks.audit() if item["taskId"] == task
                and not item["isRepeat"]]) == 1


# --- signatures ---------------------------------------------------------------------------------------

KEY, OTHER = b"k" * 32, b"o" * 24


def secret(key):
    return "whsec_" + base64.b64encode(key).decode()


def signed(body, key=KEY, identity=None, at=None):
    identity, at = identity or new_id(), str(int(at or time.time()))
    digest = hmac.new(key, f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": identity, "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(digest).decode()}


@pytest.fixture(scope="module")
def guarded(start_module_almanac):
    return Tasks(start_module_almanac(WEBHOOK_VERIFY_SECRETS=f"{secret(OTHER)}, {secret(KEY)}"))


def raw():
    return json.dumps(body_of("created", new_id())).encode()


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_a_good_signature(guarded, key):
    body = raw()
    assert guarded.post(body, signed(body, key)).status_code == 202


def test_one_of_several_signatures_is_enough(guarded):
    body = raw()
    headers = signed(body)
    headers["webhook-signature"] = f"v1a,AAAA v1,AAAA {headers['webhook-signature']} v2,x"
    assert guarded.post(body, headers).status_code == 202


@pytest.mark.parametrize("spoil", [
    lambda headers: headers.pop("webhook-signature"),
    lambda headers: headers.pop("webhook-id"),
    lambda headers: headers.pop("webhook-timestamp"),
    lambda headers: headers.update({"webhook-signature": "v1,"}),
    lambda headers: headers.update({"webhook-signature": headers["webhook-signature"][3:]}),
    lambda headers: headers.update({"webhook-id": "another"}),
    lambda headers: headers.update({"webhook-timestamp": str(int(time.time()) + 1)}),
    lambda headers: headers.update({"webhook-timestamp": "yesterday"}),
])
def test_a_bad_signature(guarded, spoil):
    body = raw()
    headers = signed(body)
    spoil(headers)
    answer = guarded.post(body, headers)
    assert answer.status_code == 401
    assert re.fullmatch(r"[A-Z][a-z ]+", answer.json()["detail"])
    assert guarded.audit(1)[0]["status"] == 401


@pytest.mark.parametrize("age,status", [(290, 202), (-290, 202), (310, 401), (-310, 401)])
def test_five_minutes_are_tolerated(guarded, age, status):
    body = raw()
    assert guarded.post(body, signed(body, at=time.time() - age)).status_code == status


def test_another_body_under_the_signature(guarded):
    body = raw()
    assert guarded.post(body + b" ", signed(body)).status_code == 401
    assert guarded.post(body, signed(body, b"x" * 32)).status_code == 401


@pytest.mark.parametrize("text", ["secret", "whsec_", "whsec_!!!", secret(b"k" * 23),
                                  secret(b"k" * 65), secret(KEY) + ","])
def test_a_malformed_secret_ends_the_start_and_is_not_told(text):
    done = daemons.run("check", WEBHOOK_VERIFY_SECRETS=text, DATABASE_URL="postgresql://127.0.0.1:1/x")
    assert done.returncode == 2
    assert "WEBHOOK_VERIFY_SECRETS: secret" in done.stderr
    assert base64.b64encode(KEY[:23]).decode()[:20] not in done.stderr


# --- the audit ----------------------------------------------------------------------------------------


def test_every_webhook_is_kept_with_its_answer(tasks):
    task = new_id()
    headers = {"User-Agent": "sender/1", "X-Request-Id": "abc", "webhook-id": "é"}
    bodies = [json.dumps(body_of(event, task)).encode() for event in ("created", "created", "no")]
    bodies += [b"{", b"\xff\x00", b""]
    statuses = [tasks.post(body, headers).status_code for body in bodies]
    assert statuses == [202, 202, 400, 422, 422, 422]
    kept = tasks.audit(len(bodies))[::-1]
    assert [item["status"] for item in kept] == statuses
    assert [item["bodyBytes"] for item in kept] == [len(body) for body in bodies]
    assert [item["body"] for item in kept[:4]] == [body.decode() for body in bodies[:4]]
    assert (kept[4]["body"], kept[4]["bodyHex"]) == (None, "ff00")
    assert kept[0]["answer"] is None and kept[3]["answer"]["detail"][0]["type"] == "json_invalid"
    assert kept[0]["headers"]["user-agent"] == "sender/1"
    assert kept[0]["headers"]["x-request-id"] == "abc"
    for item in kept:
        assert tasks.almanac.get(f"/api/v1/webhooks/{item['id']}").json() == item


def test_a_large_body_is_shown_in_part_by_the_list_and_whole_by_itself(tasks):
    body = json.dumps(body_of("created", new_id(), content="é" * 5000), ensure_ascii=False).encode()
    assert tasks.post(body).status_code == 202
    item = tasks.audit(1)[0]
    assert item["bodyBytes"] == len(body) and 4090 < len(item["body"].encode()) <= 4096
    assert body.decode().startswith(item["body"])
    assert tasks.almanac.get(f"/api/v1/webhooks/{item['id']}").json()["body"] == body.decode()


def test_the_audit_is_walked_page_by_page(tasks):
    for _ in range(7):
        tasks.must("created", new_id())
    path, seen = "/api/v1/webhooks?limit=3", []
    while path and len(seen) < 7:
        answer = tasks.almanac.get(path)
        seen += [item["id"] for item in answer.json()["data"]]
        path = answer.links.get("next", {}).get("url")
    assert seen == sorted(seen, reverse=True) and len(set(seen)) == len(seen)
    for path in ("/api/v1/webhooks?cursor=!", "/api/v1/webhooks?cursor=YQ",
                 "/api/v1/webhooks?limit=0", "/api/v1/webhooks/0"):
        assert tasks.almanac.get(path).status_code == 400
    assert tasks.almanac.get("/api/v1/webhooks/999999999").status_code == 404


def test_metrics_count_webhooks_by_outcome(tasks):
    before = tasks.almanac.metric("almanac_webhooks_received_total", outcome="accepted")
    tasks.must("created", new_id())
    after = tasks.almanac.metric("almanac_webhooks_received_total", outcome="accepted")
    assert after == before + 1


def test_other_methods(almanac):
    answer = almanac.get("/webhook")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")
