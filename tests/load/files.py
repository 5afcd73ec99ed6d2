"""A file server that is no bottleneck: the kernel sends the file. ETags when it is asked to."""

import contextlib
import http.server
import os
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):  # pylint: disable=invalid-name
        server = self.server
        with server.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            etag = f'"{size}"' if server.has_etag else None
            if etag and self.headers.get("If-None-Match") == etag:
                self.send_response(304)
                self.send_header("ETag", etag)
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(size))
            if etag:
                self.send_header("ETag", etag)
            self.end_headers()
            self.wfile.flush()
            self.connection.sendfile(file)


@contextlib.contextmanager
def serve(path):
    """The server; its `url`, `path` and `has_etag` are there to be read and changed."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.path, server.has_etag = path, False
    server.url = f"http://127.0.0.1:{server.server_address[1]}/feed.xml"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
