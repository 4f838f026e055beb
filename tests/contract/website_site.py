"""A site to publish on, a clock to move, and what readers and their programs make of its files."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from lxml import etree, html

from broadcaster.domain.media import Image
from broadcaster.domain.post import Post
from channels.base import Account
from tests.contract.channel_suite import SHARED

BASE_URL = "https://alerts.wyre.example"
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
ATOM = {"a": "http://www.w3.org/2005/Atom"}


class Clock:
    def __init__(self):
        self.time = NOW

    def __call__(self):
        return self.time

    def passes(self, **duration):
        self.time += timedelta(**duration)


def account(site, mode="live", **options):
    values = {"site_dir": str(site), "base_url": BASE_URL, "site_name": "Wyre Council"} | options
    return Account(name="wyre-web", channel="website", mode=mode, options=values)


def post(
    reference="7F3K2M",
    text="River <rising> & fast.\nMove up.\n\nStay there.",
    language="en",
    images=(),
    **changes,
):
    facts = {
        "reference": reference,
        "event": "Flood",
        "severity": "Severe",
        "area": "St Michael's",
        "expires": "2026-11-21T23:00:00+01:00",
        "source": "Duty officer, Wyre Council",
    }
    values = {"title": "Flood <now>", "link": "https://www.wyre.example/flood"}
    values |= {name: changes.pop(name) for name in ("title", "link") if name in changes}
    facts = {name: value for name, value in (facts | changes).items() if value}
    values |= {"language": language, "text": text, "facts": facts, "images": tuple(images)}
    return Post(channel="website", account="wyre-web", **values)


def files(site):
    return {str(p.relative_to(site)): p.read_bytes() for p in sorted(site.rglob("*")) if p.is_file()}


def page(site, reference="7f3k2m"):
    return (site / "alerts" / reference / "index.html").read_text()


class Reader(HTMLParser):
    """What a reader's program sees: text by element, and every element with its attributes."""

    def __init__(self, markup):
        super().__init__()
        self.texts, self.elements, self._open = [], [], []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag in {"p", "h1", "dd", "dt", "time"}:
            self.texts.append((tag, ""))

    def handle_data(self, data):
        if self.texts:
            tag, text = self.texts[-1]
            self.texts[-1] = (tag, text + data)

    def all(self, tag):
        return [text for found, text in self.texts if found == tag]


def parsed(site, path="alerts/7f3k2m/index.html"):
    return html.fromstring((site / path).read_bytes())


def feed_alerts(site):
    return json.loads((site / "alerts.json").read_text())["alerts"]


def meta(tree):
    """Everything that a link preview reads, by name."""
    return {
        e.get("property") or e.get("name"): e.get("content") for e in tree.iter("meta") if e.get("content")
    }


def words(element):
    return " ".join(element.text_content().split())


def picture(content=b"a picture", alt="The River Wyre over its bank", **changes):
    """Its bytes need not be a picture's: the site neither opens nor changes them."""
    values = {"media_type": "image/jpeg", "width": 1200, "height": 800, "size": len(content)} | changes
    return Image(**{"sha256": sha256(content).hexdigest(), "alt": alt, "content": content} | values)


def atom_schema(folder):
    """The published schema; its imports of CAP are for feeds that carry CAP inside, and their files are not beside it."""
    schema = SHARED / "cap" / "schema"
    if not (schema / "atom.xsd").exists():
        pytest.skip(f"the Atom schema is not at {schema}")
    for path in schema.glob("x*.xsd"):
        (folder / path.name).write_bytes(path.read_bytes())
    lines = (schema / "atom.xsd").read_text().splitlines()
    kept = [line for line in lines if "cap1" not in line or "xs:schema" in line]
    (folder / "atom.xsd").write_text("\n".join(kept), encoding="utf-8")
    return etree.XMLSchema(etree.parse(folder / "atom.xsd"))
