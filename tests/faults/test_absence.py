"""After days without any daemon, nothing is made of the days that have come since: the first one back makes
it before it serves."""

import contextlib
import threading

import psycopg2

from harness.postgres import Postgres
from harness.processes import wait_until
from harness.sink import Sink
from harness.tasks import body_of

DAYS = ("webhooks", "timers_over")
LATER = "UPDATE jobs SET due_at = due_at + interval '1 day' WHERE name IN ('tasks-purge', 'timers-purge')"
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1"


def partitions(database, table):
    return [row[0] for row in Postgres.query(database, PARTITIONS, table)]


def forget_days(database):
    """As if the last daemon had gone long ago; the jobs that make partitions are not to help."""
    for table in DAYS:
        for partition in partitions(database, table):
            Postgres.query(database, f"DROP TABLE {partition}")
    Postgres.query(database, LATER)


def come_back(daemon):
    daemon.lines.clear()  # of the run before
    daemon.start()


def create_timer(daemon, sink):
    answer = daemon.post("/api/v1/timers", {"url": sink.url(), "delay": 0})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def status(daemon, timer):
    return daemon.get(f"/api/v1/timers/{timer}").json()["status"]


def test_a_daemon_that_comes_back_after_days_stores_at_once(start_almanac, database):
    with Sink() as sink:
        daemon = start_almanac(WEBHOOK_ALLOW="loopback")
        before = {table: partitions(database, table) for table in DAYS}
        daemon.terminate()
        forget_days(database)
        come_back(daemon)
        assert daemon.post("/webhook", body_of("created", "late")).status_code == 202
        timer = create_timer(daemon, sink)
        wait_until(lambda: status(daemon, timer) == "finished", 5, "the timer is finished")
        assert {table: partitions(database, table) for table in DAYS} == before
        assert len(sink.calls) == 1


def test_results_wait_for_the_partition_of_their_day(start_almanac, database):
    """It serves all else, calls once, and has the result when the partition is there at last."""
    with Sink() as sink:
        daemon = start_almanac(WEBHOOK_ALLOW="loopback")
        daemon.expect_errors("results of timers were refused", "statement refused")
        forget_days(database)
        timers = [create_timer(daemon, sink) for _ in range(20)]
        sink.wait_for(20)
        daemon.wait_for_log("results of timers were refused")
        refused = daemon.post("/webhook", body_of("created", "late"))
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        assert [status(daemon, timer) for timer in timers] == ["running"] * 20
        wait_until(lambda: daemon.metric("almanac_timers_unsettled") == 20, 5, "all results wait")
        Postgres.query(database, "SELECT day_partitions('timers_over', 0), day_partitions('webhooks', 0)")
        assert daemon.post("/webhook", body_of("created", "late")).status_code == 202
        wait_until(lambda: daemon.metric("almanac_timers_unsettled") == 0, 10, "none waits any more")
        assert [status(daemon, timer) for timer in timers] == ["finished"] * 20
        assert len(sink.calls) == 20


def test_refused_results_do_not_keep_a_daemon_from_going(start_almanac, database):
    """Another one, or the same one later, calls again."""
    with Sink() as sink:
        daemon = start_almanac(WEBHOOK_ALLOW="loopback", HTTP_SHUTDOWN_SECONDS="10")
        daemon.expect_errors("results of timers were refused")
        forget_days(database)
        timer = create_timer(daemon, sink)
        daemon.wait_for_log("results of timers were refused")
        stopped = threading.Thread(target=daemon.terminate)
        stopped.start()
        stopped.join(5)
        assert not stopped.is_alive()
        come_back(daemon)
        wait_until(lambda: status(daemon, timer) == "finished", 10, "the timer is finished")
        assert len(sink.calls) == 2


def test_a_locked_table_delays_a_start_by_a_second(start_almanac, database):
    """Whoever holds it may be a backup that takes hours: it serves without partitions, and says so."""
    daemon = start_almanac()
    daemon.terminate()
    forget_days(database)
    with contextlib.closing(psycopg2.connect(database)) as holder:
        holder.cursor().execute("LOCK TABLE webhooks IN ACCESS SHARE MODE")
        come_back(daemon)
        warned = daemon.wait_for_log("partitions of the coming days were not made")
        assert "lock timeout" in warned["reason"]
        assert partitions(database, "timers_over")
        daemon.wait_ready()
