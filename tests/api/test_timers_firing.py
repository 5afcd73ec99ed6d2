"""Timers fire: receivers of every kind, retries, dead letters and their replay, what is sent, where it may
go, and what /metrics says of it."""

import email.utils
import json
import socket
import subprocess
import time
import uuid

import pytest

from harness.processes import wait_until
from harness.sink import Sink, moment

RETRY = 0.2
SETTINGS = {"WEBHOOK_ALLOW": "loopback", "TIMER_RETRY_SECONDS": f"{RETRY},0.4,0.8"}
SECRETS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "QUJD" * 8)


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    return start_module_almanac(**SETTINGS)


def create(almanac, url, **fields):
    answer = almanac.post("/api/v1/timers", {"url": url, "delay": 0, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def find(almanac, timer):
    return almanac.get(f"/api/v1/timers/{timer}").json()


def wait_for_status(almanac, timer, status, seconds=15.0):
    wait_until(lambda: find(almanac, timer)["status"] == status, seconds, f"it is {status}")
    return find(almanac, timer)


def attempts(almanac, timer):
    return almanac.get(f"/api/v1/timers/{timer}/attempts").json()["data"]


def serve(world, path, **trouble):
    world.serve(path, trouble.pop("body", b"answer"), **trouble)
    return world.url(path)


# --- how it ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_good_answer_finishes_it(almanac, world, status):
    timer = create(almanac, serve(world, "/hook", status=status))
    found = wait_for_status(almanac, timer, "finished")
    assert found["attempts"] == 1 and found["lastAttempt"]["status"] == status
    assert found["finishedAt"] is not None and found["nextAttemptAt"] is None
    time.sleep(2 * RETRY)
    assert len(world.requests_to("/hook")) == 1


FAILURES = {
    "302": {"status": 302, "redirect": "/elsewhere"},
    "400": {"status": 400},
    "404": {"status": 404},
    "500": {"status": 500},
    "502": {"status": 502},
    "hang": {"hang": True},
    "cut": {"cut": 0.5, "body": b"x" * 1000},
    "reset": {"reset": True},
    "endless": {"endless": True, "status": 500},
}


@pytest.mark.parametrize("kind", FAILURES)
def test_what_is_not_good_is_tried_again_and_then_a_dead_letter(almanac, world, kind):
    url = serve(world, "/hook", **FAILURES[kind])
    timer = create(almanac, url, maxAttempts=2, timeoutMs=500)
    found = wait_for_status(almanac, timer, "failed")
    assert found["attempts"] == 2
    log = attempts(almanac, timer)
    assert [attempt["attempt"] for attempt in log] == [1, 2]
    status = FAILURES[kind].get("status")
    assert all(attempt["status"] == status or attempt["error"] for attempt in log), log
    assert len(world.requests_to("/hook")) == 2
    assert not world.requests_to("/elsewhere")


def test_gone_ends_it_at_once(almanac, world):
    timer = create(almanac, serve(world, "/hook", status=410))
    assert wait_for_status(almanac, timer, "failed")["attempts"] == 1
    time.sleep(2 * RETRY)
    assert len(world.requests_to("/hook")) == 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("url, words", [
    (f"http://127.0.0.1:{free_port()}/", "connection refused"),
    ("http://no-such-host.invalid/", "could not resolve"),
])
def test_who_is_not_there_is_tried_again(almanac, url, words):
    timer = create(almanac, url, maxAttempts=2)
    wait_for_status(almanac, timer, "failed", 30)
    assert all(words in attempt["error"] for attempt in attempts(almanac, timer))


def test_what_answers_well_in_the_end_is_finished(almanac, world):
    world.script("/hook", [{"status": 500}, {"status": 503}, {"status": 200}])
    timer = create(almanac, world.url("/hook"))
    found = wait_for_status(almanac, timer, "finished")
    assert found["attempts"] == 3
    assert [attempt["status"] for attempt in attempts(almanac, timer)] == [500, 503, 200]


def test_retries_come_at_the_written_times_with_jitter(almanac, world):
    url = serve(world, "/hook", status=500)
    timer = create(almanac, url, maxAttempts=4)
    wait_for_status(almanac, timer, "failed", 20)
    times = [request.time for request in world.requests_to("/hook")]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    for gap, base in zip(gaps, (RETRY, 0.4, 0.8)):
        assert base * 0.5 <= gap <= base * 1.5 + 1.0  # the machine may be busy, never early


def test_between_attempts_it_is_scheduled_again(almanac, world):
    url = serve(world, "/hook", status=503, retry_after="60")
    timer = create(almanac, url)
    wait_until(lambda: find(almanac, timer)["attempts"] == 1, 10, "the first attempt is over")
    found = find(almanac, timer)
    assert found["status"] == "scheduled"
    assert 50 < moment(found["nextAttemptAt"]) - time.time() < 61
    assert almanac.delete(f"/api/v1/timers/{timer}").status_code == 200
    assert find(almanac, timer)["status"] == "cancelled"


@pytest.mark.parametrize("status, retry_after, least, most", [
    (429, "30", 25, 31),
    (503, "in two minutes", 60, 121),
    (429, "soon", 0.0, 2),
    (500, "30", 0.0, 2),
])
def test_retry_after(almanac, world, status, retry_after, least, most):
    if retry_after == "in two minutes":
        retry_after = email.utils.formatdate(time.time() + 120, usegmt=True)
    url = serve(world, "/hook", status=status, retry_after=retry_after)
    timer = create(almanac, url, maxAttempts=20)
    wait_until(lambda: find(almanac, timer)["attempts"] >= 1, 10, "the first attempt is over")
    found = find(almanac, timer)
    wait = moment(found["nextAttemptAt"]) - moment(found["lastAttempt"]["startedAt"])
    assert least <= wait <= most, wait
    almanac.delete(f"/api/v1/timers/{timer}")


def test_a_dead_letter_is_played_again(almanac, world):
    world.script("/hook", [{"status": 500}, {"status": 500}, {"status": 200}])
    timer = create(almanac, world.url("/hook"), maxAttempts=2)
    wait_for_status(almanac, timer, "failed")
    assert almanac.post(f"/api/v1/timers/{timer}/fire").status_code in (200, 202)
    assert wait_for_status(almanac, timer, "finished")["attempts"] == 1
    assert [attempt["status"] for attempt in attempts(almanac, timer)] == [500, 500, 200]
    ids = {request.headers["webhook-id"] for request in world.requests_to("/hook")}
    assert ids == {timer}


def test_a_scheduled_one_is_fired_now(almanac, world):
    timer = create(almanac, serve(world, "/hook"), delay=3600)
    assert almanac.post(f"/api/v1/timers/{timer}/fire").status_code in (200, 202)
    wait_for_status(almanac, timer, "finished")


def test_a_rescheduled_one_keeps_the_new_time(almanac, world):
    timer = create(almanac, serve(world, "/hook"), delay=1)
    assert almanac.patch(f"/api/v1/timers/{timer}", {"delay": 2.5}).status_code == 200
    time.sleep(1.6)
    assert not world.requests_to("/hook")
    wait_for_status(almanac, timer, "finished")
    sooner = create(almanac, world.url("/hook"), delay=3600)
    assert almanac.patch(f"/api/v1/timers/{sooner}", {"delay": 0.5}).status_code == 200
    wait_for_status(almanac, sooner, "finished")


def test_a_running_one_is_neither_changed_nor_cancelled(almanac, world):
    timer = create(almanac, serve(world, "/hook", delay=1.0))
    world.wait_for(1, "/hook")
    path = f"/api/v1/timers/{timer}"
    assert find(almanac, timer)["status"] == "running"
    assert almanac.patch(path, {"delay": 60}).status_code == 409
    assert almanac.delete(path).status_code == 409
    assert almanac.post(f"{path}/fire").status_code == 409
    wait_for_status(almanac, timer, "finished")
    assert almanac.delete(path).status_code == 409


def test_the_older_form_through_its_life(almanac, world):
    answer = almanac.post("/api/v1/timer", {"hours": 0, "minutes": 0, "seconds": 1,
                                            "webhookUrl": serve(world, "/hook", delay=0.7)})
    timer = answer.json()["timer"]["timerId"]
    told = []

    def is_over():
        shown = almanac.get(f"/api/v1/timer/{timer}").json()["timer"]
        told.append(shown["timerStatus"])
        return shown["timerStatus"] == "Finished"

    wait_until(is_over, 10, "it is finished")
    assert list(dict.fromkeys(told)) == ["Scheduled", "Running", "Finished"]
    assert world.requests_to("/hook")[0].json()["timerId"] == timer


# --- what is sent -------------------------------------------------------------------------------------


def test_what_is_sent(almanac, world):
    before = time.time()
    answer = almanac.post("/api/v1/timers", {
        "url": serve(world, "/hook") + "?a=1", "delay": 0.3, "method": "PUT",
        "headers": {"Authorization": "Bearer x"}, "payload": {"order": 17, "text": "é"}},
        headers={"X-Request-Id": "tell-me", "traceparent":
                 "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    timer = answer.json()["id"]
    wait_for_status(almanac, timer, "finished")
    [request] = world.requests_to("/hook")
    body = request.json()
    assert request.method == "PUT" and request.query == "a=1"
    assert list(body) == ["timerId", "dueAt", "firedAt", "attempt", "payload"]
    assert body["timerId"] == timer and body["attempt"] == 1
    assert body["payload"] == {"order": 17, "text": "é"}
    assert before + 0.29 <= moment(body["dueAt"]) <= moment(body["firedAt"]) + 0.001
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == timer
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 30
    assert request.headers["webhook-signature"] is None
    assert request.headers["authorization"] == "Bearer x"
    assert request.headers["x-request-id"] == "tell-me"
    assert request.headers["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")


VERIFY = """
const { Webhook } = require("standardwebhooks");
const { secret, body, headers } = JSON.parse(require("fs").readFileSync(0, "utf8"));
new Webhook(secret).verify(body, headers);
console.log("verified");
"""


@pytest.fixture(name="verifier", scope="session")
def fixture_verifier(tmp_path_factory):
    """A folder with the public library of the specification."""
    folder = tmp_path_factory.mktemp("verifier")
    try:
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund",
                               "standardwebhooks"], cwd=folder, capture_output=True, timeout=120,
                              check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        pytest.skip("npm is not here")
    if done.returncode != 0:
        pytest.skip("the registry is not reached")
    return folder


def test_the_public_library_verifies_every_signature(start_almanac, world, verifier):
    almanac = start_almanac(**SETTINGS, WEBHOOK_SIGNING_SECRETS=",".join(SECRETS))
    timer = create(almanac, serve(world, "/hook"), payload={"text": "ñandú"})
    wait_for_status(almanac, timer, "finished")
    [request] = world.requests_to("/hook")
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name: request.headers[name] for name in names}
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in SECRETS:
        question = {"secret": secret, "body": request.body.decode(), "headers": headers}
        done = subprocess.run(["node", "-e", VERIFY], cwd=verifier, input=json.dumps(question),
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == "verified\n", done.stderr


# --- hostile receivers --------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [
    {"endless": True},
    {"body": b"x" * 100_000_000},
])
def test_of_a_huge_answer_a_kilobyte_is_kept(almanac, world, trouble):
    timer = create(almanac, serve(world, "/hook", **trouble), timeoutMs=5000)
    wait_for_status(almanac, timer, "finished")
    assert len(attempts(almanac, timer)[0]["body"]) <= 1024
    assert almanac.rss() < 200 << 20


@pytest.mark.parametrize("trouble", [
    {"drip": 1, "body": b"x" * 10_000},
    {"hang": True},
    {"stall": 10, "body": b"x" * 1000},
    {"big_headers": 10_000_000},
])
def test_every_attempt_ends_by_its_deadline(almanac, world, trouble):
    timer = create(almanac, serve(world, "/hook", **trouble), timeoutMs=700, maxAttempts=1)
    found = wait_for_status(almanac, timer, "failed")
    assert found["lastAttempt"]["durationMs"] < 3000


def test_a_receiver_that_hangs_delays_nobody_else(almanac, world):
    stuck = serve(world, "/stuck", hang=True)
    for _ in range(100):
        create(almanac, stuck, timeoutMs=30_000, maxAttempts=1)
    with Sink() as sink:
        for _ in range(50):
            create(almanac, sink.url(), delay=0.5)
        sink.wait_for(50)
        assert max(sink.lateness()) < 2.0


# --- where it may go ----------------------------------------------------------------------------------


def test_nothing_private_is_called_unless_it_is_allowed(start_almanac, world):
    almanac = start_almanac(TIMER_RETRY_SECONDS="0.1")
    url = serve(world, "/hook")
    for place in (url, url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "[::1]"),
                  url.replace("127.0.0.1", "2130706433"), url.replace("127.0.0.1", "0x7f.1"),
                  url.replace("127.0.0.1", "0177.0.0.1"), url.replace("127.0.0.1", "0.0.0.0"),
                  "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/",
                  "http://[::ffff:127.0.0.1]/", "http://[fd00:ec2::254]/"):
        timer = create(almanac, place)
        found = wait_for_status(almanac, timer, "failed")
        assert found["attempts"] == 1
        assert "not an allowed destination" in found["lastAttempt"]["error"], found
    assert not world.requests_to("/hook")


# --- what is told of it -------------------------------------------------------------------------------


def test_the_metrics_agree_with_the_receiver(start_almanac):
    almanac = start_almanac(**SETTINGS)
    with Sink() as sink:
        timers = [create(almanac, sink.url(), delay=0.5) for _ in range(40)]
        sink.wait_for(40)
        for timer in timers:
            wait_for_status(almanac, timer, "finished")
        seen = sum(sink.lateness()) / 40
    assert almanac.metric("almanac_timers_fired_total") == 40
    assert almanac.metric("almanac_timer_attempts_total", outcome="finished") == 40
    assert almanac.metric("almanac_timer_lateness_seconds_count") == 40
    told = almanac.metric("almanac_timer_lateness_seconds_sum") / 40
    assert told <= seen + 0.002
    wait_until(lambda: almanac.metric("almanac_timers_in_flight") == 0, 5, "nothing flies")
    assert almanac.metric("almanac_timer_shards") == 64
    assert almanac.metric("almanac_timers_backlog") == 0


def test_retention_drops_whole_days(start_almanac, postgres, database):
    postgres.query(database, "CREATE TABLE timers_over_20200101 PARTITION OF timers_over "
                             "FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00')")
    start_almanac(TIMER_RETENTION_DAYS=7)
    wait_until(lambda: postgres.query(database, "SELECT to_regclass('timers_over_20200101')::text")
               == [(None,)], 20, "the old day is gone")
    days, = postgres.query(database, "SELECT count(*) FROM pg_inherits "
                                     "WHERE inhparent = 'timers_over'::regclass")[0]
    assert days >= 5


def test_an_unknown_timer_is_not_found(almanac):
    for path in ("", "/attempts"):
        assert almanac.get(f"/api/v1/timers/{uuid.uuid4()}{path}").status_code == 404
