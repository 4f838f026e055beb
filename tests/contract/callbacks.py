"""A place on loopback where stand-ins bring their callbacks to."""

import http.server
import threading
from typing import NamedTuple


class Arrived(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Callbacks(http.server.ThreadingHTTPServer):
    """Collects what arrives; answers `refusals` of them with 500 first."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrived: list[Arrived] = []
        self.refusals = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self._thread.start()
        return super().__enter__()

    def __exit__(self, *args):
        self.shutdown()
        self._thread.join()
        super().__exit__(*args)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Callbacks

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.arrived.append(Arrived(self.path, dict(self.headers.items()), body))
        refused = self.server.refusals > 0
        self.server.refusals -= refused
        self.send_response(500 if refused else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Quiet."""
