"""A paper to print: what it says, in blocks and in the order in which it is read. How it is set is the layout's business.

Every text is data: no sign in it means anything to whoever sets it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from broadcaster.domain.canonical import Json

NOT_RECORDED = "not recorded"


@dataclass(frozen=True, kw_only=True)
class Words:
    """A paragraph. `strong` is one that must not be overlooked."""

    text: str
    strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Names and what they are."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Points:
    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """`parts` are the widths of the columns against each other; `numbers` the columns that are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    parts: tuple[int, ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exact:
    """A text to the letter, with its language, so that it is read aloud as what it is."""

    title: str
    texts: tuple[str, ...]
    language: str
    foot: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Bars over time: for each stretch its label and one number for each series. `alt` says what is to be seen."""

    title: str
    alt: str
    series: tuple[str, ...]
    bars: tuple[tuple[str, tuple[int, ...]], ...]


Block = Words | Lines | Points | Table | Exact | Chart


@dataclass(frozen=True, kw_only=True)
class Section:
    """`level` 1 is a chapter."""

    title: str
    blocks: tuple[Block, ...]
    level: int = 1


@dataclass(frozen=True, kw_only=True)
class Paper:
    """`running` stands at the top of every page, `mode` is live or exercise."""

    title: str
    subtitle: str
    running: str
    author: str
    made: str
    mode: str
    sections: tuple[Section, ...]

    def to_json(self) -> dict[str, Json]:
        return {**asdict(self), "sections": [_section(each) for each in self.sections]}


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    parts: Sequence[int],
    numbers: Sequence[int] = (),
    nothing: str,
) -> Block:
    """A table, or where it has no rows a paragraph that says so."""
    if not rows:
        return Words(text=nothing)
    return Table(
        title=title,
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        parts=tuple(parts),
        numbers=tuple(numbers),
    )


def _section(section: Section) -> dict[str, Any]:
    blocks = [{"kind": type(each).__name__.lower(), **asdict(each)} for each in section.blocks]
    return {"title": section.title, "level": section.level, "blocks": blocks}
