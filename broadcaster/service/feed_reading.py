"""Reads what a feed answered: Atom, RSS or CAP 1.1 and 1.2. Whatever it is, it comes from outside and may be meant to harm.

Nothing with a document type is read (entities that grow, or that read files), nothing is fetched, and what is too large, too deep or of
too many elements is refused before or while it is parsed, never after.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lxml import etree

from broadcaster.domain.message import Certainty, Severity, Urgency
from broadcaster.domain.watching import SourceAlert, SourceInfo, clean, key_of, known

MOST_BYTES = 2_000_000  # the longest public feeds, those of a whole country in a storm, have about 1 MB
MOST_TAGS = 60_000
MOST_DEPTH = 60
MOST_ENTRIES = 500
MOST_INFOS, MOST_AREAS, MOST_PARAMETERS = 20, 300, 50
CAP_TYPE = "application/cap+xml"
_CAP = re.compile(r"\{urn:oasis:names:tc:emergency:cap:1\.[12]\}alert")
_ENCODINGS = {"utf-8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"}
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


class Unreadable(Exception):
    """Its text says in a few words why; it quotes nothing of the document."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a feed. `mark` changes whenever it does; `href` is where its CAP is, empty where it has none."""

    mark: str
    href: str
    alert: SourceAlert | None = None


def read_feed(content: bytes) -> list[Entry]:
    """What stands in it, the first one first. Unreadable where it is no feed that we know."""
    root = _parsed(content)
    if _CAP.fullmatch(root.tag):
        alert = _alert(root)
        return [Entry(mark=alert.key, href="", alert=alert)]
    name = etree.QName(root).localname
    if name == "feed":
        entries = [_atom_entry(each) for each in _children(root, "entry")]
    elif name in {"rss", "RDF"}:
        entries = [_rss_item(each) for each in root.iter() if _local(each) == "item"]
    else:
        raise Unreadable("it is neither Atom, RSS nor CAP")
    return entries[:MOST_ENTRIES]


def read_alert(content: bytes) -> SourceAlert:
    """One CAP alert. Unreadable for anything else."""
    root = _parsed(content)
    if not _CAP.fullmatch(root.tag):
        raise Unreadable("it is no CAP alert")
    return _alert(root)


def _parsed(content: bytes) -> Any:
    _refuse_before_parsing(content)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("it is no whole XML") from error
    about: Any = root.getroottree().docinfo
    if about.doctype or about.internalDTD is not None:
        raise Unreadable("it has a document type, which no feed needs and attacks do")
    if any(depth > MOST_DEPTH for depth in _depths(root)):
        raise Unreadable("it is nested too deeply")
    return root


def _refuse_before_parsing(content: bytes) -> None:
    if len(content) > MOST_BYTES:
        raise Unreadable("it is too large")
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in content[:400]:
        raise Unreadable("it is in an encoding that is not read here")
    declared = _DECLARED.match(content.removeprefix(b"\xef\xbb\xbf").lstrip())
    if declared and declared[1].decode().lower() not in _ENCODINGS:
        raise Unreadable("it is in an encoding that is not read here")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise Unreadable("it has a document type, which no feed needs and attacks do")
    if content.count(b"<") > MOST_TAGS:
        raise Unreadable("it has too many elements")


def _depths(root: Any) -> Iterator[int]:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        yield depth


# --- CAP --------------------------------------------------------------------------------------------------


def _alert(root: Any) -> SourceAlert:
    identifier, sender = _text(root, "identifier"), _text(root, "sender")
    if not identifier or not sender:
        raise Unreadable("its alert has no identifier or no sender")
    infos = tuple(_info(each) for each in _children(root, "info")[:MOST_INFOS])
    return SourceAlert(
        sender=sender,
        identifier=identifier,
        sent=_time(_text(root, "sent")),
        status=_text(root, "status") or "Actual",
        kind=_text(root, "msgType") or "Alert",
        scope=_text(root, "scope") or "Public",
        infos=infos or (SourceInfo(headline=_text(root, "note")),),  # a Cancel needs none
        references=tuple(_references(_text(root, "references"))),
    )


def _info(element: Any) -> SourceInfo:
    areas = (_text(each, "areaDesc") for each in _children(element, "area")[:MOST_AREAS])
    parameters = (_text(each, "value") for each in _children(element, "parameter")[:MOST_PARAMETERS])
    return SourceInfo(
        language=_text(element, "language") or "en-US",  # the standard's own default (3.2.2)
        event=_text(element, "event"),
        headline=_text(element, "headline"),
        description=_text(element, "description"),
        instruction=_text(element, "instruction"),
        severity=known(Severity, _text(element, "severity")),
        urgency=known(Urgency, _text(element, "urgency")),
        certainty=known(Certainty, _text(element, "certainty")),
        onset=_time(_text(element, "onset") or _text(element, "effective")),
        expires=_time(_text(element, "expires")),
        areas=tuple(area for area in areas if area),
        sender_name=_text(element, "senderName"),
        contact=_text(element, "contact"),
        web=_web(_text(element, "web")),
        parameters=tuple(value for value in parameters if value),
    )


def _references(text: str) -> Iterator[str]:
    for triple in text.split()[:100]:
        parts = triple.split(",")
        if len(parts) == 3:
            yield key_of(parts[0], parts[1])


# --- feeds ------------------------------------------------------------------------------------------------


def _atom_entry(entry: Any) -> Entry:
    own = _text(entry, "id")
    mark = f"{own} {_text(entry, 'updated')}"
    for each in entry.iter():
        if isinstance(each.tag, str) and _CAP.fullmatch(each.tag):
            return Entry(mark=mark, href="", alert=_alert(each))
    links = _children(entry, "link")
    typed = [link.get("href", "") for link in links if link.get("type") == CAP_TYPE]
    other = [link.get("href", "") for link in links if _ends_as_cap(link.get("href", ""))]
    href = next(iter([*typed, *other]), "")
    if href:
        return Entry(mark=f"{mark} {href}", href=href)
    page = next((link.get("href", "") for link in links), "")
    words = _text(entry, "summary") or _text(entry, "content")
    return Entry(
        mark=mark, href="", alert=_plain(own, _text(entry, "title"), words, page, _text(entry, "updated"))
    )


def _rss_item(item: Any) -> Entry:
    own = _text(item, "guid") or _text(item, "link")
    published = _text(item, "pubDate") or _text(item, "date")
    enclosed = [e.get("url", "") for e in _children(item, "enclosure") if e.get("type") == CAP_TYPE]
    link = _text(item, "link")
    href = next(iter([*enclosed, *([link] if _ends_as_cap(link) else [])]), "")
    if href:
        return Entry(mark=f"{own} {published} {href}", href=href)
    alert = _plain(own, _text(item, "title"), _text(item, "description"), link, _rfc_822(published))
    return Entry(mark=f"{own} {published}", href="", alert=alert)


def _plain(own: str, title: str, words: str, page: str, at: str) -> SourceAlert | None:
    """A line without CAP: its title says what and where, and nothing says how grave or until when. A person reads it."""
    if not own or not title:
        return None
    plain = clean(re.sub(r"<[^>]{0,500}>", " ", words))
    info = SourceInfo(event=title, headline=title, description=plain, areas=(), web=_web(page))
    return SourceAlert(
        sender="feed",
        identifier=f"{own} {at}".strip(),
        sent=_time(at),
        status="Actual",
        kind="Alert",
        scope="Public",
        infos=(info,),
        plain=True,
    )


def _ends_as_cap(address: str) -> bool:
    path = address.partition("?")[0].lower()
    return path.endswith((".cap", ".cap.xml", ".xml"))


# --- elements ---------------------------------------------------------------------------------------------


def _local(element: Any) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _children(element: Any, name: str) -> list[Any]:
    """By their own name alone: feeds differ in their namespaces, and some have none."""
    return [each for each in element if _local(each) == name]


def _text(element: Any, name: str) -> str:
    found = next(iter(_children(element, name)), None)
    return clean("".join(found.itertext())) if found is not None else ""


def _web(address: str) -> str:
    """Only what can be opened without danger: a link with javascript: would stand in our own page."""
    return address if re.fullmatch(r"https?://[!-~]{3,1000}", address) else ""


def _time(text: str) -> str:
    """With an offset, or empty."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return moment.isoformat(timespec="seconds") if moment.tzinfo else ""


def _rfc_822(text: str) -> str:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return _time(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat(timespec="seconds")
