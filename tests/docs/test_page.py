"""The page at /docs in a real browser."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from harness import contract
from harness.almanac import ROOT, binary

PAGE = pathlib.Path(__file__).with_name("page.mjs")


@pytest.fixture(name="packages", scope="module")
def fixture_packages():
    if not shutil.which("npm") or not os.path.exists("/usr/bin/chromium"):
        pytest.skip("there is no browser here: .make/install check installs chromium and npm")
    done = subprocess.run([ROOT / ".make" / "npm", "playwright-core@1.55.1"], check=True,
                          stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def browse(packages, url, picture):
    done = subprocess.run(["node", PAGE, packages, url, picture], check=False, capture_output=True,
                          text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_page_shows_every_route_and_tries_one_out(almanac, packages, tmp_path):
    folder = pathlib.Path(os.environ.get("PICTURES", tmp_path))
    assert almanac.get("/docs/swagger-ui.js").status_code == 200, "built without Swagger UI"
    seen = browse(packages, almanac.url("").rstrip("/"), folder / "page.png")
    described = {f"{method.upper()} {path}" for path, methods
                 in contract.document(binary())["paths"].items() for method in methods}
    assert set(seen["operations"]) == described
    assert seen["elsewhere"] == [] and seen["complaints"] == []
    assert seen["status"] == "201"
    timers = almanac.get("/api/v1/timers").json()["data"]
    assert [timer["status"] for timer in timers] == ["scheduled"]
