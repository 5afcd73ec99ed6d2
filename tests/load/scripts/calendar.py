"""A calendar of 10,000 events: its first sync, syncs that find nothing new, and pages of 100 events at 64
connections beside Fastify with pg, which serves the same pages from the same database in the same run."""

import contextlib
import datetime
import http.server
import json
import threading
import urllib.parse

from harness.processes import wait_until
from npm import Server, install
from report import Row, milliseconds, per_second
from tools import Clock, Wrk, median

FIRST = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
SYNCS = 5           # that find nothing new
SHALLOW = 400       # different pages, none far from the front: an OFFSET costs the peer little
REACHABLE = 5000
PAGE = 100

# As who serves rows has them.
PEER_TABLE = """
    CREATE TABLE peer_events AS
    SELECT calendar_id, id, item::json->>'title' AS title, item::json->>'description' AS description,
           item::json->>'location' AS location, starts_at, ends_at, (item::json->>'allDay')::boolean AS all_day,
           item::json->>'status' AS status, (item::json->>'updatedAt')::timestamptz AS updated_at
    FROM calendar_events WHERE deleted_at IS NULL"""
PEER_KEYS = """
    ALTER TABLE peer_events ADD PRIMARY KEY (calendar_id, id);
    CREATE INDEX ON peer_events (calendar_id, starts_at, id);
    ANALYZE peer_events, calendar_events, calendars"""

# Differs as soon as one row was inserted, deleted or written anew.
VERSIONS = """
    SELECT md5(string_agg(id || ' ' || ctid || ' ' || xmin, ' ' ORDER BY id)),
           (SELECT md5(string_agg(place || ' ' || ctid || ' ' || xmin, ' ' ORDER BY place)) FROM calendar_marks)
    FROM calendar_events"""
WRITTEN = """
    SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE relname = 'calendar_events'"""
SESSIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def run(yard):
    count = 10_000 if yard.size.is_judged else 600
    url = yard.database()
    with source(count) as source_url, yard.daemon(url, CALENDAR_USERS=",") as daemon:
        syncs = sync_all(yard, url, daemon, source_url, count)
        pages = measure(yard, url, daemon)
    check_written(yard, url, count)
    return judge(count, *syncs, **pages)


# --- the source ---------------------------------------------------------------------------------------


def moment(when):
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(number):
    start = FIRST + datetime.timedelta(minutes=30 * number)
    return {"id": f"event-{number:06}", "title": f"Stand-up {number}", "location": f"Room {number % 17}",
            "description": "What was done, what comes next, and what stands in the way.",
            "startsAt": moment(start), "endsAt": moment(start + datetime.timedelta(minutes=45)),
            "allDay": False, "status": "confirmed", "updatedAt": moment(FIRST)}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):  # pylint: disable=invalid-name
        given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        start, limit = int(given.get("start", 0)), min(int(given.get("limit", PAGE)), 1000)
        items = ",".join(self.server.items[start:start + limit])
        body = f'{{"data":[{items}],"start":{start},"limit":{limit},"total":{len(self.server.items)}}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


@contextlib.contextmanager
def source(count):
    """Pages of so many events, finished before they are asked for."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.items = [json.dumps(event(number)) for number in range(count)]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/events"
    finally:
        server.shutdown()
        server.server_close()


# --- syncs --------------------------------------------------------------------------------------------


def must(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()


def sync(daemon):
    """The run's record, and how long it took."""
    run_id = must(daemon.post("/api/v1/users/load/events"), 202)["syncId"]
    done = wait_until(lambda: is_over(daemon, run_id), 60, "the sync is over")
    assert done["status"] == "succeeded", done
    first, last = (datetime.datetime.fromisoformat(done[name].replace("Z", "+00:00"))
                   for name in ("startedAt", "finishedAt"))
    return done, (last - first).total_seconds()


def is_over(daemon, run_id):
    done = must(daemon.get(f"/api/v1/syncs/{run_id}"), 200)
    return done["finishedAt"] and done


def sync_all(yard, url, daemon, source_url, count):
    """(seconds of the first sync, seconds of those that find nothing new)"""
    must(daemon.put("/api/v1/users/load/source", {"kind": "json", "url": source_url}), 200)
    done, first = sync(daemon)
    assert done["created"] == count and done["requests"] == -(-(count - PAGE) // 500) + 1, done
    before, again = yard.query(url, VERSIONS), []
    for _ in range(SYNCS if yard.size.is_judged else 1):
        done, seconds = sync(daemon)
        assert done["unchanged"] == count and done["created"] + done["updated"] + done["deleted"] == 0
        again.append(seconds)
    assert yard.query(url, VERSIONS) == before, "rows were written"
    return first, median(again)


def check_written(yard, url, count):
    """In its whole life the table saw the rows of the first sync, once. A session tells at its end at the
    latest."""
    wait_until(lambda: yard.query(url, SESSIONS) == [(0,)], 20, "no session is left")
    assert yard.query(url, WRITTEN) == [(count, 0, 0)], yard.query(url, WRITTEN)


# --- pages --------------------------------------------------------------------------------------------


def target(start):
    return f"/api/v1/users/load/events?start={start}&limit={PAGE}"


def targets(yard, name, starts):
    path = yard.directory / name
    path.write_text("".join(target(start) + "\n" for start in starts), encoding="utf-8")
    return path


def measure(yard, url, daemon):
    """Rates in turns; without npm or its registry there is no peer."""
    shallow = targets(yard, "shallow", range(min(SHALLOW, yard.size.requests)))
    wrks = {"ours": Wrk(daemon.url())}
    pages = {name: [] for name in ("ours", "rows", "texts", "costs", "tails", "depths")}
    with contextlib.ExitStack() as stack:
        if yard.size.is_judged and (directory := install(yard, "fastify", "pg")):
            wrks.update(start_peers(yard, url, daemon, directory, stack))
        for wrk in wrks.values():
            ask(yard, wrk, shallow)     # what is warm is faster, most of all the peer
        for _ in range(yard.size.rounds):
            ask_ours(yard, daemon, wrks["ours"], shallow, pages)
            for name in ("rows", "texts"):
                if name in wrks:
                    pages[name].append(ask(yard, wrks[name], shallow).rate)
    return pages


def ask(yard, wrk, path):
    return wrk.ask("targets", path, seconds=yard.size.seconds).must_be_good()


def ask_with_cost(yard, daemon, wrk, path):
    """The answers, and the CPU of one in microseconds: (of the daemon, of PostgreSQL)."""
    clock = Clock(daemon, yard.postgres)
    answers = ask(yard, wrk, path)
    return answers, [spent / answers.requests * 1e6 for spent in clock.spent()]


def ask_ours(yard, daemon, wrk, shallow, pages):
    answers, cost = ask_with_cost(yard, daemon, wrk, shallow)
    pages["ours"].append(answers.rate)
    pages["tails"].append(answers.p99)
    pages["costs"].append(cost)
    if yard.size.is_judged:
        deep = targets(yard, "deep", range(REACHABLE - PAGE - SHALLOW, REACHABLE - PAGE))
        pages["depths"].append(sum(ask_with_cost(yard, daemon, wrk, deep)[1]))


def start_peers(yard, url, daemon, directory, stack):
    yard.query(url, PEER_TABLE)
    yard.query(url, PEER_KEYS)
    wrks = {}
    for kind in ("rows", "texts"):
        peer = stack.enter_context(Server(directory, "fastify.mjs", kind, url))
        check_peer(daemon, peer)
        wrks[kind] = Wrk(peer.url())
    return wrks


def check_peer(daemon, peer):
    """It gives the same page."""
    for start in (0, 7, SHALLOW):
        ours, theirs = (must(who.get(target(start)), 200) for who in (daemon, peer))
        assert ours["data"] == theirs["data"] and ours["total"] == theirs["total"], theirs


# --- words --------------------------------------------------------------------------------------------


def judge(count, first, again, ours, rows, texts, costs, tails, depths):
    if not depths:
        return []
    rate = median(ours)
    parts = [median([cost[place] for cost in costs]) for place in (0, 1)]
    return [
        Row(f"first sync of {count:,} events", f"{first:.2f} s", "", "", "at most 2 s", first <= 2),
        Row("again, nothing new", f"{again:.2f} s", "no row written", "", "at most 0.5 s", again <= 0.5),
        Row("a page of 100 events, 64 connections", per_second(rate), "", "", "at least 5,000/s",
            rate >= 5000),
        Row("the same: p99", milliseconds(median(tails))),
        Row("the same: CPU of one", f"{sum(parts):.0f} µs",
            f"daemon {parts[0]:.0f}, PostgreSQL {parts[1]:.0f}"),
        beside("the same beside Fastify with pg", ours, rows, 3),
        beside("the same beside Fastify with pg and our finished texts", ours, texts, None),
        Row("pages from the end of the list: CPU of one", f"{median(depths):.0f} µs",
            f"from its front {sum(parts):.0f} µs", f"{median(depths) / sum(parts):.2f}", "at most 1.1",
            median(depths) / sum(parts) <= 1.1),
    ]


def beside(what, ours, theirs, least):
    if not theirs:
        return Row(what, per_second(median(ours)), "no peer")
    ratio = median([one / other for one, other in zip(ours, theirs)])
    return Row(what, per_second(median(ours)), per_second(median(theirs)), f"{ratio:.1f}",
               f"at least {least}" if least else "", ratio >= least if least else None)
