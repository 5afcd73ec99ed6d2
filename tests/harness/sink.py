"""A receiver of webhooks that is fast and keeps what came: asyncio in a thread of its own.

    with Sink() as sink:
        sink.url("/ok")                      200
        sink.url("/status/500")              that status
        sink.url("/slow/0.2")                200 after so many seconds
        sink.calls                           what came, in order
"""

import asyncio
import collections
import json
import threading
import time

from harness.processes import wait_until

Call = collections.namedtuple("Call", "at path headers body")


class Sink:
    def __init__(self):
        self.calls = []
        self._loop = asyncio.new_event_loop()
        self._server = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._is_up = threading.Event()

    def __enter__(self):
        self._thread.start()
        assert self._is_up.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=2048))
        self._is_up.set()
        self._loop.run_forever()
        self._server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    def url(self, path="/ok"):
        return f"http://127.0.0.1:{self.port}{path}"

    # --- serving ---------------------------------------------------------------------------------

    async def _serve(self, reader, writer):
        try:
            while True:
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in
                   (field.partition(":") for field in fields if field)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = line.split(" ")[1]
        self.calls.append(Call(time.time(), path, headers, body))
        _, kind, *rest = path.split("/")
        if kind == "slow":
            await asyncio.sleep(float(rest[0]))
        status = int(rest[0]) if kind == "status" else 200
        writer.write(b"HTTP/1.1 %d Said\r\nContent-Length: 0\r\n\r\n" % status)

    # --- what came -------------------------------------------------------------------------------

    def bodies(self):
        return [json.loads(call.body) for call in list(self.calls)]

    def counts(self):
        """Timer id -> how many calls came."""
        return collections.Counter(call.headers["webhook-id"] for call in list(self.calls))

    def wait_for(self, count, seconds=15.0):
        """Until so many different timers have come."""
        wait_until(lambda: len(self.counts()) >= count, seconds, f"{count} different timers came")

    def lateness(self):
        """Seconds from due to arrival, of all calls."""
        return [call.at - moment(json.loads(call.body)["dueAt"]) for call in list(self.calls)]


def moment(text):
    """RFC 3339 with milliseconds, UTC, as seconds since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return seconds + float("0." + (fraction or "0"))
