"""What the stories of timers do again and again.

In a database where `set_nowhere_apart` was called before a daemon came, nobody fires the timers of the
shard NOWHERE, whatever their time: a story can look at them at leisure.
"""

import datetime
import json

from harness.postgres import Postgres

NOWHERE = 63
URL = "http://receiver.example/hook"
HOUR = datetime.timedelta(hours=1)

# The members of a timer, in their order.
LISTED = ["id", "url", "method", "dueAt", "timeLeft", "status", "attempts", "maxAttempts",
          "nextAttemptAt", "lastAttempt", "createdAt", "finishedAt", "metadata", "timeoutMs"]
SHOWN = [*LISTED[:12], "headers", "payload", *LISTED[12:]]

ATTEMPT = {"attempt": 1, "startedAt": "2026-02-01T20:00:00.000Z", "durationMs": 12.5, "status": 500,
           "error": None, "body": "no"}

KEPT = """due_at, destination, url, method, headers, payload, metadata, max_attempts, timeout_ms,
          attempts, attempt_log, created_at, request_id, traceparent"""


def set_nowhere_apart(database):
    """It belongs to a daemon that does not exist."""
    assert Postgres.query(database, "UPDATE timer_shards SET owner = gen_random_uuid(),"
                          " owner_name = 'nowhere', lease_until = now() + interval '1 year'"
                          " WHERE shard = %s AND owner IS NULL", NOWHERE) == 1


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def written(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def code(answer):
    """(status, code) of a problem."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["code"]


def faults(answer):
    """{field: (rule, message)} of a problem."""
    code(answer)
    return {fault["field"]: (fault["rule"], fault["message"]) for fault in answer.json()["errors"]}


class Timers:
    """The timers of one database as one daemon tells them."""

    def __init__(self, almanac):
        self.almanac = almanac

    def query(self, sql, *args):
        return Postgres.query(self.almanac.settings["DATABASE_URL"], sql, *args)

    def row(self, timer, columns):
        """Columns of a timer that is still to fire; None when it is over."""
        rows = self.query(f"SELECT {columns} FROM timers WHERE id = %s", timer)
        return rows[0] if rows else None

    # --- paths -----------------------------------------------------------------------------------

    def create(self, **fields):
        """A new timer that will not fire soon, as it was told."""
        if not fields.keys() & {"delay", "dueAt", "hours", "minutes", "seconds"}:
            fields["delay"] = 3600
        answer = self.almanac.post("/api/v1/timers", {"url": URL, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def find(self, timer):
        answer = self.almanac.get(f"/api/v1/timers/{timer}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def change(self, timer, **fields):
        return self.almanac.patch(f"/api/v1/timers/{timer}", fields)

    def cancel(self, timer):
        return self.almanac.delete(f"/api/v1/timers/{timer}")

    def fire(self, timer):
        return self.almanac.post(f"/api/v1/timers/{timer}/fire")

    def attempts(self, timer):
        answer = self.almanac.get(f"/api/v1/timers/{timer}/attempts")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    # --- states ----------------------------------------------------------------------------------

    def put_nowhere(self, timer, left="1 hour"):
        """Its next attempt is so far away, and will not be made."""
        assert self.query("UPDATE timers SET shard = %s, next_at = clock_timestamp() + %s::interval"
                          " WHERE id = %s", NOWHERE, left, timer) == 1

    def create_running(self, **fields):
        timer = self.create(**fields)["id"]
        self.put_nowhere(timer, "0")
        self.query("UPDATE timers SET due_at = next_at WHERE id = %s", timer)
        return timer

    def create_retrying(self, *attempts, **fields):
        """It has failed so often, and waits for its next attempt."""
        timer = self.create(**fields)["id"]
        self.put_nowhere(timer, "5 minutes")
        self.query("UPDATE timers SET attempts = %s, attempt_log = %s::json[],"
                   " due_at = clock_timestamp() - interval '1 minute' WHERE id = %s",
                   len(attempts), [json.dumps(attempt) for attempt in attempts], timer)
        return timer

    def create_over(self, status, *attempts, **fields):
        timer = self.create_retrying(*attempts, **fields)
        self.query(f"""WITH gone AS (DELETE FROM timers WHERE id = %s RETURNING *)
            INSERT INTO timers_over (id, status, finished_at, {KEPT})
            SELECT id, %s, clock_timestamp(), {KEPT} FROM gone""", timer, status)
        return timer
