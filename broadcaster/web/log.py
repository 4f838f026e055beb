"""The signed checkpoints for everybody: a root tells nothing of the events. Whoever keeps them is a witness.

A feed reader elsewhere is enough for that: what it has fetched, nobody here can take back.
"""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from lxml import etree

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.verifier.notes import Note
from broadcaster.bootstrap import Parts

router = APIRouter(prefix="/log")

ATOM = "http://www.w3.org/2005/Atom"
NOTHING_YET = "No checkpoint was laid down yet: the first comes within a minute after the first event. Ask again later.\n"
FRESH_S, FRESH_KEY_S = 30, 3600
IN_FEED = 50


@router.get("/checkpoint")
def checkpoint(request: Request) -> Response:
    """The newest that was laid down, as c2sp.org/tlog-checkpoint has it."""
    newest = _folder(request).latest(1)
    if not newest:
        return _nothing_yet()
    return _answer(request, newest[0].encode(), "text/plain; charset=utf-8", FRESH_S)


@router.get("/checkpoints.atom")
def feed(request: Request) -> Response:
    """The last fifty, the newest first (RFC 4287)."""
    notes = list(_readable(_folder(request).latest(IN_FEED)))
    if not notes:
        return _nothing_yet()
    return _answer(request, _atom(notes[::-1]), "application/atom+xml; charset=utf-8", FRESH_S)


@router.get("/key")
def key(request: Request) -> Response:
    """The public keys that this log was ever signed with, the present one last. One who could replace the log could
    replace them too: an auditor compares them with those that he was given by another way."""
    keys = _folder(request).keys()
    if not keys:
        return _nothing_yet()
    return _answer(
        request, "".join(f"{each}\n" for each in keys).encode(), "text/plain; charset=utf-8", FRESH_KEY_S
    )


def _folder(request: Request) -> AnchorFolder:
    parts: Parts = request.app.state.parts
    return AnchorFolder(parts.settings.anchors)


def _nothing_yet() -> Response:
    return Response(NOTHING_YET, 404, {"Cache-Control": "no-store"}, "text/plain; charset=utf-8")


def _answer(request: Request, content: bytes, media_type: str, fresh_s: int) -> Response:
    """A feed reader that has it already is told so, and nothing more."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={fresh_s}", "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def _readable(texts: list[str]) -> Iterator[Note]:
    """A line in the file that somebody damaged is left out, so that the rest of the feed can still be read."""
    for text in texts:
        try:
            note = Note(text)
            etree.Element("text").text = text
        except ValueError:
            continue
        if note.lines.get("time"):
            yield note


def _atom(notes: list[Note]) -> bytes:
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]  # None is the stubs' gap
    origin = notes[0].origin
    _add(root, "id", _name(origin))
    _add(root, "title", f"Signed checkpoints of the audit log {origin}")
    _add(root, "updated", notes[0].lines["time"])
    _add(root, "link", rel="self", type="application/atom+xml", href="checkpoints.atom")
    _add(_add(root, "author"), "name", origin)
    for note in notes:
        entry = _add(root, "entry")
        _add(entry, "id", _name(note.whole))
        _add(entry, "title", f"{note.size:,} events")
        _add(entry, "updated", note.lines["time"])
        # As text/plain a reader keeps its lines (RFC 4287, 4.1.3.3); alone on them, a saved feed can be checked with.
        _add(entry, "content", f"\n{note.whole}", type="text/plain")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _name(text: str) -> str:
    """The name of these bytes wherever they lie (RFC 6920): the same for as long as they are the same."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = text
    return element
