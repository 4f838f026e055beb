"""Builds the website's files from its documents: pages, list, JSON and feed. No input or output beyond templates."""

import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from lxml import etree

from channels.website_store import Document

ATOM = "http://www.w3.org/2005/Atom"
TEMPLATES = ("page.html", "alert.html", "alerts.html")
MAX_FEED_ENTRIES = 50
SHOWN_FACTS = {
    "source": "Issued by",
    "area": "Area",
    "event": "Event",
    "severity": "Severity",
    "urgency": "Urgency",
    "certainty": "Certainty",
    "contact": "Contact",
}


@dataclass(frozen=True, kw_only=True)
class Site:
    """What every page says about the site itself. `exercise` puts a banner on each."""

    base_url: str
    name: str
    exercise: bool

    def address(self, reference: str) -> str:
        return f"{self.base_url}/alerts/{reference.lower()}/"

    @property
    def feed_id(self) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, self.base_url).urn


def alert_page(site: Site, document: Document) -> bytes:
    """The page of one message, in each of its languages."""
    posts = [_shown(post) for post in document["posts"].values()]
    return _render(
        "alert.html",
        site,
        language=posts[0]["language"],
        posts=posts,
        address=site.address(document["reference"]),
        reference=document["reference"],
        published=document["published"],
        updated=document["updated"],
    )


def list_page(site: Site, documents: Iterable[Document], now: datetime) -> bytes:
    """The list of all messages: those in force first, the newest first among them."""
    alerts = [_listed(site, document) for document in newest_first(documents)]
    live = [alert for alert in alerts if in_force(alert["expires"], now)]
    past = [alert for alert in alerts if not in_force(alert["expires"], now)]
    groups = [("In force", live), ("No longer in force", past)]
    return _render("alerts.html", site, language="en", groups=groups, any_alerts=bool(alerts))


def alerts_json(site: Site, documents: Iterable[Document]) -> bytes:
    """The same for programs. A reader compares `expires` with his own clock."""
    alerts = [
        {
            "reference": document["reference"],
            "id": document["id"],
            "url": site.address(document["reference"]),
            "published": document["published"],
            "updated": document["updated"],
            "posts": [
                {name: post[name] for name in ("language", "title", "text", "link", "facts")}
                for post in document["posts"].values()
            ],
        }
        for document in newest_first(documents)
    ]
    content = {"site": site.name, "exercise": site.exercise, "alerts": alerts}
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def atom_feed(site: Site, documents: Iterable[Document]) -> bytes:
    """An Atom feed (RFC 4287). An entry's id stays when the site moves; ended messages stay in the feed."""
    shown = newest_first(documents)[:MAX_FEED_ENTRIES]
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]  # None is the stubs' gap
    _add(feed, "id", site.feed_id)
    _add(feed, "title", f"{site.name}: {'EXERCISE ' if site.exercise else ''}alerts")
    _add(feed, "updated", max((d["updated"] for d in shown), default="1970-01-01T00:00:00+00:00"))
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{site.base_url}/atom.xml")
    _add(feed, "link", rel="alternate", type="text/html", href=f"{site.base_url}/")
    _add(_add(feed, "author"), "name", site.name)
    for document in shown:
        _add_entry(feed, site, document)
    return etree.tostring(feed, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _add_entry(feed: Any, site: Site, document: Document) -> None:
    post = next(iter(document["posts"].values()))
    entry = _add(feed, "entry")
    entry.set("{http://www.w3.org/XML/1998/namespace}lang", post["language"])
    _add(entry, "id", document["id"])
    _add(entry, "title", post["title"])
    _add(entry, "published", document["published"])
    _add(entry, "updated", document["updated"])
    _add(entry, "link", rel="alternate", type="text/html", href=site.address(document["reference"]))
    _add(entry, "content", post["text"], type="text")


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = text
    return element


def newest_first(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda d: (d["published"], d["reference"]), reverse=True)


def in_force(expires: str, now: datetime) -> bool:
    """Without an end, or with one that cannot be read, a message counts as in force: nothing is hidden early."""
    try:
        return not expires or _aware(expires) > now
    except ValueError:
        return True


def clock(value: str, like: str = "") -> str:
    """18:05 on Saturday 21 November 2026, in the offset that `like` was written in, or `value` itself."""
    try:
        when = _aware(value)
        when = when.astimezone(_aware(like).tzinfo) if like else when
    except ValueError:
        return value
    return f"{when:%H:%M} on {when:%A} {when.day} {when:%B %Y}"


def _aware(value: str) -> datetime:
    when = datetime.fromisoformat(value)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _listed(site: Site, document: Document) -> dict[str, str]:
    post = next(iter(document["posts"].values()))
    return {
        "address": site.address(document["reference"]),
        "title": post["title"],
        "language": post["language"],
        "expires": post["facts"].get("expires", ""),
        "published": document["published"],
        "reference": document["reference"],
    }


def _shown(post: dict[str, Any]) -> dict[str, Any]:
    facts = post["facts"]
    return {
        "title": post["title"],
        "language": post["language"],
        "link": post["link"],
        "paragraphs": re.split(r"\n\s*\n", post["text"].strip("\n")),
        "expires": facts.get("expires", ""),
        "starts": facts.get("starts", ""),
        "facts": [(label, facts[name]) for name, label in SHOWN_FACTS.items() if facts.get(name)],
    }


def _render(template: str, site: Site, **values: Any) -> bytes:
    shared = {"site_name": site.name, "base_url": site.base_url, "exercise": site.exercise}
    return templates().get_template(template).render(**shared, **values).encode()


@cache
def templates() -> Environment:
    """The compiled layouts, read once. An OSError here is a broken installation and no full disk."""
    folder = files("templates.web")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=DictLoader({name: (folder / name).read_text(encoding="utf-8") for name in TEMPLATES}),
    )
    environment.filters["clock"] = clock
    return environment
