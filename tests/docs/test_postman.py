"""The Postman collection, run as newman runs it."""

import json
import re
import shutil
import subprocess

import pytest

from harness.almanac import ROOT

COLLECTION = ROOT / "docs" / "postman.json"


@pytest.fixture(name="newman", scope="module")
def fixture_newman():
    if not shutil.which("npm"):
        pytest.skip("there is no npm here: .make/install check installs it")
    done = subprocess.run([ROOT / ".make" / "npm", "newman@6.2.1"], check=True,
                          stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() + "/node_modules/.bin/newman"


def calling_nobody(folder):
    """A copy in which the receivers and feeds of the examples are on this machine."""
    text = COLLECTION.read_text(encoding="utf-8")
    copy = folder / "collection.json"
    copy.write_text(re.sub(r"https?://\w+\.example", "http://127.0.0.1:9", text), encoding="utf-8")
    return copy


def test_every_request_of_the_collection_is_answered_as_described(almanac, newman, tmp_path):
    report = tmp_path / "report.json"
    done = subprocess.run(
        [newman, "run", calling_nobody(tmp_path), "--env-var", f"baseUrl={almanac.url('')}",
         "--reporters", "cli,json", "--reporter-json-export", report, "--color", "off"],
        check=False, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout
    told = json.loads(report.read_text(encoding="utf-8"))["run"]
    codes = [execution["response"]["code"] for execution in told["executions"]]
    assert len(codes) > 40 and told["stats"]["assertions"]["failed"] == 0
    assert sum(200 <= code < 300 for code in codes) > len(codes) * 3 // 4, codes
