"""Webhooks and reports when daemons die, folders cannot be written, and several daemons share the work."""

import collections
import contextlib
import datetime
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

import pytest
import requests

import disks
from disks import small_disk
from harness.almanac import Almanac
from harness.nursery import Nursery
from harness.postgres import Postgres
from harness.processes import wait_until
from harness.tasks import Tasks, body_of

KILLS = 20


def moment_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


def joins(files):
    periods = [(file["period"]["start"], file["period"]["end"]) for file in files]
    return len(set(periods)) == len(periods) and all(
        one[1] == other[0] for one, other in zip(periods, periods[1:]))


# --- killed under load ---------------------------------------------------------------------------------


class Sender(threading.Thread):
    """Creates tasks until it is told to stop, and keeps what was acknowledged."""

    def __init__(self, almanac, name):
        super().__init__(daemon=True)
        self.almanac, self.tag = almanac, name
        self.acknowledged = []
        self.is_over = threading.Event()

    def run(self):
        session = requests.Session()
        session.trust_env = False
        for count in itertools.count():
            if self.is_over.is_set():
                return
            task = f"{self.tag}-{count}"
            with contextlib.suppress(requests.RequestException):
                answer = session.post(self.almanac.url("/webhook"), json=body_of("created", task),
                                      timeout=(1, 5))
                if answer.status_code == 202:
                    self.acknowledged.append(task)
                    continue
            time.sleep(0.01)


def test_every_acknowledged_webhook_survives_twenty_kills(own_postgres):
    database = own_postgres.create_database()
    acknowledged = []
    for round_ in range(KILLS):
        daemon = Almanac(database)
        senders = [Sender(daemon, f"{round_}-{number}") for number in range(4)]
        try:
            daemon.start().wait_ready()
            for sender in senders:
                sender.start()
            time.sleep(0.1 + 0.02 * round_)
            daemon.kill()
        finally:
            for sender in senders:
                sender.is_over.set()
            for sender in senders:
                sender.join(10)
            daemon.close()
        acknowledged += [task for sender in senders for task in sender.acknowledged]
    stored = {task for task, in Postgres.query(database, "SELECT id FROM tasks")}
    kept = {task for task, in Postgres.query(
        database, "SELECT task_id FROM webhooks WHERE status = 202")}
    assert len(acknowledged) > KILLS
    assert not set(acknowledged) - stored
    assert not set(acknowledged) - kept


def test_reports_join_over_kills_and_are_told_once(own_postgres):
    """Each task is completed in some period; each completion stands in exactly one report."""
    database = own_postgres.create_database()
    folder = tempfile.mkdtemp(prefix="almanac-reports-")
    settings = {"REPORT_INTERVAL_SECONDS": 1, "REPORT_DIR": folder}
    try:
        for round_ in range(6):
            daemon = Almanac(database, **settings)
            try:
                daemon.start().wait_ready()
                tasks = Tasks(daemon)
                for number in range(20):
                    task = f"{round_}-{number}"
                    tasks.must("created", task, moment_of(time.time() - 60), userId="u")
                    tasks.must("completed", task, moment_of(time.time()), userId="u")
                    time.sleep(0.07)
                daemon.kill()
            finally:
                daemon.close()
        with Almanac(database, **settings) as daemon:
            tasks = Tasks(daemon.wait_ready())
            wait_for_reports(tasks)
            told = collections.Counter(item["id"] for file in tasks.files("u")
                                       for item in file["completedTasks"])
            assert daemon.terminate() == 0
        assert told == {f"{round_}-{number}": 1 for round_ in range(6) for number in range(20)}
    finally:
        shutil.rmtree(folder)


def told_until(tasks):
    return float(tasks.query("SELECT extract(epoch FROM told_until) FROM report_state")[0][0])


def wait_for_reports(tasks):
    """Until what was received so far is told; a daemon that was killed has a lease first."""
    now = time.time()
    wait_until(lambda: told_until(tasks) > now, 60, "the reports have caught up")


# --- several daemons -----------------------------------------------------------------------------------


def test_several_daemons_write_each_report_once(database):
    folder = tempfile.mkdtemp(prefix="almanac-reports-")
    nursery = Nursery()
    try:
        daemons = [nursery.start(database, REPORT_INTERVAL_SECONDS=1, REPORT_DIR=folder)
                   for _ in range(3)]
        tasks = Tasks(daemons[0])
        tasks.must("created", "u", moment_of(time.time() - 60), userId="u")
        wait_until(lambda: len(tasks.files("u")) >= 6, 30, "six reports")
        assert joins(tasks.files("u"))
        for daemon in daemons:
            daemon.terminate()
        written = sum(int(line["files"]) for daemon in daemons
                      for line in daemon.logged("reports written"))
        # The last period may have been given up behind its file.
        assert len(tasks.files("u")) - written in (0, 1)
        nursery.finish()
    finally:
        shutil.rmtree(folder)


# --- a folder that cannot be written ---------------------------------------------------------------------


def assert_stuck(tasks):
    wait_until(lambda: tasks.almanac.get("/readyz").status_code == 503, 20, "/readyz says it")
    told = tasks.almanac.get("/readyz").json()
    assert (told["status"], told["reports"], told["database"]) == ("unavailable", "stuck", "ok")
    assert tasks.almanac.get("/livez").status_code == 200


def assert_told_later(tasks, completed):
    wait_until(lambda: tasks.almanac.get("/readyz").status_code == 200, 30, "/readyz is well again")
    wait_for_reports(tasks)
    files = tasks.files("u")
    assert joins(files)
    told = collections.Counter(item["id"] for file in files for item in file["completedTasks"])
    assert told == {task: 1 for task in completed}


def work(tasks, name, count=5):
    """Completes tasks of a user who always has an open one."""
    tasks.send("created", "always", moment_of(time.time() - 60), userId="u")
    for number in range(count):
        tasks.must("created", f"{name} {number}", moment_of(time.time() - 60), userId="u")
        tasks.must("completed", f"{name} {number}", moment_of(time.time()), userId="u")
    return [f"{name} {number}" for number in range(count)]


def test_a_folder_that_cannot_be_made(start_almanac):
    almanac = start_almanac(REPORT_INTERVAL_SECONDS=1)
    almanac.expect_errors("reports cannot be written")
    tasks = Tasks(almanac)
    tasks.folder.write_text("in the way")
    completed = work(tasks, "a")
    line = almanac.wait_for_log("reports cannot be written", seconds=20)
    assert line["folder"] == "reports" and "reports: " in line["reason"]
    assert_stuck(tasks)
    completed += work(tasks, "b")
    tasks.folder.unlink()
    assert_told_later(tasks, completed)


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_folder_that_takes_nothing(start_almanac, trouble, tmp_path):
    folder = str(tmp_path)
    with small_disk(folder, "256k"):
        almanac = start_almanac(REPORT_INTERVAL_SECONDS=1, REPORT_DIR=folder)
        almanac.expect_errors("reports cannot be written")
        tasks = Tasks(almanac)
        spoil(folder, trouble)
        completed = work(tasks, "a")
        reason = almanac.wait_for_log("reports cannot be written", seconds=20)["reason"]
        assert {"full": "No space left", "read-only": "Read-only file system"}[trouble] in reason
        assert_stuck(tasks)
        assert [name for name in os.listdir(folder) if name.endswith((".tmp", ".json"))] == []
        completed += work(tasks, "b")
        mend(folder, trouble)
        assert_told_later(tasks, completed)
        almanac.terminate()


def spoil(folder, trouble):
    if trouble == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    else:
        disks.fill(folder)


def mend(folder, trouble):
    if trouble == "read-only":
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    else:
        disks.clear(folder)


# --- the database ----------------------------------------------------------------------------------------


def test_webhooks_and_reports_come_back_with_the_database(own_postgres):
    nursery = Nursery()
    almanac = nursery.start(own_postgres.create_database(), REPORT_INTERVAL_SECONDS=1)
    tasks = Tasks(almanac)
    completed = work(tasks, "a")
    own_postgres.kill()
    answer = tasks.send("created", "away")
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    own_postgres.start()
    wait_until(lambda: tasks.send("created", "back").status_code in (202, 409), 10, "webhooks again")
    completed += work(tasks, "b")
    wait_for_reports(tasks)
    told = collections.Counter(item["id"] for file in tasks.files("u")
                               for item in file["completedTasks"])
    assert told == {task: 1 for task in completed}
    nursery.finish()


def test_a_sender_that_holds_a_lock_puts_reports_off_and_not_webhooks(start_almanac, database):
    """Whoever receives webhooks holds a lock until its commit; one that never commits is waited for
    only a moment at a time."""
    almanac = start_almanac(REPORT_INTERVAL_SECONDS=1)
    tasks = Tasks(almanac)
    work(tasks, "a")
    import psycopg2  # pylint: disable=import-outside-toplevel

    with contextlib.closing(psycopg2.connect(database)) as connection:
        connection.cursor().execute("SELECT pg_advisory_xact_lock_shared(47015, 0)")
        held_at = told_until(tasks)
        time.sleep(3)
        assert told_until(tasks) <= held_at + 1
        assert tasks.send("created", "meanwhile").status_code == 202
    wait_for_reports(tasks)
    assert json.dumps(tasks.files("u"))
