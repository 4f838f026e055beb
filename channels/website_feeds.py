"""Builds what programs read of the site from its documents: alerts.json and the Atom feed. No input or output."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from lxml import etree

from channels.cap import MEDIA_TYPE
from channels.website_cap import issued_of
from channels.website_pages import Site, ended_line
from channels.website_state import changed_at, end_of, for_feeds, has_ended, images_of, in_order, main_post
from channels.website_store import Document

ATOM = "http://www.w3.org/2005/Atom"
_ALWAYS = "1970-01-01T00:00:00+00:00"
# Valid JSON that stays harmless where a server sends it as a web page: some send what they do not know as HTML.
_HARMLESS = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def alerts_json(site: Site, documents: Iterable[Document], now: datetime) -> bytes:
    """The messages for programs, the banner among them.

    `ended` is what was true when this was written. A reader also compares `expires` (UTC, or empty) with his own
    clock and with `updated`, the feed's own: a copy that lay in a cache, or on a site that nobody refreshes any more,
    then shows nothing that is over.
    """
    shown = for_feeds(documents, now)
    content = {
        "site": site.name,
        "exercise": site.exercise,
        "updated": _updated(shown, now),
        "alerts": [_alert(site, document, now) for document in shown],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1).translate(_HARMLESS) + "\n").encode()


def _alert(site: Site, document: Document, now: datetime) -> dict[str, Any]:
    return {
        "reference": document["reference"],
        "id": document["id"],
        "url": site.address(document["reference"]),
        "cap": site.alert_address(document["reference"]) if issued_of(document) else "",
        "published": document["published"],
        "updated": document["updated"],
        "severity": main_post(document)["facts"].get("severity", "Unknown"),
        "expires": end_of(document),
        "ended": has_ended(document, now),
        "posts": [_post(site, post) for post in in_order(document)],
    }


def _post(site: Site, post: dict[str, Any]) -> dict[str, Any]:
    shown = {name: post[name] for name in ("language", "title", "text", "link", "facts")}
    return {**shown, "images": [_image(site, image) for image in images_of(post)]}


def _image(site: Site, image: dict[str, Any]) -> dict[str, Any]:
    described = {name: image[name] for name in ("media_type", "width", "height", "size", "alt")}
    return {"url": site.image_address(image), **described}


def atom_feed(site: Site, documents: Iterable[Document], now: datetime) -> bytes:
    """An Atom feed (RFC 4287). An entry's id stays when the site moves.

    A message that has ended stays and says so, and counts as changed at its end: to drop it would leave a reader
    with the last thing he was told, that it is in force.
    """
    shown = for_feeds(documents, now)
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]  # None is the stubs' gap
    _add(feed, "id", site.feed_id)
    _add(feed, "title", f"{site.name}: {'EXERCISE ' if site.exercise else ''}alerts")
    _add(feed, "updated", _updated(shown, now))
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{site.base_url}/atom.xml")
    _add(feed, "link", rel="alternate", type="text/html", href=f"{site.base_url}/")
    _add(_add(feed, "author"), "name", site.name)
    for document in shown:
        _add_entry(feed, site, document, now)
    return etree.tostring(feed, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _add_entry(feed: Any, site: Site, document: Document, now: datetime) -> None:
    post = main_post(document)
    ended = has_ended(document, now)
    first = f"{ended_line(post['facts'].get('expires', ''))}\n\n" if ended else ""
    entry = _add(feed, "entry")
    entry.set("{http://www.w3.org/XML/1998/namespace}lang", post["language"])
    _add(entry, "id", document["id"])
    _add(entry, "title", f"Ended: {post['title']}" if ended else post["title"])
    _add(entry, "published", document["published"])
    _add(entry, "updated", changed_at(document, now))
    _add(entry, "link", rel="alternate", type="text/html", href=site.address(document["reference"]))
    if issued_of(document):
        _add(entry, "link", rel="alternate", type=MEDIA_TYPE, href=site.alert_address(document["reference"]))
    for image in images_of(post):
        _add_picture(entry, site, image)
    _add(entry, "content", first + post["text"], type="text")


def _add_picture(entry: Any, site: Site, image: dict[str, Any]) -> None:
    """As RFC 4287 has it (4.2.7): `length` in bytes, and `title` for those who cannot see it."""
    described = {"type": image["media_type"], "length": str(image["size"]), "title": image["alt"]}
    _add(entry, "link", rel="enclosure", href=site.image_address(image), **described)


def _updated(shown: Iterable[Document], now: datetime) -> str:
    return max((changed_at(document, now) for document in shown), default=_ALWAYS)


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = text
    return element
