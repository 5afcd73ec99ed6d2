"""What operators get: metrics that Prometheus likes, a dashboard and alerts that name nothing else."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from harness.almanac import ROOT
from harness.catalog import Catalog
from harness.feeds import sample
from harness.processes import memory_of, wait_until

OPERATIONS = ROOT / "docs" / "operations"
NAME = re.compile(r"\b((?:almanac|process)_[a-z_]+)\b")
TIMED = re.compile(r"_(?:bucket|sum|count)$")


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac, module_database, module_world, tmp_path_factory):
    """A daemon that has done a little of everything."""
    module_world.serve("/feed", sample("01"))
    almanac = start_module_almanac(REPORT_INTERVAL_SECONDS=1,
                                   REPORT_DIR=tmp_path_factory.mktemp("reports"),
                                   WEBHOOK_ALLOW="loopback", READ_DATABASE_URL=module_database)
    Catalog(almanac).provide(module_world.url("/feed"))
    almanac.post("/api/v1/users/1/events")
    almanac.post("/api/v1/timers", {"url": module_world.url("/hook"), "delay": 0})
    wait_until(lambda: almanac.metric("almanac_calendar_synced_timestamp_seconds"), 20,
               "a calendar is synced")
    return almanac


@pytest.fixture(name="families", scope="module")
def fixture_families(almanac):
    """name -> type of all that /metrics tells."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", almanac.get("/metrics").text, re.M))


def promtool(*arguments, **options):
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    tool = shutil.which("promtool") or str(pathlib.Path(cache) / "almanac" / "promtool")
    if not os.access(tool, os.X_OK):
        pytest.skip("promtool is installed by `make check` only")
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=60, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# --- the metrics ----------------------------------------------------------------------------------


def test_promtool_has_nothing_to_say_of_the_metrics(almanac):
    assert promtool("check", "metrics", input=almanac.get("/metrics").text) == ""


def test_every_family_is_told_once_with_its_help_and_samples(almanac):
    text = almanac.get("/metrics").text
    for word in ("HELP", "TYPE"):
        names = re.findall(rf"^# {word} (\S+) \S", text, re.M)
        assert len(names) == len(set(names)) > 40
    assert text.endswith("\n")


def test_no_label_grows_with_the_requests(almanac):
    """Paths, ids, addresses and targets make no series of their own."""
    almanac.get("/nothing-before")
    count = len(almanac.get("/metrics").text.splitlines())
    for number in range(50):
        almanac.get(f"/nothing-{number}?q={number}", headers={"X-Request-Id": f"id-{number}"})
        almanac.get(f"/api/v1/providers/{number + 1000}")
        almanac.get(f"/api/v1/users/{number}/events?limit=1")
    assert len(almanac.get("/metrics").text.splitlines()) == count


def test_the_process_is_measured(almanac):
    memory = memory_of(almanac.pid, "VmRSS")
    assert 0.5 * memory < almanac.metric("process_resident_memory_bytes") < 2 * memory
    assert almanac.metric("process_virtual_memory_bytes") >= memory
    files = len(os.listdir(f"/proc/{almanac.pid}/fd"))
    assert abs(almanac.metric("process_open_fds") - files) <= 5
    assert almanac.metric("process_max_fds") > files
    assert time.time() - 600 < almanac.metric("process_start_time_seconds") < time.time()
    before = almanac.metric("process_cpu_seconds_total")
    for _ in range(200):
        almanac.get("/status")
    assert before < almanac.metric("process_cpu_seconds_total") < 600


def test_the_parts_that_may_be_stuck_are_told(almanac):
    assert almanac.metric_values("almanac_scheduler_stuck") == [0]
    assert almanac.metric_values("almanac_reports_stuck") == [0]


@pytest.mark.parametrize("name, least, most", [
    ("almanac_http_request_seconds", 0.0001, 10), ("almanac_database_answer_seconds", 0.0001, 10),
    ("almanac_timer_lateness_seconds", 0.001, 3600)])
def test_histograms_reach_as_far_as_what_they_measure(name, least, most, almanac):
    bounds = [float(bound) for bound in re.findall(
        rf'^{name}_bucket{{(?:[^}}]*,)?le="([0-9.]+)"', almanac.get("/metrics").text, re.M)]
    assert min(bounds) == least and max(bounds) == most


# --- the dashboard --------------------------------------------------------------------------------


def names_of(expression):
    """The families an expression asks for."""
    return {TIMED.sub("", name) if name.endswith("_seconds" + (TIMED.search(name) or [""])[0])
            else name for name in NAME.findall(expression)}


def panels():
    board = json.loads((OPERATIONS / "grafana.json").read_text(encoding="utf-8"))
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def test_the_dashboard_asks_only_for_what_is_told(families):
    asked = {name for panel in panels() for target in panel["targets"]
             for name in names_of(target["expr"])}
    assert len(asked) > 25
    assert not asked - set(families)


def test_every_panel_has_a_title_a_unit_and_the_chosen_source():
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids)) > 15
    for panel in panels():
        assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"] and all(target["expr"] and target["refId"]
                                        for target in panel["targets"])


def test_the_dashboard_has_a_row_for_each_part_and_fits_the_screen():
    board = json.loads((OPERATIONS / "grafana.json").read_text(encoding="utf-8"))
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert rows == ["Overview", "HTTP", "Database", "Catalog", "Calendar", "Timers",
                    "Tasks and reports", "Process"]
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    cells = [(x, y) for place in places for x in range(place["x"], place["x"] + place["w"])
             for y in range(place["y"], place["y"] + place["h"])]
    assert len(cells) == len(set(cells))
    variables = {one["name"]: one["type"] for one in board["templating"]["list"]}
    assert variables == {"datasource": "datasource", "instance": "query"}


@pytest.mark.parametrize("panel", panels() if (OPERATIONS / "grafana.json").exists() else [],
                         ids=lambda panel: panel["title"])
def test_what_a_panel_asks_is_promql(panel, tmp_path):
    """As a recording rule each, since promtool reads those."""
    rules = [{"record": f"panel:{number}", "expr": target["expr"].replace("$__rate_interval", "5m")}
             for number, target in enumerate(panel["targets"])]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "panel", "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", path)


# --- the alerts -----------------------------------------------------------------------------------


def alerts():
    """name -> its part of the file."""
    text = (OPERATIONS / "alerts.yml").read_text(encoding="utf-8")
    parts = re.split(r"^ +- alert: (\w+)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def test_the_alerts_ask_only_for_what_is_told(families):
    asked = {name for part in alerts().values()
             for name in names_of(part.partition("labels:")[0])}
    assert len(asked) > 10
    assert not asked - set(families)


def test_promtool_reads_the_alerts():
    assert f"SUCCESS: {len(alerts())} rules found" in promtool("check", "rules",
                                                               OPERATIONS / "alerts.yml")


def test_the_alerts_fire_when_they_should():
    promtool("test", "rules", pathlib.Path(__file__).parents[1] / "rules" / "alerts_test.yml")


def test_every_alert_is_tried():
    tried = (ROOT / "tests" / "rules" / "alerts_test.yml").read_text(encoding="utf-8")
    assert len(alerts()) >= 10
    for name in alerts():
        told = re.findall(rf"alertname: {name}\n +exp_alerts: *(\[\])?", tried)
        assert "" in told and "[]" in told, f"{name} is not tried both ways"


def test_every_alert_says_what_to_do():
    runbook = (OPERATIONS / "README.md").read_text(encoding="utf-8")
    for name, part in alerts().items():
        assert re.search(rf"^### {name}$", runbook, re.M), name
        assert f"#{name.lower()}" in part and "severity:" in part
        assert "summary:" in part and "description:" in part
