"""What a blank is filled from over the network: a real server on this machine, which lies, sends too much or leads elsewhere."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from broadcaster.domain.errors import Invalid
from broadcaster.service.outgoing import NotReached, Outgoing
from tests.integration.planning import approved, fire, runs, set_clock, written

LEVEL = b'{"now": {"text": "the tip", "height": 3}}'


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = {
            "/level": (200, LEVEL),
            "/much": (200, b'"' + b"x" * 70_000 + b'"'),
            "/elsewhere": (302, b""),
        }.get(self.path, (404, b"{}"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/level")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def a_server():
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_a_whole_small_answer_of_a_public_address_is_taken():
    here = Outgoing(may_stay_here=lambda: True, total_s=2.0)
    with a_server() as address:
        assert here.get(f"{address}/level", most_bytes=1_000) == LEVEL
        for path, why in (("/much", "too_much"), ("/elsewhere", "answered_302"), ("/none", "answered_404")):
            with pytest.raises(NotReached, match=why):
                here.get(f"{address}{path}", most_bytes=65_536)
        for inside in (address, "https://10.0.0.8/", "https://169.254.169.254/latest", "https://[::1]/"):
            with pytest.raises(NotReached, match="address_refused"):
                Outgoing(may_stay_here=lambda: False).get(inside, most_bytes=1_000)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_fetched_stands_in_the_run_and_its_digest_in_the_log(world):
    world.parts._series._outgoing = Outgoing(may_stay_here=lambda: True, total_s=2.0)
    set_clock(world, "2027-01-02T12:00")
    with a_server() as address:
        formula = f"=json {address}/level#/now/text the tip|no tip else no tip"
        approved(world, values={"service": formula})
        set_clock(world, "2027-01-04T09:00")
        fire(world)
        world.work_public()
    set_clock(world, "2027-01-11T09:00")
    fire(world)  # nothing answers any more
    world.work_public()
    assert [state for _, state, _ in runs(world)] == ["sent", "sent"]
    assert [taken.post.title for taken in world.site.ledger] == ["the tip not working", "no tip not working"]
    first, second = world.events("message_approved_and_released")
    assert [len(digest) for digest in first["fetched"].values()] == [64]
    assert "fetched" not in second


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_address_that_could_never_be_fetched_is_told_when_it_is_written(world):
    for address in ("https://10.0.0.8/x", "http://example.org/x", "https://a:b@example.org/x"):
        with pytest.raises(Invalid, match="address"):
            world.parts.schedule_writing.add(
                world.officer, written(values={"service": f"=json {address}#/a a|b"})
            )
