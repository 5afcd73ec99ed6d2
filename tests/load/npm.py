"""Peers of the npm registry: installed outside of the checkout, for this run, and started."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import requests

from harness.processes import free_port, wait_until

HERE = pathlib.Path(__file__).resolve().parent


def install(yard, *packages):
    """The folder with the packages; None where there is no npm or no registry."""
    directory = yard.directory / "peers"
    directory.mkdir(exist_ok=True)
    if not shutil.which("npm") or not shutil.which("node"):
        return None
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *packages],
                          cwd=directory, capture_output=True, check=False)
    return directory if done.returncode == 0 else None


class Server:
    """A script of peers/ that serves HTTP: node SCRIPT ARGUMENT... PORT. Its log goes to a file."""

    def __init__(self, directory, script, *arguments):
        self.port = free_port()
        with (directory / f"{script}.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["node", HERE / "peers" / script, *arguments, str(self.port)], cwd=directory,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def __enter__(self):
        wait_until(self._answers, 20, "the peer answers")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)

    def _answers(self):
        assert self._process.poll() is None, "the peer has ended"
        with contextlib.suppress(OSError):
            return self.get("/").status_code > 0
        return False

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path):
        return requests.get(self.url(path), timeout=10)
