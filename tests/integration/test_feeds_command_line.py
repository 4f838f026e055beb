"""`broadcaster feed`, `warning` and `cap`, as they are typed, over a real connection to a small feed."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lxml import etree

from broadcaster.stand_ins import MARK

#: The services beneath are tested on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FEED = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><updated>2026-11-21T18:00:00Z</updated>
<link type="application/cap+xml" href="1.cap"/></entry></feed>"""
ALERT = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>a1</identifier><sender>w@example.org</sender>
<sent>2026-11-21T18:00:00-00:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info>
<event>wind</event><severity>Severe</severity><headline>Amber warning of wind</headline><instruction>Keep off the seafront.</instruction>
<area><areaDesc>Lancashire</areaDesc></area></info></alert>"""


@pytest.fixture
def address(tmp_path):
    for name, content in (("feed.xml", FEED), ("1.cap", ALERT)):
        (tmp_path / name).write_text(content)
    handler = partial(
        type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None}), directory=tmp_path
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/feed.xml"
    server.shutdown()
    server.server_close()


def as_a_sandbox(desk):
    """Feeds on this machine are for sandboxes alone."""
    for path in (desk.data / "credentials" / "live").glob("*.toml"):
        own = path.read_text()
        path.write_text(MARK + own if "base_url" in own else f'{MARK}{own}base_url = "http://127.0.0.1:9"\n')


def test_a_feed_is_watched_and_its_warning_written_from_or_dismissed(desk, address):
    as_a_sandbox(desk)
    assert "No feed is watched yet" in desk.do("feed", "list", who="officer")
    add = ("feed", "add", "Met Office", address, "--template", "severe-weather", "--event", "wind")
    assert "Only an administrator" in desk.refused(*add, who="officer")
    assert "is watched from now on: wind -> severe-weather" in desk.do(*add, who="admin")
    assert "1 new, of which 1 before the officers" in desk.do("feed", "check", "Met Office", who="admin")
    assert "Nothing new" in desk.do("feed", "check", "Met Office", who="admin")
    assert "Lancashire" not in desk.do("feed", "list", who="officer")
    (waits,) = desk.data_of("warning", "list", who="officer")
    shown = desk.do("warning", "show", waits["uid"], who="officer")
    for said in (
        "Amber warning of wind",
        "Where: Lancashire",
        "colour = Amber",
        "action = Keep off the seafront.",
    ):
        assert said in shown
    assert "phone" in desk.refused("warning", "take", waits["uid"], who="officer")
    given = [
        f"--set={value}"
        for value in ("expires=+12h", "next_update=+3h", "source=Duty officer", "phone=01632 960123")
    ]
    ref = desk.data_of("warning", "take", waits["uid"], *given, "--channel", "website", who="officer")[
        "reference"
    ]
    assert "Nothing waits" in desk.do("warning", "list", who="officer")
    refused = desk.refused("warning", "dismiss", waits["uid"], "--reason", "late", who="officer")
    assert "written from already, by officer" in refused
    alert = etree.fromstring(desk.data_of("cap", "show", ref, who="officer")[0]["xml"].encode())
    assert alert.findtext("{*}info/{*}headline") == "Amber wind warning"
    assert desk.data_of("cap", "rotate", who="admin")["mode"] == "live"
    assert "is not watched any more" in desk.do("feed", "remove", "Met Office", who="admin")
