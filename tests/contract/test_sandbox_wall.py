"""The wall shows what a reader would see, and nothing that a text brings with it."""

import html.parser
import http.server
import json
import threading

import pyotp
import pytest

from channels.base import Account, Secret
from channels.facebook import FacebookPage
from tests.contract.facebook_pictures import image, with_pictures
from tests.contract.sandbox_process import SandboxProcess


class Page(html.parser.HTMLParser):
    """Tags, links and the text of the page."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data):
        self.text += data


def wall_of(sandbox):
    answer = sandbox.get("/")
    assert answer.status_code == 200
    page = Page(answer.text)
    page.links.remove("/_sandbox/staff")  # on every wall; the rest is what the public can follow
    return page


def test_it_says_that_it_is_a_sandbox_and_needs_no_javascript(sandbox):
    page = wall_of(sandbox)
    assert "SANDBOX: nothing here reached a real platform" in page.text
    assert ("html", {"lang": "en"}) in page.tags
    assert ("meta", {"http-equiv": "refresh", "content": "2"}) in page.tags
    assert any(tag == "meta" and attrs.get("name") == "viewport" for tag, attrs in page.tags)
    assert "script" not in [tag for tag, _ in page.tags]
    assert "0 texts accepted" in page.text


def test_it_shows_each_text_as_its_reader_sees_it(sandbox):
    text = "River rising.\n\nLeave now & go to the <b>school</b>.\nhttps://wyre.example/a?x=1&y=2."
    sandbox.publish(text, link="https://wyre.example/page")
    sandbox.tweet(text)
    sandbox.text("+447700900123 +447700900124", text)
    page = wall_of(sandbox)
    assert page.text.count(text) == 3
    assert "b" not in [tag for tag, _ in page.tags]
    assert page.links.count("https://wyre.example/a?x=1&y=2") == 3
    assert page.links.count("https://wyre.example/page") == 1
    assert "2 texts accepted" in page.text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", 'https://a.example/"onmouseover="x', "javascript:alert(1)"]
)
def test_hostile_text_stays_text(sandbox, text):
    sandbox.publish(text)
    page = wall_of(sandbox)
    assert text in page.text
    assert "script" not in [tag for tag, _ in page.tags]
    assert not [link for link in page.links if not link.startswith("https://a.example/")]
    assert not [attrs for _, attrs in page.tags if "onmouseover" in attrs]


def test_unpublished_and_deleted_posts_are_not_shown(sandbox):
    sandbox.publish("only a draft", published="false")
    post_id = sandbox.tweet("gone soon").json()["data"]["id"]
    assert "gone soon" in wall_of(sandbox).text
    sandbox.delete(f"/2/tweets/{post_id}", auth=sandbox.signature())
    text = wall_of(sandbox).text
    assert "only a draft" not in text
    assert "gone soon" not in text


def test_a_posts_address_leads_to_it(sandbox):
    address = sandbox.publish("here", fields="permalink_url").json()["permalink_url"]
    assert ("article", {"id": address.partition("#")[2]}) in wall_of(sandbox).tags


def test_pictures_are_shown_with_their_alt_text_and_nothing_else_may_be(sandbox):
    page = FacebookPage(
        Account(
            name="facebook",
            channel="facebook",
            mode="live",
            options={"page_id": sandbox.accounts["facebook"]["page_id"], "base_url": sandbox.url},
            secrets={"access_token": Secret(sandbox.accounts["facebook"]["access_token"])},
        )
    )
    alt = 'A map: the "seafront" is closed <here>'
    page.send(with_pictures(image(alt=alt)), "key")
    (shown,) = [attrs for tag, attrs in wall_of(sandbox).tags if tag == "img"]
    assert shown["alt"] == alt
    picture = sandbox.get(shown["src"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.content == image(alt=alt).content
    assert "img-src 'self';" in sandbox.get("/").headers["content-security-policy"]


def test_a_thread_on_x_is_read_from_its_beginning(sandbox):
    sandbox.tweet("an older post")
    first = sandbox.tweet("first part").json()["data"]["id"]
    sandbox.tweet("second part", reply={"in_reply_to_tweet_id": first})
    sandbox.tweet("a newer post")
    text = wall_of(sandbox).text
    places = [text.index(each) for each in ("a newer post", "first part", "second part", "an older post")]
    assert places == sorted(places)


class SiteHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.files.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def site():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SiteHandler) as server:
        server.daemon_threads = True
        server.files = {}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("content", "links"),
    [
        ({"alerts": [{"url": "https://wyre.example/alerts/a/", "posts": [{"title": "Flood <now>"}]}]}, 1),
        ({"alerts": [{"url": "javascript:alert(1)", "posts": [{"title": "Flood <now>"}]}]}, 0),
        ({"alerts": [{"url": "/alerts/a/", "posts": []}]}, None),
        ({"alerts": "none"}, None),
        (["nonsense"], None),
    ],
)
def test_the_websites_newest_pages_are_shown_or_left_out(tmp_path, site, content, links):
    site.files["/alerts.json"] = json.dumps(content).encode()
    sandbox = SandboxProcess(tmp_path, "--site-url", f"http://127.0.0.1:{site.server_address[1]}/")
    try:
        page = wall_of(sandbox)
    finally:
        sandbox.stop()
    assert ("Flood <now>" in page.text) == (links is not None)
    assert page.links == ["https://wyre.example/alerts/a/"] * (links or 0)
    assert ("No pages yet" in page.text) == (links is None)


@pytest.mark.parametrize("over", [{"ended": True}, {"ended": False, "expires": "2026-01-01T00:00:00+00:00"}])
def test_what_has_ended_on_the_website_says_so_on_the_wall(tmp_path, site, over):
    """Like every reader it looks at the end itself: the file may be a minute old."""
    alert = {"url": "https://wyre.example/alerts/a/", "posts": [{"title": "Flood now"}], **over}
    site.files["/alerts.json"] = json.dumps({"alerts": [alert]}).encode()
    sandbox = SandboxProcess(tmp_path, "--site-url", f"http://127.0.0.1:{site.server_address[1]}/")
    try:
        assert "Ended: Flood now" in wall_of(sandbox).text
    finally:
        sandbox.stop()


def test_the_websites_pictures_are_taken_from_where_it_is_served(tmp_path, site):
    picture = {"url": "https://wyre.example/media/ab12.jpg", "alt": "The sea wall"}
    post = {"title": "Storm", "images": [picture]}
    alerts = {"alerts": [{"url": "https://wyre.example/alerts/a/", "posts": [post]}]}
    site.files["/here/alerts.json"] = json.dumps(alerts).encode()
    origin = f"http://127.0.0.1:{site.server_address[1]}"
    sandbox = SandboxProcess(tmp_path, "--site-url", f"{origin}/here")
    try:
        page, policy = wall_of(sandbox), sandbox.get("/").headers["content-security-policy"]
    finally:
        sandbox.stop()
    assert ("img", {"src": f"{origin}/here/media/ab12.jpg", "alt": "The sea wall"}) in page.tags
    assert f"img-src 'self' {origin};" in policy


def test_a_website_that_is_away_leaves_the_wall_standing(tmp_path):
    sandbox = SandboxProcess(tmp_path, "--site-url", "http://127.0.0.1:9")
    try:
        assert "No pages yet" in wall_of(sandbox).text
    finally:
        sandbox.stop()


def test_the_staff_of_a_sandbox_are_told_with_the_code_of_this_moment(sandbox):
    secret = pyotp.random_base32()
    staff = {"officer": {"password": "five <dry> herons", "totp_secret": secret}}
    (sandbox.data_dir / "secrets.json").write_text(json.dumps(staff))
    before = pyotp.TOTP(secret).now()
    page = Page(sandbox.get("/_sandbox/staff").text)
    assert "five <dry> herons" in page.text
    assert before in page.text or pyotp.TOTP(secret).now() in page.text
    assert secret not in page.text


def test_a_sandbox_without_made_up_staff_says_so(sandbox):
    (sandbox.data_dir / "secrets.json").unlink(missing_ok=True)
    assert "made nobody up" in Page(sandbox.get("/_sandbox/staff").text).text
