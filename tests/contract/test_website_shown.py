"""What the website shows: previews, headings, links, what has ended, hostile text, colours, the banner's own rules."""

import itertools
import json
import re

import pytest
from lxml import etree

from channels.website import Website
from tests.contract.website_site import ATOM, BASE_URL, account, feed_alerts, meta, page, parsed, post, words


def test_the_page_tells_link_previews_what_it_is(website, site, clock):
    website.send(post(text="Where: by the river.\n\nMove up <now>."), "k1")
    clock.passes(minutes=5)
    website.send(post(text="Where: by the river.\n\nMove up."), "k2")
    website.send(post(language="cy", title="Llifogydd", text="Symudwch."), "k3")
    tree = parsed(site)
    said = meta(tree)
    assert {name: value for name, value in said.items() if name.startswith(("og:", "article:"))} == {
        "og:type": "article",
        "og:title": "Flood <now>",
        "og:description": "Where: by the river. Move up.",
        "og:url": f"{BASE_URL}/alerts/7f3k2m/",
        "og:site_name": "Wyre Council",
        "og:locale": "en_GB",
        "og:locale:alternate": "cy_GB",
        "article:published_time": "2026-11-21T18:00:00+00:00",
        "article:modified_time": "2026-11-21T18:05:00+00:00",
        "article:expiration_time": "2026-11-21T23:00:00+01:00",
    }
    assert said["description"] == said["og:description"]
    assert tree.find(".//title").text == "Flood <now> – Wyre Council"


@pytest.mark.parametrize(
    ("language", "locale"),
    [("en", "en_GB"), ("en-US", "en_US"), ("cy", "cy_GB"), ("pl", None), ("zh-Hant", None)],
)
def test_a_territory_is_never_guessed_for_a_preview(website, site, language, locale):
    website.send(post(language=language), "k1")
    assert meta(parsed(site)).get("og:locale") == locale


def test_a_preview_takes_whole_paragraphs_only(website, site):
    website.send(post(text=f"Where: here.\n\n{'Go. ' * 100}\n\nLast."), "k1")
    assert meta(parsed(site))["og:description"] == "Where: here."
    website.send(post(text="Keep out. " * 60), "k2")
    assert meta(parsed(site))["og:description"] == ("Keep out. " * 60).strip()


def test_every_page_has_one_first_heading_and_the_others_in_order(website, site, clock):
    website.send(post(), "k1")
    website.send(post(language="cy", title="Llifogydd"), "k2")
    website.send(post("ENDED1", expires="2026-11-21T17:00:00+00:00"), "k3")
    for path in ("index.html", "alerts/7f3k2m/index.html", "alerts/ended1/index.html"):
        levels = [int(e.tag[1]) for e in parsed(site, path).iter("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_links_within_the_site_work_in_any_folder_of_any_server(website, site):
    website.send(post(link=""), "k1")
    for path in ("index.html", "alerts/7f3k2m/index.html"):
        tree = parsed(site, path)
        inner = [
            a for a in tree.iter("a", "link") if a.get("rel") != "canonical" and a.get("class") != "written"
        ]
        assert len(inner) >= 3
        for link in inner:
            target = ((site / path).parent / link.get("href")).resolve()
            assert target.is_relative_to(site.resolve())
            assert (target / "index.html" if target.is_dir() else target).is_file(), link.get("href")


def test_what_has_ended_says_so_on_the_page_written_before_it_ended(website, site, clock):
    website.send(post(text="Move up."), "k1")
    assert "ended" not in page(site).split("</style>")[1].lower()
    clock.passes(hours=3, minutes=59)
    website.refresh()
    assert "ended" not in page(site).split("</style>")[1].lower()
    clock.passes(minutes=1)
    website.refresh()
    tree = parsed(site)
    over = "This message ended at 23:00 on Saturday 21 November 2026. It no longer applies."
    assert words(tree.find(".//h1")) == "Ended: Flood <now>"
    assert over in [words(p) for p in tree.iter("p")]
    assert not any("In force until" in words(p) for p in tree.iter("p"))
    assert tree.find(".//title").text.startswith("Ended: ")
    assert meta(tree)["og:title"] == "Ended: Flood <now>"
    assert meta(tree)["og:description"] == meta(tree)["description"] == over
    assert "Move up." in [words(p) for p in tree.iter("p")]


def test_what_has_ended_says_so_in_list_feed_and_json(website, site, clock):
    website.send(post(text="Move up."), "k1")
    assert [(a["ended"], a["expires"]) for a in feed_alerts(site)] == [(False, "2026-11-21T22:00:00+00:00")]
    clock.passes(hours=4)
    website.refresh()
    item = parsed(site, "index.html").find(".//li")
    assert words(item.find(".//a")) == "Ended: Flood <now>"
    assert "Ended at 23:00 on Saturday 21 November 2026. It no longer applies." in words(item)
    assert "In force until" not in words(item)
    assert [a["ended"] for a in feed_alerts(site)] == [True]
    assert json.loads((site / "alerts.json").read_text())["updated"] == "2026-11-21T22:00:00+00:00"
    entry = etree.parse(site / "atom.xml").find("a:entry", ATOM)
    assert entry.findtext("a:title", namespaces=ATOM) == "Ended: Flood <now>"
    assert entry.findtext("a:updated", namespaces=ATOM) == "2026-11-21T22:00:00+00:00"
    assert entry.findtext("a:content", namespaces=ATOM).startswith("This message ended at 23:00")


def test_a_page_that_nobody_refreshes_still_says_when_it_ends(website, site):
    website.send(post(), "k1")
    line = "In force until 23:00 on Saturday 21 November 2026. After that it no longer applies."
    assert line in [words(p) for p in parsed(site).iter("p")]
    assert line in [words(p) for p in parsed(site, "index.html").iter("p")]


def test_a_message_sent_after_its_end_is_never_shown_as_in_force(website, site):
    website.send(post(expires="2026-11-21T18:00:00+00:00"), "k1")
    assert words(parsed(site).find(".//h1")).startswith("Ended:")
    assert feed_alerts(site)[0]["ended"] is True


def test_a_correction_that_lasts_longer_is_in_force_again(website, site, clock):
    website.send(post(), "k1")
    clock.passes(hours=5)
    website.refresh()
    website.send(post(expires="2026-11-22T06:00:00+00:00"), "k2")
    assert words(parsed(site).find(".//h1")) == "Flood <now>"
    assert feed_alerts(site)[0]["ended"] is False


def test_each_language_is_marked_by_its_own_end(website, site, clock):
    website.send(post(expires="2026-11-22T06:00:00+00:00"), "k1")
    website.send(post(language="cy", title="Llifogydd"), "k2")
    clock.passes(hours=5)
    website.refresh()
    assert [words(e) for e in parsed(site).iter("h1", "h2")] == ["Flood <now>", "Ended: Llifogydd"]


def test_a_page_from_before_ends_were_marked_is_brought_up_to_date(website, site, clock):
    website.send(post(), "k1")
    kept = site / ".alerts" / "7F3K2M.json"
    document = json.loads(kept.read_text())
    del document["shown_as_ended"]
    kept.write_text(json.dumps(document))
    (site / "alerts" / "7f3k2m" / "index.html").write_text("an older layout")
    website.refresh()
    assert words(parsed(site).find(".//h1")) == "Flood <now>"


def test_a_refresh_without_news_touches_no_file(website, site, clock):
    """Dates and with them ETags stay, so that a banner asking every minute is answered with 304."""
    website.send(post(), "k1")
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*")}
    inodes = {path: path.stat().st_ino for path in site.rglob("*")}
    clock.passes(minutes=1)
    website.refresh()
    assert {path: path.stat().st_ino for path in site.rglob("*")} == inodes
    files_before = {path: when for path, when in before.items() if path.is_file() and path.name != ".lock"}
    assert {path: path.stat().st_mtime_ns for path in files_before} == files_before


def test_the_feeds_keep_all_that_is_in_force_and_the_newest_of_the_rest(website, site, clock):
    website.send(post("LIVE01", expires="2026-11-25T18:00:00+00:00"), "live")
    for number in range(55):
        clock.passes(minutes=1)
        website.send(post(f"OLD{number:03}", expires="2026-11-21T18:00:00+00:00"), f"k{number}")
    references = [alert["reference"] for alert in feed_alerts(site)]
    assert references == [f"OLD{number:03}" for number in range(54, 5, -1)] + ["LIVE01"]
    assert len(etree.parse(site / "atom.xml").findall("a:entry", ATOM)) == 50
    assert len(parsed(site, "index.html").findall(".//li")) == 56


def test_severity_is_said_in_words_and_unknown_is_not(website, site):
    website.send(post(severity="Extreme"), "k1")
    website.send(post("SECOND", severity="Unknown", certainty="Unknown"), "k2")
    assert "Extreme" in [words(dd) for dd in parsed(site).iter("dd")]
    assert "Unknown" not in words(parsed(site, "alerts/second/index.html").find(".//main"))
    listed = {words(li.find(".//a")): words(li) for li in parsed(site, "index.html").iter("li")}
    assert "Severity: Extreme." in " ".join(listed.values())
    assert "Unknown" not in " ".join(listed.values())


HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;<!--]]>{{ '{{' }} 7*7 }}"


@pytest.mark.parametrize("hours", [0, 6])
def test_hostile_text_in_any_field_stays_text_everywhere(site, clock, hours):
    website = Website(account(site, site_name=HOSTILE), now=clock)
    facts = dict.fromkeys(
        ("event", "severity", "urgency", "certainty", "area", "source", "contact", "starts"), HOSTILE
    )
    given = post(text=HOSTILE, title=HOSTILE, language=HOSTILE, link=f"https://x.example/{HOSTILE}", **facts)
    website.send(given, "k1")
    website.send(post("SECOND", expires=HOSTILE), "k2")
    clock.passes(hours=hours)
    website.refresh()
    for path in ("index.html", "alerts/7f3k2m/index.html", "alerts/second/index.html"):
        tree = parsed(site, path)
        assert not list(tree.iter("script", "img")), path
        assert not [name for e in tree.iter() for name in e.attrib if name.startswith("on")]
    tree = parsed(site)
    assert tree.find(".//h1").text_content().endswith(HOSTILE)
    assert meta(tree)["og:site_name"] == HOSTILE
    assert [dd.text for dd in tree.iter("dd")].count(HOSTILE) == 7
    entry = etree.parse(site / "atom.xml").findall("a:entry", ATOM)[1]
    assert entry.findtext("a:content", namespaces=ATOM).endswith(HOSTILE)
    assert not list(entry.find("a:content", ATOM))
    alert = feed_alerts(site)[1]
    assert (alert["severity"], alert["posts"][0]["title"]) == (HOSTILE, HOSTILE)
    assert not set("<>&") & set((site / "alerts.json").read_text())  # harmless even when served as a page
    assert HOSTILE not in (site / "banner.js").read_text()


def test_the_banner_is_one_file_that_needs_nothing_a_strict_policy_forbids(website, site):
    website.refresh()
    script = (site / "banner.js").read_text()
    assert '["Extreme", "Severe", "Moderate", "Minor", "Unknown"]' in script
    for forbidden in (
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "cookie",
        "localStorage", "sessionStorage", "sendBeacon", "import(", "style=", 'createElement("style',
    ):  # fmt: skip
        assert forbidden not in script, forbidden
    assert re.findall(r"https?://[^\s\"']+", script) == ["https://ALERTS-SITE/banner.js"]


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """WCAG 2.2, relative luminance and contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_are_told_apart_by_light_and_by_dark(website, site):
    website.refresh()
    style = parsed(site, "index.html").find(".//style").text
    palettes = [
        dict(re.findall(r"--(\w+): (#\w+)", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    light, dark, printed = palettes
    assert set(light) == set(dark)
    for palette in (light, dark, light | printed | {"panel": "#fff", "drill": "#fff"}):
        for ground in ("paper", "panel", "drill"):
            assert contrast(palette["ink"], palette[ground]) >= 7
        assert contrast(palette["soft"], palette["paper"]) >= 7
        assert contrast(palette["link"], palette["paper"]) >= 7
        assert contrast(palette["mark"], palette["panel"]) >= 3
        assert contrast(palette["quiet"], palette["paper"]) >= 3
    assert not re.search(
        "animation|transition|scroll-behavior", style
    )  # nothing moves, so nothing need be stilled
