"""Fetching a feed over real HTTP: only what has changed, never too much, never too long, and nowhere else."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from broadcaster.service.fetching import Fetching
from broadcaster.service.outgoing import NotReached

MARKED = {"ETag": '"one"', "Last-Modified": "Sat, 21 Nov 2026 18:00:00 GMT"}


@pytest.fixture(scope="module")
def server():
    asked = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append({name.lower(): value for name, value in self.headers.items()})
            if self.path == "/slow":
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):  # who asked may have gone away
                    while not stop.wait(0.05):
                        self.wfile.write(b" ")
                return
            same = self.headers.get("If-None-Match") == '"one"'
            status = {"/moved": 302, "/broken": 500}.get(self.path, 304 if same else 200)
            body = b"x" * 2_000 if self.path == "/huge" else b"<feed/>"
            self.send_response(status)
            for name, value in {**MARKED, "Location": "/huge"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if status != 304 else 0))
            self.end_headers()
            if status != 304:
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    stop = threading.Event()
    running = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", asked
    stop.set()
    running.shutdown()
    running.server_close()


def fetch(url, *, here=True, total_s=5.0, **given):
    return Fetching(may_stay_here=lambda: here, total_s=total_s).fetch(url, most_bytes=1_000, **given)


def test_it_asks_for_what_has_changed_and_is_told_that_nothing_has(server):
    address, asked = server
    first = fetch(f"{address}/feed")
    assert (first.changed, first.body, first.etag) == (True, b"<feed/>", '"one"')
    assert first.modified == MARKED["Last-Modified"]
    again = fetch(f"{address}/feed", etag=first.etag, modified=first.modified)
    assert (again.changed, again.body, again.etag) == (False, b"", first.etag)
    assert asked[-1]["if-modified-since"] == MARKED["Last-Modified"]
    assert asked[-1]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("path", "said"), [("/huge", "too_much"), ("/moved", "answered_302"), ("/broken", "answered_500")]
)
def test_what_is_no_feed_is_told_by_a_word_and_no_redirect_is_followed(server, path, said):
    address, asked = server
    before = len(asked)
    with pytest.raises(NotReached, match=said):
        fetch(address + path)
    assert len(asked) == before + 1


def test_a_source_that_never_ends_is_left(server):
    with pytest.raises(NotReached):
        fetch(f"{server[0]}/slow", total_s=0.5)


def test_this_machine_is_asked_in_a_sandbox_alone(server):
    address, asked = server
    before = len(asked)
    with pytest.raises(NotReached, match="address_refused"):
        fetch(f"{address}/feed", here=False)
    assert len(asked) == before
