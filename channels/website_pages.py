"""Builds the website's pages from its documents: one per message, the list, the banner. No input beyond templates."""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from channels.website_images import file_name
from channels.website_state import (
    SEVERITIES,
    clock,
    has_ended,
    images_of,
    in_force,
    in_order,
    main_post,
    newest_first,
)
from channels.website_store import Document

TEMPLATES = ("page.html", "alert.html", "alerts.html", "banner.js.j2")
SHOWN_FACTS = {
    "source": "Issued by",
    "area": "Area",
    "event": "Event",
    "severity": "Severity",
    "urgency": "Urgency",
    "certainty": "Certainty",
    "contact": "Contact",
}
#: Previews show a line or three; whole paragraphs up to here, never half a sentence.
MAX_DESCRIPTION_CHARS = 300
#: Open Graph wants language and territory (ogp.me, `og:locale`); these stand for a language written without one.
LOCALES = {"en": "en_GB", "cy": "cy_GB", "gd": "gd_GB", "ga": "ga_IE"}


@dataclass(frozen=True, kw_only=True)
class Site:
    """What every page says about the site itself. `exercise` puts a banner on each."""

    base_url: str
    name: str
    exercise: bool

    def address(self, reference: str) -> str:
        return f"{self.base_url}/alerts/{reference.lower()}/"

    def alert_address(self, reference: str) -> str:
        """Of its newest CAP alert."""
        return f"{self.base_url}/{alert_name(reference)}"

    def image_address(self, image: Mapping[str, Any]) -> str:
        return f"{self.base_url}/{file_name(image)}"

    @property
    def feed_id(self) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, self.base_url).urn


def alert_name(reference: str) -> str:
    """Beside the page: the only XML in that folder, by which web servers that know one ending each tell its type."""
    return f"alerts/{reference.lower()}.cap.xml"


def alert_page(site: Site, document: Document, now: datetime) -> bytes:
    """The page of one message, in each of its languages."""
    posts = [_shown(post, now) for post in in_order(document)]
    return _render(
        "alert.html",
        site,
        root="../../",  # the site may lie in any folder of any server: links within it are relative
        language=posts[0]["language"],
        locales=[locale for post in posts if (locale := _locale(post["language"]))],
        posts=posts,
        description=_description(posts[0]),
        preview=_preview(site, document, posts[0]),
        address=site.address(document["reference"]),
        reference=document["reference"],
        published=document["published"],
        updated=document["updated"],
        history=document.get("history", [])[::-1],
    )


def list_page(site: Site, documents: Iterable[Document], now: datetime) -> bytes:
    """The list of all messages: those in force first, the newest first among them."""
    ordered = newest_first(documents)
    live = [_listed(site, document) for document in ordered if not has_ended(document, now)]
    ended = [_listed(site, document) for document in ordered if has_ended(document, now)]
    return _render("alerts.html", site, root="", language="en", live=live, ended=ended)


def banner_script() -> bytes:
    """The script that other pages include to show what is in force. The same for every site: it reads beside itself."""
    return templates().get_template("banner.js.j2").render(severities=SEVERITIES).encode()


def ended_line(expires: str) -> str:
    return f"This message ended at {clock(expires)}. It no longer applies."


def _listed(site: Site, document: Document) -> dict[str, str]:
    post = main_post(document)
    return {
        "href": f"alerts/{document['reference'].lower()}/",
        "address": site.address(document["reference"]),
        "title": post["title"],
        "language": post["language"],
        "severity": _said(post["facts"], "severity"),
        "expires": post["facts"].get("expires", ""),
        "published": document["published"],
        "reference": document["reference"],
    }


def _shown(post: dict[str, Any], now: datetime) -> dict[str, Any]:
    facts = post["facts"]
    expires = facts.get("expires", "")
    return {
        "title": post["title"],
        "language": post["language"],
        "link": post["link"],
        "paragraphs": re.split(r"\n\s*\n", post["text"].strip("\n")),
        "expires": expires,
        "ended": not in_force(expires, now),
        "starts": facts.get("starts", ""),
        "images": [{**image, "file": file_name(image)} for image in images_of(post)],
        "facts": [(label, said) for name, label in SHOWN_FACTS.items() if (said := _said(facts, name))],
    }


def _said(facts: Mapping[str, str], name: str) -> str:
    """CAP's "Unknown" is a word for programs; a reader learns nothing from it."""
    value = facts.get(name, "")
    return "" if value == "Unknown" else value


def _description(post: Mapping[str, Any]) -> str:
    """What a preview says under the title. It outlives the page in other people's posts, so its end stands in it."""
    if post["ended"]:
        return ended_line(post["expires"])
    said = ""
    for paragraph in post["paragraphs"]:
        longer = " ".join(f"{said} {paragraph}".split())
        if said and len(longer) > MAX_DESCRIPTION_CHARS:
            break
        said = longer
    return said


def _preview(site: Site, document: Document, post: Mapping[str, Any]) -> dict[str, Any]:
    """The picture of other people's posts about the page; none of what has ended, so that it frightens nobody any more."""
    images = images_of(main_post(document))
    return {**images[0], "address": site.image_address(images[0])} if images and not post["ended"] else {}


def _locale(language: str) -> str:
    """en_GB for en and en-GB; empty where the territory is not known, for a guess would be wrong."""
    written = re.fullmatch(r"([a-z]{2,3})-([A-Z]{2})", language)
    return f"{written[1]}_{written[2]}" if written else LOCALES.get(language, "")


def _render(template: str, site: Site, **values: Any) -> bytes:
    shared = {"site_name": site.name, "exercise": site.exercise}
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
    environment.globals["ended_line"] = ended_line
    return environment
