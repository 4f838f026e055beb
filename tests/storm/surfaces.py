"""What a reader sees as current on each surface, read from the bytes that it serves. Knows no story and no service of ours.

What counts as current ("live") on a surface:

- **website page**: the text that is not struck through, unless the page says that it has ended.
- **website list**: the lines under what is in force. They name a page, and not which message it shows.
- **alerts.json**: what is not marked `ended` and whose `expires` has not passed by the reader's own clock, as docs/website.md tells
  readers to look at it.
- **Atom feed**: the entries whose title does not begin with "Ended:".
- **CAP**: the alert that lies beside the page, until its `expires`. A Cancel is current too: it is what is said now. It names the
  page and a number, which counts the messages that the page has shown.
- **Facebook**: the newest post of an incident. An update is a post of its own above the one before, which stays readable
  there, with its own number and time of sending; a correction is written over the post that it corrects.
- **X**: the newest post of an incident. What follows answers the post before, which stays above it in the same conversation: X
  lets nobody edit but for some accounts, so a wrong place stays readable there, under its correction.
- **text message**: the newest text of an incident. Nobody can take one back.
- **wall: website**: what the sandbox's wall says of the website. It reads the site's alerts.json itself.

Facebook, X and texts mark no end: their text says until when it holds, so there it is current until then (`says_its_end`).
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lxml import etree, html

REF = re.compile(r"(?<!\()\bRef ([0-9A-Z]{6})\b")  # in brackets it names another: "(Ref 7F3K2M)"
ATOM = "{http://www.w3.org/2005/Atom}"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
PAGE, LIST, JSON, FEED, ALERT = "website page", "website list", "alerts.json", "Atom feed", "CAP"
WALL_FACEBOOK, WALL_X, WALL_TEXT, WALL_SITE = "Facebook", "X", "text message", "wall: website"
SURFACES = (PAGE, LIST, JSON, FEED, ALERT, WALL_FACEBOOK, WALL_X, WALL_TEXT, WALL_SITE)
#: Those that mark no end: their text says until when it holds.
SAYS_ITS_END = frozenset({WALL_FACEBOOK, WALL_X, WALL_TEXT})
EXERCISE = re.compile(r"\bEXERCISE\b")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`live` are the texts that a surface shows as current, by the reference of the message that they are of; on Facebook, X and
    telephones all that stand there, the newest first. `wrong` is what no live surface may show, such as an exercise."""

    live: Mapping[str, str]
    wrong: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What alerts.json says of the messages: their incident, and when they end."""

    incident: Mapping[str, str] = field(default_factory=dict)
    ends: Mapping[str, datetime] = field(default_factory=dict)
    pages: tuple[str, ...] = ()


def page(content: bytes) -> Shown:
    tree = html.fromstring(content)
    live: dict[str, str] = {}
    for article in tree.xpath("//article"):
        ended = bool(article.xpath('.//p[contains(@class, "ended")]'))
        for struck in article.xpath(".//details|.//s|.//dl"):
            struck.drop_tree()
        if not ended:
            live |= _by_ref(_words(article))
    return Shown(live=live, wrong=_exercise(tree.text_content()))


def listing(content: bytes) -> Shown:
    tree = html.fromstring(content)
    live = {}
    for line in tree.xpath('//ul[@class="live"]/li'):
        for ref in re.findall(r"alerts/([0-9a-z]{6})/", " ".join(line.xpath(".//a/@href"))):
            live[ref.upper()] = _words(line)
    return Shown(live=live, wrong=_exercise(tree.text_content()))


def alerts_json(content: bytes, now: datetime) -> tuple[Shown, Facts]:
    data = json.loads(content)
    incident, ends, live = {}, {}, {}
    for alert in data["alerts"]:
        for post in alert["posts"]:
            for ref in _by_ref(post["text"]):
                incident[ref] = post["facts"].get("incident", "")
                ends[ref] = datetime.fromisoformat(alert["expires"])
        if not alert["ended"] and datetime.fromisoformat(alert["expires"]) > now:
            live |= _by_ref(" ".join(post["title"] + "\n" + post["text"] for post in alert["posts"]))
    pages = tuple(alert["reference"] for alert in data["alerts"])
    wrong = "the feed is an exercise's" if data["exercise"] else _exercise(content.decode())
    return Shown(live=live, wrong=wrong), Facts(incident=incident, ends=ends, pages=pages)


def atom(content: bytes) -> Shown:
    live: dict[str, str] = {}
    for entry in etree.fromstring(content).iter(f"{ATOM}entry"):
        title = entry.findtext(f"{ATOM}title") or ""
        if not title.startswith("Ended:"):
            live |= _by_ref(f"{title}\n{entry.findtext(f'{ATOM}content')}")
    return Shown(live=live, wrong=_exercise(content.decode()))


def cap(content: bytes, now: datetime) -> Shown:
    alert = etree.fromstring(content)
    live: dict[str, str] = {}
    for info in alert.iter(f"{CAP}info"):
        said = {
            p.findtext(f"{CAP}valueName"): p.findtext(f"{CAP}value") for p in info.iter(f"{CAP}parameter")
        }
        if datetime.fromisoformat(info.findtext(f"{CAP}expires")) > now:
            number = (alert.findtext(f"{CAP}identifier") or "").rpartition("-")[2]
            live[f"{said.get('Reference', '')}-{number}"] = " ".join(str(text) for text in info.itertext())
    status = alert.findtext(f"{CAP}status")
    return Shown(live=live, wrong="" if status == "Actual" else f"status {status}")


def wall(content: bytes) -> dict[str, Shown]:
    tree = html.fromstring(content)
    sections = {str(each.get("class")): each for each in tree.xpath("//main/section")}
    return {
        WALL_FACEBOOK: _newest(sections["facebook"].xpath(".//article")),
        WALL_X: _newest(sections["x"].xpath(".//article")),
        WALL_TEXT: _newest(sections["sms"].xpath('.//div[@class="thread"]')),
        WALL_SITE: _site(sections["site"]),
    }


def _newest(posts: Iterable[Any]) -> Shown:
    """All posts by their messages, the newest first. Which incident each is of, and so which is current, the judge knows."""
    dated = sorted(
        (
            (str(post.xpath("(.//time/@datetime)[1]")[0]), post)
            for post in posts
            if post.xpath(".//time/@datetime")
        ),
        key=lambda pair: pair[0],
        reverse=True,
    )
    live: dict[str, str] = {}
    for _, post in dated:
        for ref, text in _by_ref(_words(post)).items():
            live[ref] = f"{live[ref]}\n{text}" if ref in live else text
    return Shown(live=live, wrong=_exercise(" ".join(live.values())))


def _site(section: Any) -> Shown:
    live: dict[str, str] = {}
    for line in section.xpath(".//li"):
        words = _words(line)
        if not words.startswith("Ended:"):
            live |= _by_ref(words)
    return Shown(live=live, wrong=_exercise(section.text_content()))


def _by_ref(text: str) -> dict[str, str]:
    return dict.fromkeys(REF.findall(text), text)


def _words(element: Any) -> str:
    return " ".join(element.text_content().split())


def _exercise(text: str) -> str:
    return "it says EXERCISE" if EXERCISE.search(text) else ""
