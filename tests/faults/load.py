"""Load for the fault stories: many threads ask one thing again and again and keep what came."""

import collections
import contextlib
import threading
import time

import requests

Call = collections.namedtuple("Call", "began seconds status retry_after")


class Load:
    """`ask(thread number, count)` is called over and over and gives a response; a connection that
    breaks is kept as status 0."""

    def __init__(self, ask, threads=4):
        self.calls = []
        self._ask = ask
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True)
                         for number in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, number):
        count = 0
        while not self._is_over.is_set():
            count += 1
            began = time.monotonic()
            status, retry_after = 0, None
            with contextlib.suppress(requests.RequestException):
                response = self._ask(number, count)
                status, retry_after = response.status_code, response.headers.get("Retry-After")
            self.calls.append(Call(began, time.monotonic() - began, status, retry_after))
            if status != 200:
                time.sleep(0.005)  # leave the machine to those it is about

    def since(self, moment):
        return [call for call in self.calls if call.began >= moment]

    def statuses(self):
        return collections.Counter(call.status for call in self.calls)
