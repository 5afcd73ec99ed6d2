"""What the stories of tasks do again and again: send webhooks, look at tasks and reports."""

import itertools
import json
import pathlib

from harness.processes import wait_until
from harness.postgres import Postgres

numbers = itertools.count(1)


def body_of(event, task, at="2026-01-01T10:00:00Z", **metadata):
    return {"event": event, "timestamp": at,
            "metadata": {"userId": "u1", "id": task, "content": "Buy milk", "isCompleted": False,
                         **metadata}}


def new_id():
    return f"task-{next(numbers)}"


class Tasks:
    """The tasks of one database as one daemon tells them."""

    def __init__(self, almanac):
        self.almanac = almanac

    def query(self, sql, *args):
        return Postgres.query(self.almanac.settings["DATABASE_URL"], sql, *args)

    # --- webhooks --------------------------------------------------------------------------------

    def post(self, body, headers=None):
        """Any JSON value, or bytes as they are; the response."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.almanac.request("POST", "/webhook", data=data,
                                    headers={"Content-Type": "application/json", **(headers or {})})

    def send(self, event, task, at="2026-01-01T10:00:00Z", headers=None, **metadata):
        return self.post(body_of(event, task, at, **metadata), headers)

    def must(self, *args, status=202, **kwargs):
        answer = self.send(*args, **kwargs)
        assert answer.status_code == status, answer.text
        return answer

    def audit(self, limit=100):
        """The newest first."""
        return self.almanac.get(f"/api/v1/webhooks?limit={limit}").json()["data"]

    # --- tasks -----------------------------------------------------------------------------------

    def find(self, task):
        answer = self.almanac.get(f"/api/v1/tasks/{task}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self, task):
        """(status, content, completedAt, deletedAt)"""
        found = self.find(task)
        return (found["status"], found["content"], found["completedAt"], found["deletedAt"])

    def report(self, user, start, end, **headers):
        answer = self.almanac.get("/api/v1/reports", headers=headers,
                                  params={"userId": user, "from": start, "to": end})
        assert answer.status_code == 200, answer.text
        return answer

    # --- report files ----------------------------------------------------------------------------

    @property
    def folder(self):
        return pathlib.Path(self.almanac.directory,
                            self.almanac.settings.get("REPORT_DIR", "reports"))

    def files(self, user=None):
        """Contents of the report files in the order of their periods."""
        found = [json.loads(path.read_text(encoding="utf-8"))
                 for path in self.folder.glob("task_report_*.json")]
        return sorted((file for file in found if user in (None, file["userId"])),
                      key=lambda file: file["period"]["end"])

    def wait_for_file(self, user, is_it=lambda file: True, seconds=20.0):
        def find():
            return next((file for file in self.files(user) if is_it(file)), None)
        return wait_until(find, seconds, f"a report of {user}")
