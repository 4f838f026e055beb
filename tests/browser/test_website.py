"""The website's pages and its banner in a real browser: what is shown, what a screen reader is told, what is not done."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from PIL import Image as Drawing

from broadcaster.domain.media import Image
from broadcaster.domain.post import Post
from channels.base import Account
from channels.website import Website

SITE_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "max-age=30",
    "X-Content-Type-Options": "nosniff",
}
TITLES = "[...document.querySelectorAll('body > div')].flatMap(d => [...d.shadowRoot.querySelectorAll('a')].map(a => a.textContent))"
#: As if the reader's clock stood a day behind.
CLOCK_BEHIND = "{ const real = Date.now; Date.now = () => real() - 86400000; }"
#: Says when the banner has read its feed, and is through with it: without the banner no test gets past it.
WATCH = """{
  const real = window.fetch, over = () => setTimeout(() => { window.settled = true; });
  window.settled = false;
  window.fetch = (...given) => {
    const answer = real(...given);
    answer.then(response => {
      if (!response.ok) return over();
      const json = response.json.bind(response);
      response.json = () => { const content = json(); content.then(over, over); return content; };
    }, over);
    return answer;
  };
}"""
NOW = datetime.now(UTC)


def hours(number):
    return (NOW + timedelta(hours=number)).isoformat(timespec="seconds")


def post(reference, title, severity="Moderate", ends=6, language="en", **facts):
    facts = {"reference": reference, "severity": severity, "expires": hours(ends)} | facts
    return Post(
        channel="website", account="web", language=language, title=title, text="Move up.", facts=facts
    )


class Council:
    """A site with alerts, and on another origin a council's page that includes its banner under a strict policy."""

    def __init__(self, folder, serve):
        self.site = folder / "site"
        self.site_url = serve(self.site, SITE_HEADERS)
        policy = (
            f"default-src 'none'; img-src data:; script-src {self.site_url}; connect-src {self.site_url}; base-uri 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        self.pages = folder / "pages"
        self.url = serve(self.pages, {"Content-Security-Policy": policy})
        (self.pages / "index.html").write_text(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bins</title>'
            f'<link rel="icon" href="data:,"><script src="{self.site_url}/banner.js" defer></script></head>'
            f'<body><h1>Bins</h1><noscript><a href="{self.site_url}/">Alerts</a></noscript></body></html>',
            encoding="utf-8",
        )

    def website(self, mode="live", now=lambda: NOW):
        options = {"site_dir": str(self.site), "base_url": self.site_url, "site_name": "Wyre Council"}
        return Website(Account(name="web", channel="website", mode=mode, options=options), now=now)

    def write_feed(self, content):
        self.website().refresh()
        (self.site / "alerts.json").write_text(content, encoding="utf-8")

    def changed_feed(self, change):
        feed = json.loads((self.site / "alerts.json").read_text())
        change(feed)
        self.write_feed(json.dumps(feed))


@pytest.fixture
def council(tmp_path, serve):
    return Council(tmp_path, serve)


def opened(tab, council, *, before=""):
    tab.open(f"{council.url}/", before=WATCH + before)
    tab.until("window.settled")


def shown(tab, council, *, before=""):
    opened(tab, council, before=before)
    return tab.ask(TITLES)


def test_the_banner_shows_the_gravest_first_and_only_that_one_interrupts(tab, council):
    website = council.website()
    for reference, severity in (("A1", "Minor"), ("B2", "Extreme"), ("C3", "Unknown"), ("D4", "Severe")):
        website.send(post(reference, f"{severity} flood", severity), reference)
    assert shown(tab, council) == ["Extreme flood", "Severe flood", "Minor flood", "Unknown flood"]
    told = tab.accessible()
    roles = [role for role, _ in told if role in {"alert", "status"}]
    assert roles == ["alert", "status", "status", "status"]
    assert ("region", "Alerts: Wyre Council") in told
    assert ("StaticText", "Severity: Extreme.") in told
    links = tab.ask(
        "[...document.querySelector('body > div').shadowRoot.querySelectorAll('a')].map(a => a.href)"
    )
    assert links[0] == f"{council.site_url}/alerts/b2/"
    assert tab.errors() == []


def test_the_banner_stands_first_on_the_page_in_its_own_style_in_spite_of_the_policy(tab, council):
    council.website().send(post("A1", "Flood", "Severe"), "k")
    shown(tab, council)
    assert tab.ask("document.body.firstElementChild.shadowRoot !== null")
    box = "getComputedStyle(document.body.firstElementChild.shadowRoot.querySelector('[role=alert]'))"
    assert tab.ask(f"{box}.borderLeftColor") == "rgb(177, 14, 30)"
    assert tab.errors() == []


def test_the_banner_stands_where_its_script_stands_and_once_only(tab, council):
    council.website().send(post("A1", "Flood"), "k")
    page = council.pages / "index.html"
    again = f'<main><script src="{council.site_url}/banner.js"></script></main></body>'
    page.write_text(page.read_text().replace("</body>", again))
    opened(tab, council)
    hosts = tab.ask(
        "[...document.querySelectorAll('div')].filter(d => d.shadowRoot).map(d => d.parentNode.localName)"
    )
    assert hosts == ["main"]  # a script in the body runs before one in the head that is deferred


def test_the_banner_leaves_nothing_behind_and_asks_nobody_else(tab, council):
    council.website().send(post("A1", "Flood"), "k")
    assert shown(tab, council) == ["Flood"]
    assert tab.call("Storage.getCookies")["cookies"] == []
    assert tab.ask("document.cookie + localStorage.length + sessionStorage.length") == "00"
    hosts = {council.url, council.site_url}
    assert [url for url in tab.requests() if not url.startswith((*hosts, "data:"))] == []


def test_text_in_the_banner_is_only_text(tab, council):
    hostile = "<img src=x onerror=alert(1)></script><b>bold</b>"
    council.website().send(post("A1", hostile, hostile, language='en" onclick="alert(1)'), "k")
    council.changed_feed(lambda feed: feed["alerts"][0].update(url="javascript:alert(1)"))
    assert shown(tab, council) == [hostile]
    root = "document.querySelector('body > div').shadowRoot"
    assert tab.ask(f"[...{root}.querySelectorAll('section *')].map(e => e.localName).sort()") == [
        "a",
        "div",
        "p",
        "p",
    ]
    assert tab.ask(f"{root}.querySelector('a').href") == f"{council.site_url}/"
    assert tab.errors() == []


def test_what_ended_is_not_shown_although_nobody_refreshed_the_feed(tab, council):
    yesterday = council.website(now=lambda: NOW - timedelta(days=1))
    yesterday.send(post("A1", "Ended by the reader's clock", ends=-1), "k1")
    yesterday.send(post("B2", "In force", ends=6), "k2")
    assert [alert["ended"] for alert in json.loads((council.site / "alerts.json").read_text())["alerts"]] == [
        False
    ] * 2
    assert shown(tab, council) == ["In force"]


def test_what_ended_is_not_shown_to_a_reader_whose_clock_is_behind(tab, council):
    council.website().send(post("A1", "Ended", ends=-1), "k1")
    council.website().send(post("B2", "In force", ends=6), "k2")
    assert shown(tab, council, before=CLOCK_BEHIND) == ["In force"]


def test_the_feeds_own_time_ends_a_message_that_it_does_not_mark(tab, council):
    council.website().send(post("A1", "Ended", ends=-1), "k1")
    council.website().send(post("B2", "In force", ends=6), "k2")
    council.changed_feed(lambda feed: [alert.update(ended=False) for alert in feed["alerts"]])
    assert shown(tab, council, before=CLOCK_BEHIND) == ["In force"]


def test_the_feeds_mark_alone_ends_a_message(tab, council):
    council.website().send(post("A1", "Ended", ends=-1), "k1")
    council.website().send(post("B2", "In force", ends=6), "k2")
    council.changed_feed(lambda feed: feed.pop("updated"))
    assert shown(tab, council, before=CLOCK_BEHIND) == ["In force"]


def test_what_ends_while_the_page_is_open_goes_away(tab, council):
    council.website().send(post("A1", "Flood"), "k")
    assert shown(tab, council) == ["Flood"]
    tab.ask("{ const real = Date.now; Date.now = () => real() + 7 * 3600000; }")
    tab.until(f"{TITLES}.length === 0")
    assert tab.ask("document.querySelector('body > div').getBoundingClientRect().height") == 0


def test_a_page_without_alerts_stays_as_it_was(tab, council):
    council.website().refresh()
    opened(tab, council)
    assert tab.ask("[...document.body.children].map(e => e.localName)") == ["h1", "noscript"]
    assert tab.errors() == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<html>Not found</html>",
        "null",
        "[]",
        "{}",
        '{"alerts": {}}',
        '{"alerts": [null, 7, {}, {"posts": []}]}',
    ],
)
def test_a_broken_feed_shows_nothing_and_breaks_nothing(tab, council, content):
    council.write_feed(content)
    opened(tab, council)
    assert tab.ask("[...document.body.children].map(e => e.localName)") == ["h1", "noscript"]
    assert tab.errors() == []


def test_one_broken_message_hides_no_other(tab, council):
    council.website().send(post("A1", "Broken", "Extreme"), "k1")
    council.website().send(post("B2", "Flood", "Minor"), "k2")
    council.changed_feed(lambda feed: feed["alerts"][1].update(url="http://"))
    council.changed_feed(lambda feed: feed["alerts"].insert(0, None))
    assert shown(tab, council) == ["Flood"]
    assert "alert" in [role for role, _ in tab.accessible()]
    assert tab.errors() == []


def test_a_missing_feed_throws_nothing(tab, council):
    council.website().refresh()
    (council.site / "alerts.json").unlink()
    opened(tab, council)
    assert tab.ask("[...document.body.children].map(e => e.localName)") == ["h1", "noscript"]
    assert all(
        "404" in error for error in tab.errors()
    )  # the browser's own line about the request; none of ours


def test_a_crowd_of_alerts_leaves_the_page_its_room(tab, council):
    for number in range(8):
        council.website().send(post(f"R{number}", f"Flood {number}"), str(number))
    titles = shown(tab, council)
    assert len(titles) == 6
    assert titles[-1] == "All 8 alerts"


def test_the_banner_speaks_the_language_of_the_page(tab, council):
    council.website().send(post("A1", "Flood"), "k1")
    council.website().send(post("A1", "Llifogydd", language="cy"), "k2")
    page = council.pages / "index.html"
    page.write_text(page.read_text().replace('lang="en"', 'lang="cy"'))
    assert shown(tab, council) == ["Llifogydd"]


def test_an_exercise_says_so_and_interrupts_nobody(tab, council):
    council.website("exercise").send(post("A1", "EXERCISE: Flood", "Extreme"), "k")
    assert shown(tab, council) == ["EXERCISE: Flood"]
    told = tab.accessible()
    assert "alert" not in [role for role, _ in told]
    assert any(name.startswith("EXERCISE. This is not a real warning.") for _, name in told)


@pytest.fixture
def pages(council):
    long = "https://www.wyre.example/" + "a-very-long-address-without-a-break" * 6
    council.website().send(
        post("A1", "Unwetterwarnungsveröffentlichung" * 3, area="x" * 200, source=long), "k1"
    )
    council.website().send(post("B2", "Ended", ends=-1), "k2")
    return [f"{council.site_url}/{path}" for path in ("", "alerts/a1/", "alerts/b2/")]


def test_no_page_scrolls_sideways_on_the_narrowest_screen(tab, pages):
    tab.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=2, mobile=True)
    for page in pages:
        tab.open(page)
        tab.until(f"location.href === {json.dumps(page)}")
        assert tab.ask("[innerWidth, document.documentElement.scrollWidth]") == [320, 320], page


def test_the_banner_does_not_scroll_sideways_either(tab, council, pages):
    tab.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=2, mobile=False)
    shown(tab, council)
    assert tab.ask("document.documentElement.scrollWidth") == 320


def test_pages_run_and_load_nothing_and_are_whole_without_javascript(tab, pages):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.call("Page.navigate", url=pages[2])
    tab.until("document.readyState === 'complete' && document.querySelector('h1') !== null")
    assert ("heading", "Ended: Ended") in tab.accessible()
    assert {url for url in tab.requests() if not url.endswith("/favicon.ico")} == {pages[2]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_is_black_on_white_without_navigation_and_with_the_address(tab, pages, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    tab.call("Emulation.setEmulatedMedia", media="print", features=features)
    tab.open(pages[1])
    colours = "[...document.querySelectorAll('main *')].map(e => getComputedStyle(e).color)"
    assert set(tab.ask(colours)) == {"rgb(0, 0, 0)"}
    assert tab.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.ask("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert tab.ask("[...document.querySelectorAll('header, .navigation')].map(e => e.offsetHeight)") == [0, 0]
    assert pages[1] in tab.ask("document.querySelector('main').innerText")
    tab.open(pages[0])
    tab.until(f"location.href === {json.dumps(pages[0])}")
    written = (
        "[...document.querySelectorAll('main a')].map(a => [a.href, getComputedStyle(a, '::after').content])"
    )
    links = tab.ask(written)
    assert {href for href, _ in links} == set(pages[1:])
    assert [content for href, content in links if href not in content] == []


def test_a_dark_screen_gets_light_letters(tab, pages):
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    tab.open(pages[1])
    assert tab.ask("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 27)"
    assert tab.ask("getComputedStyle(document.body).color") == "rgb(243, 244, 245)"


def picture(alt, width, height):
    drawn = io.BytesIO()
    Drawing.new("RGB", (width, height), "navy").save(drawn, "JPEG")
    content = drawn.getvalue()
    return Image(
        sha256=sha256(content).hexdigest(),
        media_type="image/jpeg",
        width=width,
        height=height,
        size=len(content),
        alt=alt,
        content=content,
    )


PICTURES = (picture("The river over its bank", 1600, 900), picture("The way to the hall", 400, 1600))
#: The policy that docs/website.md asks a site's server for.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'"


@pytest.fixture
def pictured(tmp_path, serve):
    """The address of a page with pictures, from a server that sends the documented policy."""
    site = tmp_path / "pictured"
    url = serve(site, {**SITE_HEADERS, "Content-Security-Policy": POLICY})
    options = {"site_dir": str(site), "base_url": url, "site_name": "Wyre Council"}
    website = Website(Account(name="web", channel="website", mode="live", options=options), now=lambda: NOW)
    website.send(replace(post("A1", "Flood"), images=PICTURES), "k")
    return f"{url}/alerts/a1/"


def test_pictures_are_loaded_and_a_screen_reader_is_told_what_they_show(tab, pictured):
    tab.open(pictured)
    tab.ask("document.images[1].scrollIntoView()")
    tab.until("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert tab.ask("[...document.images].map(i => i.naturalWidth)") == [1600, 400]
    told = [told for role, told in tab.accessible() if role == "image"]
    assert told == ["The river over its bank", "The way to the hall"]
    ours = [error for error in tab.errors() if "404" not in error]  # a browser asks for an icon by itself
    assert ours == []


def test_a_picture_keeps_its_room_before_it_is_there_and_fits_the_narrowest_screen(tab, pictured):
    tab.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=2, mobile=True)
    tab.call("Network.setBlockedURLs", urls=["*.jpg"])
    tab.open(pictured)
    boxes = "[...document.images].map(i => [i.clientWidth, i.clientHeight])"
    assert tab.ask("[...document.images].some(i => i.naturalWidth)") is False
    kept = tab.ask(boxes)
    tab.call("Network.setBlockedURLs", urls=[])
    tab.open(f"{pictured}?again")
    tab.until("location.search === '?again' && document.readyState === 'complete'")
    tab.ask("document.images[1].scrollIntoView()")
    tab.until("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert kept == tab.ask(boxes) == [[288, 162], [288, 1152]]
    assert tab.ask("document.documentElement.scrollWidth") == 320


def test_a_printed_page_has_its_pictures_and_none_fills_the_sheet(tab, pictured):
    tab.call("Emulation.setEmulatedMedia", media="print")
    tab.open(pictured)
    tab.ask("document.images[1].scrollIntoView()")
    tab.until("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    heights = tab.ask("[...document.images].map(i => i.clientHeight * 25.4 / 96)")
    widths = tab.ask("[...document.images].map(i => i.clientWidth / i.clientHeight)")
    assert max(heights) <= 110.5
    assert [round(each, 2) for each in widths] == [1.78, 0.25]
