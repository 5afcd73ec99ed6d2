"""Tasks as they are told: one, lists, histories; and made again from the webhooks."""

import pytest

from harness import almanac as daemons
from harness.processes import wait_until
from harness.tasks import Tasks, new_id

TEN, ELEVEN, TWELVE = (f"2026-01-01T{hour}:00:00Z" for hour in (10, 11, 12))


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    return start_module_almanac()


@pytest.fixture
def tasks(almanac):
    return Tasks(almanac)


def walk(almanac, path):
    """Every item of a list, page by page, along its Link headers."""
    items = []
    while path:
        answer = almanac.get(path)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["data"]
        path = answer.links.get("next", {}).get("url")
        assert (path is None) == (page["next"] is None)
    return items


def test_find(tasks):
    task = new_id()
    tasks.must("created", task, TEN, userId="find", content="a")
    answer = tasks.almanac.get(f"/api/v1/tasks/{task}")
    assert answer.json() == {"id": task, "userId": "find", "content": "a", "status": "open",
                             "createdAt": "2026-01-01T10:00:00.000Z", "completedAt": None,
                             "deletedAt": None}
    again = tasks.almanac.get(f"/api/v1/tasks/{task}",
                              headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_an_unknown_task(almanac):
    for path in ("/api/v1/tasks/none", "/api/v1/tasks/none/history"):
        answer = almanac.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "task_not_found")


@pytest.fixture(scope="module")
def crowd(almanac):
    """Nine tasks of a user, three of each status, and one of another."""
    tasks = Tasks(almanac)
    for number in range(9):
        tasks.must("created", f"crowd {number}", TEN, userId="crowd")
    for number in (1, 4, 7):
        tasks.must("completed", f"crowd {number}", ELEVEN, userId="crowd")
    for number in (2, 5, 8):
        tasks.must("deleted", f"crowd {number}", ELEVEN, userId="crowd")
    tasks.must("created", "other", TEN, userId="other")
    return tasks


@pytest.mark.parametrize("query,numbers", [
    ("", range(9)), ("&status=open", (0, 3, 6)), ("&status=completed", (1, 4, 7)),
    ("&status=deleted", (2, 5, 8)), ("&limit=2", range(9)), ("&limit=3&status=open", (0, 3, 6)),
    ("&limit=5000", range(9))])
def test_tasks_of_a_user(crowd, query, numbers):
    found = walk(crowd.almanac, f"/api/v1/tasks?userId=crowd{query}")
    assert [item["id"] for item in found] == [f"crowd {number}" for number in numbers]


def test_a_list_goes_over_told_and_untold_tasks_alike(crowd):
    crowd.query("UPDATE tasks SET is_listed = false WHERE id IN ('crowd 1', 'crowd 8')")
    found = walk(crowd.almanac, "/api/v1/tasks?userId=crowd&limit=2")
    assert [item["id"] for item in found] == [f"crowd {number}" for number in range(9)]
    assert [item["id"] for item in walk(crowd.almanac, "/api/v1/tasks?limit=4")
            if item["id"].startswith("crowd")] == [f"crowd {number}" for number in range(9)]


def test_nobodys_tasks(almanac):
    assert almanac.get("/api/v1/tasks?userId=nobody").json() == {"data": [], "next": None}


@pytest.mark.parametrize("query", ["status=done", "limit=0", "limit=x", "cursor=!", "cursor=_w",
                                   f"userId={'x' * 1001}"])
def test_bad_queries(almanac, query):
    answer = almanac.get(f"/api/v1/tasks?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameters")


def test_facts_alone_are_no_task(tasks):
    task = new_id()
    tasks.must("updated", task, status=404, userId="early")
    assert tasks.almanac.get(f"/api/v1/tasks/{task}").status_code == 404
    assert tasks.almanac.get("/api/v1/tasks?userId=early").json()["data"] == []
    assert task not in [item["id"] for item in walk(tasks.almanac, "/api/v1/tasks")]


def test_history(tasks):
    task = new_id()
    tasks.must("updated", task, ELEVEN, status=404, content="b")
    tasks.must("created", task, TEN, content="a", headers={"webhook-id": new_id()})
    tasks.must("created", task, TWELVE, content="x", status=409)
    told = walk(tasks.almanac, f"/api/v1/tasks/{task}/history?limit=2")
    assert [(item["event"], item["content"], item["status"], item["counts"]) for item in told] == [
        ("updated", "b", 404, True), ("created", "a", 202, True), ("created", "x", 409, False)]
    assert tasks.find(task)["content"] == "b"
    assert tasks.almanac.get(f"/api/v1/tasks/{task}/history?cursor=!").status_code == 400


# --- made again from the webhooks ----------------------------------------------------------------------


@pytest.fixture
def kept(start_almanac):
    """Three tasks with a past."""
    tasks = Tasks(start_almanac())
    for number in range(3):
        tasks.must("deleted", f"t{number}", TWELVE, status=404)
        tasks.must("created", f"t{number}", TEN, content="a")
        tasks.must("completed", f"t{number}", ELEVEN, content="b", status=400)
    return tasks


def rebuild(tasks, *arguments):
    return daemons.run("rebuild-tasks", *arguments,
                       DATABASE_URL=tasks.almanac.settings["DATABASE_URL"])


def test_a_dry_run_says_that_all_agree(kept):
    done = rebuild(kept, "--dry-run")
    assert (done.returncode, done.stdout) == (
        0, "3 tasks agree, 0 differ, 0 are missing, 0 cannot be judged\n"), done.stderr


def test_a_dry_run_says_what_differs_and_changes_nothing(kept):
    kept.query("UPDATE tasks SET content = 'spoiled' WHERE id = 't1'")
    kept.query("DELETE FROM tasks WHERE id = 't2'")
    done = rebuild(kept, "--dry-run")
    assert (done.returncode, done.stdout) == (
        1, '1 tasks agree, 1 differ, 1 are missing, 0 cannot be judged; the first: "t1"\n')
    assert kept.find("t1")["content"] == "spoiled"


def test_rebuilding_mends(kept):
    before = kept.almanac.get("/api/v1/tasks").json()
    kept.query("UPDATE tasks SET content = 'spoiled', deleted_at = NULL WHERE id = 't1'")
    kept.query("DELETE FROM tasks WHERE id = 't2'")
    assert rebuild(kept).returncode == 0
    assert kept.almanac.get("/api/v1/tasks").json() == before
    assert rebuild(kept, "--dry-run").returncode == 0


def test_a_task_whose_webhooks_are_gone_is_left_alone(kept):
    kept.query("DELETE FROM webhooks WHERE task_id = 't0'")
    done = rebuild(kept)
    assert done.stdout == "2 tasks agree, 0 differ, 0 are missing, 1 cannot be judged\n"
    assert kept.find("t0")["content"] == "b"


def test_a_task_whose_first_webhook_is_gone_is_left_alone(kept):
    before = kept.find("t0")
    kept.query("DELETE FROM webhooks WHERE task_id = 't0' AND kind = 5")
    done = rebuild(kept)
    assert done.stdout == "2 tasks agree, 0 differ, 0 are missing, 1 cannot be judged\n"
    assert kept.find("t0") == before and before["status"] == "deleted"


def test_the_command_line():
    for arguments in (("rebuild-tasks", "--wet"), ("rebuild-tasks", "--dry-run", "x"), ("rebuild",)):
        done = daemons.run(*arguments)
        assert done.returncode == 2 and "unknown command" in done.stderr
    done = daemons.run("rebuild-tasks", DATABASE_URL="postgresql://127.0.0.1:1/x")
    assert done.returncode == 1 and "cannot reach the database" in done.stderr


# --- what is too old -----------------------------------------------------------------------------------


def age(tasks):
    """A day of webhooks long ago, a key of last week, and facts of a task that never was."""
    tasks.query("CREATE TABLE webhooks_20200101 PARTITION OF webhooks"
                " FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00')")
    tasks.must("created", "keyed", headers={"webhook-id": "old"})
    tasks.must("updated", "unborn", status=404)
    tasks.query("UPDATE webhook_keys SET created_at = now() - interval '8 days'")
    tasks.query("UPDATE tasks SET first_seen_at = now() - interval '31 days'")


def left(tasks):
    return (tasks.query("SELECT to_regclass('webhooks_20200101') IS NULL")[0][0],
            tasks.query("SELECT count(*) FROM webhook_keys")[0][0],
            [task for task, in tasks.query("SELECT id FROM tasks")])


@pytest.mark.parametrize("days,is_dropped", [(30, True), (0, False)])
def test_what_is_too_old_is_removed(start_almanac, days, is_dropped):
    first = start_almanac()
    age(Tasks(first))
    first.terminate()
    Tasks(first).query("UPDATE jobs SET due_at = now() WHERE name = 'tasks-purge'")
    tasks = Tasks(start_almanac(WEBHOOK_RETENTION_DAYS=days))
    wait_until(lambda: left(tasks) == (is_dropped, 0, ["keyed"]), 10, "what is too old is gone")
    tasks.must("created", "keyed", headers={"webhook-id": "old"}, status=409)


def test_partitions_are_ready_for_days_to_come(tasks):
    days = tasks.query("SELECT count(*) FROM pg_inherits WHERE inhparent = 'webhooks'::regclass")
    assert days[0][0] >= 5


# --- older webhooks than are kept -----------------------------------------------------------------------

# What is dropped, what is kept, what comes late; (status, content, completedAt, deletedAt) then.
NOON = "2026-01-01T12:00:00.000Z"
HALF = "2026-01-01T11:30:00Z"
LATE = {
    "a deletion": ([("created", TEN, "a"), ("updated", TWELVE, "b")], [],
                   ("deleted", ELEVEN, "x"), ("deleted", "b", None, "2026-01-01T11:00:00.000Z")),
    "an older text": ([("created", TEN, "a"), ("updated", TWELVE, "b")], [],
                      ("updated", ELEVEN, "x"), ("open", "b", None, None)),
    "a completion before it was reopened": (
        [("created", TEN, "a"), ("completed", ELEVEN, "a"), ("updated", TWELVE, "b")], [],
        ("completed", HALF, "x"), ("open", "b", None, None)),
    "a completion before its text changed": (
        [("created", TEN, "a")], [("content_updated", TWELVE, "b")],
        ("completed", HALF, "x"), ("completed", "b", "2026-01-01T11:30:00.000Z", None)),
    "an earlier completion": ([("created", TEN, "a")], [("completed", TWELVE, "b")],
                              ("completed", HALF, "x"), ("completed", "b", "2026-01-01T11:30:00.000Z", None)),
    "a text before it was completed": ([("created", TEN, "a"), ("completed", TWELVE, "b")], [],
                                       ("content_updated", ELEVEN, "x"), ("completed", "b", NOON, None)),
    "an earlier deletion": ([("created", TEN, "a")], [("deleted", TWELVE, "b")],
                            ("deleted", HALF, "x"), ("deleted", "a", None, "2026-01-01T11:30:00.000Z")),
}


@pytest.mark.parametrize("what", LATE)
def test_what_comes_late_counts_though_older_webhooks_are_gone(tasks, what):
    dropped, left_over, late, state = LATE[what]
    task = new_id()
    for event, at, content in dropped:
        tasks.must(event, task, at, content=content)
    tasks.query("DELETE FROM webhooks WHERE task_id = %s", task)
    for event, at, content in [*left_over, late]:
        tasks.must(event, task, at, content=content)
    assert tasks.state(task) == state
