"""A PDF as a screen reader gets it: its tags, what stands for pictures, its headings and its words."""

import io
import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject


@dataclass
class Told:
    """`headings` are levels and texts from the outline; `tags` all of the structure in reading order."""

    title: str
    language: str
    tagged: bool
    ua: bool
    words: str
    pages: int
    attached: Any
    tags: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    languages: set[str] = field(default_factory=set)
    headings: list[tuple[int, str]] = field(default_factory=list)


def read(content: bytes) -> Told:
    pdf = PdfReader(io.BytesIO(content), strict=True)
    root = pdf.trailer["/Root"]
    said = [json.loads(texts[0]) for texts in pdf.attachments.values()]
    told = Told(
        title=pdf.metadata.title or "" if pdf.metadata else "",
        language=root["/Lang"],
        tagged=bool(root["/MarkInfo"]["/Marked"]) and bool(root["/ViewerPreferences"]["/DisplayDocTitle"]),
        ua=b"<pdfuaid:part>1<" in root["/Metadata"].get_object().get_data(),
        words=" ".join(" ".join(page.extract_text().replace("\u200b", "").split()) for page in pdf.pages),
        pages=len(pdf.pages),
        attached=said[0] if said else None,
    )
    _walk(root["/StructTreeRoot"], told)
    _outline(pdf.outline, told, 1)
    return told


def _walk(node: Any, told: Told) -> None:
    node = node.get_object()
    if isinstance(node, ArrayObject):
        for each in node:
            _walk(each, told)
    elif isinstance(node, DictionaryObject):
        if "/S" in node:
            told.tags.append(str(node["/S"])[1:])
            if node["/S"] == "/Figure":
                told.alts.append(str(node.get("/Alt", "")))
            if "/Lang" in node:
                told.languages.add(str(node["/Lang"]))
        if "/K" in node:
            _walk(node["/K"], told)


def _outline(entries: Any, told: Told, level: int) -> None:
    for each in entries:
        if isinstance(each, list):
            _outline(each, told, level + 1)
        else:
            told.headings.append((level, str(each.title)))


def must_be_accessible(told: Told) -> None:
    """What PDF/UA-1 wants and a program can see: tagged and declared, a title and a language, headings without a gap,
    an alternative for every figure, a head for every table."""
    assert told.tagged
    assert told.ua
    assert told.title
    assert told.language.startswith("en")
    assert all(told.alts)
    levels = [0, *(level for level, _ in told.headings)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert told.tags.count("Table") == told.tags.count("THead")
    assert told.tags.count("Figure") == len(told.alts)
