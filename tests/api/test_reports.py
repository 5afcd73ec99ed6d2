"""Reports: what stands in them, the files of every period, and what becomes of missed ones."""

import csv
import datetime
import io
import json
import os
import time

import pytest

from harness.tasks import Tasks, new_id
from harness.processes import wait_until

START, END = "2026-01-01T10:00:00Z", "2026-01-01T10:00:15Z"
BEFORE, INSIDE, AFTER = ("2026-01-01T09:59:59Z", "2026-01-01T10:00:07.5Z", "2026-01-01T10:00:16Z")
LISTS = {"new": "newIncompleteTasks", "completed": "completedTasks", "old": "oldIncompleteTasks"}


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    return start_module_almanac(REPORT_INTERVAL_SECONDS=86400)


@pytest.fixture
def tasks(almanac):
    return Tasks(almanac)


def where(report):
    """{task id: list}"""
    return {item["id"]: name for name, member in LISTS.items() for item in report[member]}


# --- on request: the edges ------------------------------------------------------------------------------

# What was told of a task, and the list of a report from START to END that has it.
EDGES = {
    "created at the start": ([("created", START)], "old"),
    "created at the end": ([("created", END)], "new"),
    "created inside": ([("created", INSIDE)], "new"),
    "created before": ([("created", BEFORE)], "old"),
    "created after": ([("created", AFTER)], None),
    "created a microsecond after the start": ([("created", "2026-01-01T10:00:00.000001Z")], "new"),
    "created a microsecond after the end": ([("created", "2026-01-01T10:00:15.000001Z")], None),
    "created in another offset": ([("created", "2026-01-01T15:30:07+05:30")], "new"),
    "completed at the start": ([("created", BEFORE), ("completed", START)], None),
    "completed at the end": ([("created", BEFORE), ("completed", END)], "completed"),
    "created and completed inside": ([("created", INSIDE), ("completed", INSIDE)], "completed"),
    "completed after": ([("created", BEFORE), ("completed", AFTER)], "old"),
    "created inside, completed after": ([("created", INSIDE), ("completed", AFTER)], "new"),
    "completed, then deleted": ([("created", BEFORE), ("completed", INSIDE), ("deleted", END)],
                                "completed"),
    "deleted inside": ([("created", BEFORE), ("deleted", INSIDE)], None),
    "deleted at the end": ([("created", INSIDE), ("deleted", END)], None),
    "deleted after": ([("created", BEFORE), ("deleted", AFTER)], "old"),
    "reopened": ([("created", BEFORE), ("completed", INSIDE), ("reopened", END)], "old"),
    "in the far future": ([("created", "9999-12-31T00:00:00Z")], None),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges_of_a_period(tasks, name):
    facts, expected = EDGES[name]
    user = new_id()
    for event, at in facts:
        tasks.must(event, "of " + user, at, userId=user)
    report = tasks.report(user, START, END).json()
    assert where(report) == ({"of " + user: expected} if expected else {})


def test_the_text_is_that_of_python(tasks):
    tasks.must("created", "text 1", INSIDE, userId="text", content='é "q" \\ \n\t\u0001 \x7f🎉')
    tasks.must("created", "text 2", BEFORE, userId="text", content="")
    answer = tasks.report("text", START, END)
    assert answer.headers["Content-Type"] == "application/json"
    assert "Accept" in answer.headers["Vary"]
    assert answer.text == json.dumps(answer.json(), indent=2, ensure_ascii=False) + "\n"
    assert answer.json() == {
        "userId": "text",
        "period": {"start": "2026-01-01T10:00:00.000Z", "end": "2026-01-01T10:00:15.000Z"},
        "newIncompleteTasks": [{"id": "text 1", "content": 'é "q" \\ \n\t\u0001 \x7f🎉',
                                "createdOrCompletedAt": "2026-01-01T10:00:07.500Z"}],
        "completedTasks": [],
        "oldIncompleteTasks": [{"id": "text 2", "content": "",
                                "createdOrCompletedAt": "2026-01-01T09:59:59.000Z"}]}


def test_tasks_stand_in_the_order_of_time_then_id(tasks):
    for task, at in (("o3", START), ("o1", BEFORE), ("o2", BEFORE), ("o0", "2025-01-01")):
        tasks.must("created", task, at, userId="order")
    report = tasks.report("order", START, END).json()
    assert [item["id"] for item in report["oldIncompleteTasks"]] == ["o0", "o1", "o2", "o3"]


def test_a_user_without_tasks_has_an_empty_report(tasks):
    assert where(tasks.report("nobody", START, END).json()) == {}


def test_the_period_has_defaults(tasks):
    period = tasks.almanac.get("/api/v1/reports?userId=x").json()["period"]
    start, end = (datetime.datetime.fromisoformat(period[name].replace("Z", "+00:00"))
                  for name in ("start", "end"))
    assert end - start == datetime.timedelta(days=1)
    assert abs(end.timestamp() - time.time()) < 30


@pytest.mark.parametrize("query", ["", "userId=", "userId=x&from=yesterday", "userId=x&to=2026-06-31",
                                   f"userId=x&from={END}&to={START}", "userId=x&from=9000-01-01"])
def test_bad_queries(almanac, query):
    answer = almanac.get(f"/api/v1/reports?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameters")


# --- CSV --------------------------------------------------------------------------------------------------

NASTY = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", 'a "quoted", one', "two\r\nlines", "é🎉", "", "'x",
         "plain"]


def test_csv_opens_in_a_spreadsheet_without_formulas(tasks):
    for number, content in enumerate(NASTY):
        tasks.must("created", f"csv {number:02}", INSIDE, userId="=csv", content=content)
    answer = tasks.report("=csv", START, END, Accept="text/csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode(), newline="")))
    assert rows[0] == ["userId", "periodStart", "periodEnd", "list", "id", "content",
                       "createdOrCompletedAt"]
    assert [row[5] for row in rows[1:]] == [
        "'" + content if content[:1] in ("=", "+", "-", "@", "\t", "\r") else content
        for content in NASTY]
    assert {tuple(row[:4]) + (row[6],) for row in rows[1:]} == {
        ("'=csv", "2026-01-01T10:00:00.000Z", "2026-01-01T10:00:15.000Z", "new",
         "2026-01-01T10:00:07.500Z")}


@pytest.mark.parametrize("accept,kind", [
    ("text/csv", "text/csv"), ("text/csv, application/json;q=0.5", "text/csv"),
    ("application/json, text/csv;q=0.9", "application/json"), ("*/*", "application/json"),
    ("text/csv;q=0", "application/json"), ("text/html, TEXT/CSV;q=0.1", "text/csv")])
def test_the_client_chooses(tasks, accept, kind):
    answer = tasks.report("x", START, END, Accept=accept)
    assert answer.headers["Content-Type"].startswith(kind)


# --- files ------------------------------------------------------------------------------------------------


@pytest.fixture
def writing(start_almanac):
    """A daemon that writes reports every second."""
    return Tasks(start_almanac(REPORT_INTERVAL_SECONDS=1))


def moment_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


def periods_of(tasks):
    """All periods that were told, by the files of a user who always has one."""
    return [(file["period"]["start"], file["period"]["end"]) for file in tasks.files("always")]


def test_every_period_has_its_file_and_periods_join(writing):
    writing.must("created", "always 1", moment_of(time.time() - 100), userId="always")
    wait_until(lambda: len(writing.files("always")) >= 4, 20, "four reports")
    files = writing.files("always")
    assert where(files[0]) == {"always 1": "old"}
    assert files[0]["oldIncompleteTasks"][0]["late"] is True
    assert "late" not in files[1]["oldIncompleteTasks"][0]
    periods = periods_of(writing)
    assert all(one[1] == other[0] for one, other in zip(periods, periods[1:]))


def test_a_completion_is_told_once(writing):
    writing.must("created", "once", moment_of(time.time() - 100), userId="once")
    writing.wait_for_file("once")
    writing.must("completed", "once", moment_of(time.time()), userId="once")
    writing.wait_for_file("once", lambda file: file["completedTasks"])
    writing.must("created", "clock", moment_of(time.time() - 100), userId="clock")
    wait_until(lambda: len(writing.files("clock")) >= 3, 20, "three more periods")
    told = [file for file in writing.files("once") if file["completedTasks"]]
    assert len(told) == 1
    assert not [file for file in writing.files("once")
                if file["period"]["end"] > told[0]["period"]["end"]]
    wait_until(lambda: writing.query("SELECT is_listed FROM tasks WHERE id = 'once'") == [(False,)],
               10, "it is no longer looked at")


def test_a_late_completion_is_told_in_the_next_report_and_marked(writing):
    writing.must("created", "late", moment_of(time.time() - 100), userId="late")
    writing.wait_for_file("late")
    writing.must("completed", "late", moment_of(time.time() - 50), userId="late")
    file = writing.wait_for_file("late", lambda file: file["completedTasks"])
    item, = file["completedTasks"]
    assert (item["id"], item["late"]) == ("late", True)
    assert item["createdOrCompletedAt"] < file["period"]["start"]


def test_a_task_of_the_future_waits_for_its_period(writing):
    due = int(time.time()) + 3
    writing.must("created", "future", moment_of(due), userId="future")
    file = writing.wait_for_file("future")
    assert where(file) == {"future": "new"}
    assert file["period"]["end"] >= moment_of(due)[:19]
    assert "late" not in file["newIncompleteTasks"][0]


HOSTILE = ["../x", "../../etc/passwd", "/abs", "a/b:c🎉", "x" * 300, "é" * 300, ".", "..", "-rf",
           "new\nline", "%2e%2e", "C:\\x", "con", " ", "a_b", "*?", "'; DROP TABLE tasks; --"]


def test_users_make_no_file_names(writing):
    for number, user in enumerate(HOSTILE):
        writing.must("created", f"hostile {number}", moment_of(time.time() - 100), userId=user)
    wait_until(lambda: {file["userId"] for file in writing.files()} == set(HOSTILE), 20, "all files")
    for name in os.listdir(writing.folder):
        assert len(name.encode()) <= 255 and not set(name) & set("/\\:*?\"<>|\n "), name
    assert sorted(os.listdir(writing.folder.parent)) == ["reports"]
    listed = writing.almanac.get("/api/v1/reports/files?limit=1000").json()["data"]
    assert {item["userId"] for item in listed} == set(HOSTILE)
    for item in listed[:len(HOSTILE)]:
        name = item["name"].replace("%", "%25")
        answer = writing.almanac.get(f"/api/v1/reports/files/{name}")
        assert answer.json()["userId"] == item["userId"]
        assert len(answer.content) == item["bytes"]


def test_files_are_listed_and_served(writing):
    writing.must("created", "listed", moment_of(time.time() - 100), userId="listed")
    writing.must("created", "other", moment_of(time.time() - 100), userId="other")
    wait_until(lambda: len(writing.files("listed")) >= 3, 20, "three reports")
    path, seen = "/api/v1/reports/files?userId=listed&limit=1", []
    while path and len(seen) < 3:
        answer = writing.almanac.get(path)
        seen += answer.json()["data"]
        path = answer.links["next"]["url"]
    assert {item["userId"] for item in seen} == {"listed"}
    assert [item["end"] for item in seen] == sorted((item["end"] for item in seen), reverse=True)
    answer = writing.almanac.get(f"/api/v1/reports/files/{seen[0]['name']}")
    assert answer.content == (writing.folder / seen[0]["name"]).read_bytes()


@pytest.mark.parametrize("name", ["none.json", "..%2f..%2fetc%2fpasswd", "%2e%2e", "a%2fb"])
def test_other_files_are_not_served(almanac, name):
    answer = almanac.get(f"/api/v1/reports/files/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "report_not_found")


def test_a_file_that_went_away_is_not_found(writing):
    writing.must("created", "gone", moment_of(time.time() - 100), userId="gone")
    writing.wait_for_file("gone")
    item = wait_until(lambda: writing.almanac.get("/api/v1/reports/files").json()["data"],
                      10, "the list")[0]
    (writing.folder / item["name"]).unlink()
    assert writing.almanac.get(f"/api/v1/reports/files/{item['name']}").status_code == 404


@pytest.mark.parametrize("query", ["cursor=!", "cursor=YQ", "limit=0", "userId="])
def test_bad_queries_of_files(almanac, query):
    if query == "userId=":
        assert almanac.get(f"/api/v1/reports/files?{query}").status_code == 200
    else:
        assert almanac.get(f"/api/v1/reports/files?{query}").status_code == 400


def test_old_files_are_removed(writing):
    writing.must("created", "old", moment_of(time.time() - 100), userId="old")
    writing.wait_for_file("old")
    name = wait_until(lambda: writing.almanac.get("/api/v1/reports/files").json()["data"],
                      10, "the list")[-1]["name"]
    writing.query("UPDATE report_files SET ends_at = now() - interval '8 days' WHERE name = %s", name)
    wait_until(lambda: not (writing.folder / name).exists(), 10, "the file is removed")
    wait_until(lambda: writing.query("SELECT count(*) FROM report_files WHERE name = %s",
                                     name) == [(0,)], 10, "and forgotten")


# --- missed periods ----------------------------------------------------------------------------------------


def set_back(tasks, seconds):
    """As if no daemon had run for that long."""
    tasks.query("UPDATE report_state SET told_until = date_trunc('second', now())"
                " - %s * interval '1 second', ends_at = NULL, single = NULL", seconds)


def test_missed_periods_are_written_one_by_one(writing):
    writing.must("created", "always 1", moment_of(time.time() - 1000), userId="always")
    writing.wait_for_file("always")
    set_back(writing, 30)
    writing.almanac.wait_for_log("reports missed")
    wait_until(lambda: len(writing.files("always")) >= 30, 30, "thirty reports")
    periods = periods_of(writing)
    assert all(one[1] == other[0] for one, other in zip(periods, periods[1:]))


def test_past_the_bound_the_rest_is_one_period(writing):
    writing.must("created", "always 1", moment_of(time.time() - 9000), userId="always")
    writing.wait_for_file("always")
    for path in writing.folder.iterdir():
        path.unlink()
    set_back(writing, 1000)
    writing.almanac.wait_for_log("missed reports become one", seconds=60)
    wait_until(lambda: len(writing.files("always")) >= 242, 60, "the reports of all periods")
    periods = periods_of(writing)
    assert all(one[1] == other[0] for one, other in zip(periods, periods[1:]))
    lengths = [round((datetime.datetime.fromisoformat(end[:19])
                      - datetime.datetime.fromisoformat(start[:19])).total_seconds())
               for start, end in periods]
    assert lengths[:240] == [1] * 240 and lengths[240] > 700 and set(lengths[241:]) == {1}


def test_reports_have_metrics(writing):
    writing.must("created", "m", moment_of(time.time() - 100), userId="m")
    writing.wait_for_file("m")
    wait_until(lambda: writing.almanac.metric("almanac_report_files_total") >= 1, 10, "a file counts")
    assert writing.almanac.metric("almanac_reports_written_total") >= 1
    assert abs(writing.almanac.metric("almanac_reports_timestamp_seconds") - time.time()) < 30
