"""What the stories of the calendar do again and again: set a source, sync, look at the list."""

import itertools
import json

from harness.postgres import Postgres
from harness.processes import wait_until

EVENT = ["id", "title", "description", "location", "startsAt", "endsAt", "allDay", "status", "updatedAt"]
COUNTERS = ("created", "updated", "deleted", "unchanged", "rejected")
numbers = itertools.count(1)


def new_user():
    return f"user-{next(numbers)}"


def event(number, **fields):
    """An event of a JSON source, in this API's own form."""
    return {"id": f"e{number:05}", "title": f"Event {number}", "description": "", "location": "",
            "startsAt": f"2026-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:00:00Z",
            "endsAt": f"2026-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:30:00Z",
            "allDay": False, "status": "confirmed", "updatedAt": "2026-01-01T00:00:00Z", **fields}


def page(events, **members):
    """The body of a whole list of events."""
    return json.dumps({"data": list(events), "total": len(events), **members}).encode()


def feed(*events):
    """An iCalendar feed of (uid, start, summary)."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for uid, start, summary in events:
        lines += ["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART:{start}", "DURATION:PT1H",
                  f"SUMMARY:{summary}", "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


class Calendar:
    """One user's calendar as one daemon tells it."""

    def __init__(self, almanac, user=None):
        self.almanac = almanac
        self.user = user or new_user()

    def query(self, sql, *args):
        return Postgres.query(self.almanac.settings["DATABASE_URL"], sql, *args)

    def must(self, method, path, status=200, **options):
        answer = self.almanac.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer

    # --- the source -------------------------------------------------------------------------------

    def put(self, kind, url=None, **fields):
        body = {"kind": kind, **({"url": url} if url else {}), **fields}
        return self.must("PUT", f"/api/v1/users/{self.user}/source", json=body).json()

    def source(self):
        return self.must("GET", f"/api/v1/users/{self.user}/source").json()

    # --- syncs ------------------------------------------------------------------------------------

    def ask(self, force=False):
        """Asks for a sync; the run's id."""
        query = "?force=true" if force else ""
        answer = self.must("POST", f"/api/v1/users/{self.user}/events{query}", 202)
        assert answer.headers["Location"] == f"/api/v1/syncs/{answer.json()['syncId']}"
        return answer.json()["syncId"]

    def run(self, sync_id):
        return self.must("GET", f"/api/v1/syncs/{sync_id}").json()

    def wait_for(self, sync_id, seconds=20.0):
        """The record of a run, once it is over."""
        def find():
            run = self.run(sync_id)
            return run if run["finishedAt"] else None
        return wait_until(find, seconds, f"run {sync_id} is over")

    def sync(self, status="succeeded", force=False, seconds=20.0):
        """Syncs now; the run's record."""
        run = self.wait_for(self.ask(force), seconds)
        assert run["status"] == status, run
        return run

    def syncs(self):
        return self.must("GET", f"/api/v1/users/{self.user}/syncs").json()["data"]

    # --- the list ---------------------------------------------------------------------------------

    def list(self, query=""):
        return self.must("GET", f"/api/v1/users/{self.user}/events{query}").json()

    def events(self):
        """All of them, page by page."""
        found, total = [], 1
        while len(found) < total:
            answer = self.list(f"?start={len(found)}&limit=1000")
            found, total = found + answer["data"], answer["total"]
            assert answer["data"] or not total
        return found

    def ids(self):
        return [item["id"] for item in self.events()]

    def versions(self):
        """Which version of each row stands: a row that is written, even with the same values, has
        another."""
        return self.query("""SELECT e.id, e.ctid::text, e.xmin::text, e.xmax::text
                             FROM calendar_events AS e JOIN calendars AS c ON c.id = e.calendar_id
                             WHERE c.user_id = %s ORDER BY e.id""", self.user)


def counted(run):
    """The counters of a run that are not zero."""
    return {name: run[name] for name in COUNTERS if run[name]}
