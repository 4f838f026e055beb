"""How records are kept: what a hold covers, why something is redacted, and finding the words to take out. Knows no store."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broadcaster.domain.errors import Invalid

LONGEST_PASSAGE = 2_000


class HoldKind(StrEnum):
    MESSAGE = "message"
    INCIDENT = "incident"
    AUDIENCE = "audience"


#: Why something is taken out, each with the exemption of the Freedom of Information Act 2000 that it mostly stands for.
#: https://www.legislation.gov.uk/ukpga/2000/36, part II, read 2026-11. Elsewhere, the word is what counts.
CODES: Mapping[str, str] = {
    "personal-data": "personal information (s.40)",
    "safety": "somebody's health or safety (s.38)",
    "confidence": "told in confidence (s.41)",
    "law-enforcement": "law enforcement (s.31)",
    "legal-privilege": "legal professional privilege (s.42)",
    "security": "national security (s.24)",
    "commercial": "commercial interests (s.43)",
    "court-order": "an order of a court",
    "other": "another reason, as given",
}
#: Of a post and of a message's facts, what people wrote; the rest are times, addresses and words of a standard.
WRITTEN = frozenset(
    {
        "event",
        "headline",
        "area",
        "instruction",
        "source",
        "details",
        "contact",
        "title",
        "text",
        "alt",
        "name",
    }
)


def mark_of(code: str) -> str:
    """What stands in the place of what was taken out."""
    return f"[redacted: {code.replace('-', ' ')}]"


def check_code(code: str) -> None:
    if code not in CODES:
        raise Invalid(f"Choose why it is redacted: {', '.join(CODES)}. Nothing was changed.")


def passage(text: str) -> re.Pattern[str]:
    """Finds the passage wherever it stands, also where a channel has other quotation marks, dashes or line breaks. Invalid
    where it is too short to be meant, or too long."""
    words = text.split()
    if sum(len(word) for word in words) < 3:
        raise Invalid("Give at least three characters: fewer stand in many other words. Nothing was changed.")
    if len(text) > LONGEST_PASSAGE:
        raise Invalid(f"That is longer than {LONGEST_PASSAGE:,} characters. Take it out in parts.")
    return re.compile(r"\s+".join("".join(_letter(c) for c in word) for word in words), re.IGNORECASE)


_ALIKE = ("'\u2018\u2019\u02bc`", '"\u201c\u201d\u201e', "-\u2010\u2011\u2012\u2013\u2014")


def _letter(c: str) -> str:
    return next((f"[{re.escape(same)}]" for same in _ALIKE if c in same), re.escape(c))


def taken_out(data: Any, change: Callable[[str], str], *, only: frozenset[str] = frozenset()) -> Any:
    """The same with every text changed, all the way down. With `only`, those under these names and what stands in lists or
    tables under no other one."""
    return _walk(data, change, only, inside=not only)


def _walk(data: Any, change: Callable[[str], str], only: frozenset[str], *, inside: bool) -> Any:
    if isinstance(data, str):
        return change(data) if inside else data
    if isinstance(data, list):
        return [_walk(each, change, only, inside=inside) for each in data]
    if isinstance(data, dict):
        return {k: _walk(v, change, only, inside=k in only if only else True) for k, v in data.items()}
    return data


@dataclass(frozen=True, kw_only=True)
class RecordClass:
    """Records that are kept alike. `days` is None for good, and `setting` what changes it, where something does."""

    name: str
    holds: str
    why: str
    days: int | None
    setting: str = ""


def record_classes(days: Mapping[str, int]) -> tuple[RecordClass, ...]:
    """Every class, with its days from the settings; 0 there is for good."""

    def kept(setting: str, name: str, holds: str, why: str) -> RecordClass:
        return RecordClass(
            name=name,
            holds=holds,
            why=why,
            days=days[setting] or None,
            setting=f"BROADCASTER_{setting.upper()}",
        )

    return (
        RecordClass(
            name="Messages that were released",
            holds="texts, pictures, versions, who approved, what became of each delivery",
            why="an inquiry may come years later",
            days=None,
        ),
        RecordClass(
            name="The audit log",
            holds="who did what when, and digests",
            why="taking one event out is what it is built to show",
            days=None,
        ),
        kept(
            "drafts_kept_days",
            "Drafts that nobody released",
            "what officers wrote",
            "they prove nothing sent",
        ),
        kept(
            "numbers_kept_days",
            "Lists that a newer one replaced",
            "telephone numbers, sealed",
            "needed until what was sent is settled",
        ),
        kept(
            "answers_kept_days", "What people write to us", "texts and numbers, sealed", "to read and to heed"
        ),
        kept("callbacks_kept_days", "What gateways report", "raw reports, sealed", "to look into a report"),
        RecordClass(name="What is being typed", holds="forms not sent yet", why="nothing gets lost", days=30),
        RecordClass(name="Sessions that ended", holds="staff: when and where", why="to see misuse", days=30),
        RecordClass(
            name="Staff, roles, approvals", holds="names for signing in", why="acts refer to them", days=None
        ),
    )
