"""A browser for all tests of this folder, and a small web server that sends the headers of docs/website.md."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser import chromium


class Files(SimpleHTTPRequestHandler):
    def __init__(self, *args, headers, **kwargs):
        self._headers = headers
        super().__init__(*args, **kwargs)

    def end_headers(self):
        for name, value in self._headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args):
        """Quiet."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    path = chromium.installed()
    if not path:
        pytest.skip("no Chromium on the PATH (Debian: apt-get install chromium)")
    with chromium.running(path, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def tab(browser):
    with browser.tab() as tab:
        yield tab


@pytest.fixture
def serve():
    """serve(folder, headers) -> the address of that folder over HTTP."""
    servers = []

    def start(folder, headers):
        folder.mkdir(exist_ok=True)
        handler = partial(Files, directory=str(folder), headers=headers)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
