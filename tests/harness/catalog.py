"""What the stories of the catalog do again and again: provide a feed, sync it, look at it."""

import base64
import itertools

from harness.postgres import Postgres
from harness.processes import wait_until

ALL = "starts_at=1970-01-01&ends_at=9999-12-31T23:59:59Z"
numbers = itertools.count(1)


def edition_of(response):
    """The edition in the ETag of an answer from the catalog; None without."""
    parts = response.headers.get("ETag", "").strip('"').split("-")
    return int(parts[1]) if len(parts) > 1 else None


def as_cursor(text):
    """A cursor as answers spell it."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class Catalog:
    """The catalog of one database as one daemon tells it."""

    def __init__(self, almanac):
        self.almanac = almanac

    def query(self, sql, *args):
        return Postgres.query(self.almanac.settings["DATABASE_URL"], sql, *args)

    # --- providers --------------------------------------------------------------------------------

    def create(self, url, **fields):
        """The id of a new provider; its first sync is under way."""
        fields.setdefault("name", f"provider-{next(numbers)}")
        answer = self.almanac.post("/api/v1/providers", {"url": url, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def provide(self, url, **fields):
        """The id of a new provider whose first sync is over and can be seen."""
        provider = self.create(url, **fields)
        self.wait_for_syncs(provider, 1)
        self.settle()
        return provider

    def provider(self, provider):
        answer = self.almanac.get(f"/api/v1/providers/{provider}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    # --- syncs ------------------------------------------------------------------------------------

    def syncs(self, provider):
        """The newest first."""
        answer = self.almanac.get(f"/api/v1/providers/{provider}/syncs")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def wait_for_syncs(self, provider, count, seconds=20.0):
        """The runs that are over, the newest first, once there are `count`."""
        def find():
            over = [run for run in self.syncs(provider) if run["finishedAt"]]
            return over if len(over) >= count else None
        return wait_until(find, seconds, f"{count} syncs of provider {provider}")

    def begin_sync(self, provider):
        """Asks for a sync; the run's path."""
        answer = self.almanac.post(f"/api/v1/providers/{provider}/sync")
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def wait_for_end(self, path, seconds=20.0):
        """The record of a run, once it is over."""
        def find():
            run = self.almanac.get(path).json()
            return run if run["finishedAt"] else None
        return wait_until(find, seconds, f"{path} is over")

    def sync(self, provider, seconds=20.0):
        """Syncs now; the run's record, when what it did can be seen."""
        run = self.wait_for_end(self.begin_sync(provider), seconds)
        self.settle()
        return run

    # --- searches ---------------------------------------------------------------------------------

    def edition(self):
        return self.query("SELECT edition FROM catalog_state")[0][0]

    def settle(self, seconds=5.0):
        """Waits until searches tell the newest edition."""
        edition = self.edition()
        path = "/search?starts_at=1970-01-01&ends_at=1970-01-01"
        wait_until(lambda: (edition_of(self.almanac.get(path)) or 0) >= edition, seconds,
                   f"searches tell edition {edition}")

    def search(self, query=ALL):
        """The rows of /search."""
        answer = self.almanac.get(f"/search?{query}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["error"] is None
        return answer.json()["data"]

    def titles(self, query=ALL):
        return [row["title"] for row in self.search(query)]

    def rows(self):
        """All stored events by (base id, event id), as text."""
        rows = self.query("""SELECT base_id, event_id, title, is_online, was_online, starts_at,
                             ends_at, min_price::text, max_price::text FROM catalog_events""")
        return {row[:2]: row[2:] for row in rows}

    def versions(self):
        """Which version of each row stands: a row that is written, even with the same values, has
        another."""
        return self.query("SELECT id, ctid::text, xmin::text FROM catalog_events ORDER BY id")


def written(database):
    """(inserted, updated, deleted) rows of catalog_events, once all other sessions have ended: a
    session tells what it did at its end at the latest."""
    others = """SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    wait_until(lambda: Postgres.query(database, others) == [(0,)], what="no session is left")
    return Postgres.query(database, """SELECT n_tup_ins, n_tup_upd, n_tup_del
                                       FROM pg_stat_user_tables
                                       WHERE relname = 'catalog_events'""")[0]
