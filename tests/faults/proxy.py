"""What lies between the daemon and its database: passes bytes on, late, or swallows them without a word."""

import asyncio
import contextlib
import threading


class Proxy:
    """Listens on a port of its own; `delay` seconds lie on every way, and with `is_hungry` nothing comes out
    at the other end although everything is taken."""

    def __init__(self, port):
        self.delay = 0.0
        self.is_hungry = False
        self.accepted = 0
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._server = None
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._is_up.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    def url(self, url):
        """That of a database, by this way."""
        return url.replace(f":{self._target}/", f":{self.port}/")

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._is_up.set()
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def _serve(self, reader, writer):
        self.accepted += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        writer.close()
        far_writer.close()

    async def _pump(self, reader, writer):
        """Bytes keep their order, each as late as all the others."""
        while data := await reader.read(65536):
            self._loop.call_later(self.delay, self._pass_on, writer, data)
        self._loop.call_later(self.delay, writer.close)

    def _pass_on(self, writer, data):
        if not self.is_hungry and not writer.is_closing():
            writer.write(data)
