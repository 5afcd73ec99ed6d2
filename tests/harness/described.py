"""What the tables of the house say, as tests/rules/describe.c tells it."""

import functools
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")


@functools.lru_cache
def describe(topic):
    program = BUILD / "tests" / "rules" / "describe"
    return subprocess.run([program, topic], check=True, stdout=subprocess.PIPE, text=True).stdout


def routes():
    return json.loads(describe("routes"))
