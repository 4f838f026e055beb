"""What a weather service or another source warns of, which of our notice templates it belongs to, and what of it goes into the blanks.

A warning of somebody else is data, whatever it says: it fills blanks as an officer's typing would, and where it does not fit, the
blank stays empty and a person fills it. Nothing of it is ever sent without one.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from broadcaster.domain.blanks import Blank, BlankType, read_answer
from broadcaster.domain.canonical import sha256
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Certainty, Severity, Urgency
from broadcaster.domain.notice import OVERRIDES, NoticeTemplate

MOST_WORDS, MOST_WORD_CHARS = 30, 100
MARKS = (
    "area", "certainty", "contact", "description", "event", "expires", "headline", "instruction", "onset",
    "parameters", "sender", "severity", "urgency", "web",
)  # fmt: skip
#: Blanks of the templates that ship, by the names that they share. A rule may say something else for each.
USUAL: Mapping[str, str] = {
    "action": "((instruction))",
    "area": "((area))",
    "colour": "((headline)) ((parameters)) ((event))",
    "details": "((description))",
    "expect": "((description))",
    "expires": "((expires))",
    "hazard": "((event))",
    "starts": "((onset))",
}
_MARK = re.compile(r"\(\(([a-z]+)\)\)")
_RANK = {
    str(each): no for no, each in enumerate(Severity)
}  # as CAP lists them: the gravest first, Unknown last


@dataclass(frozen=True, kw_only=True)
class SourceInfo:
    """What a source says in one language. Times are ISO 8601 with an offset, or empty."""

    language: str = ""
    event: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    severity: str = "Unknown"
    urgency: str = "Unknown"
    certainty: str = "Unknown"
    onset: str = ""
    expires: str = ""
    areas: tuple[str, ...] = ()
    sender_name: str = ""
    contact: str = ""
    web: str = ""
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SourceAlert:
    """One message of a source. `references` are the keys of earlier ones; `plain` where it was no CAP but a line of a feed."""

    sender: str
    identifier: str
    sent: str
    status: str
    kind: str
    scope: str
    infos: tuple[SourceInfo, ...]
    references: tuple[str, ...] = ()
    plain: bool = False

    @property
    def key(self) -> str:
        return key_of(self.sender, self.identifier)

    @property
    def ends(self) -> datetime | None:
        """The last end of all that it says; None where that is not known."""
        found = [_moment(info.expires) for info in self.infos]
        return max((each for each in found if each), default=None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        infos = tuple(
            SourceInfo(**{**each, "areas": tuple(each["areas"]), "parameters": tuple(each["parameters"])})
            for each in data["infos"]
        )
        return cls(**{**data, "infos": infos, "references": tuple(data["references"])})

    def info(self, language: str, areas: Sequence[str] = ()) -> SourceInfo:
        """In this language where it is said in it, and of these areas where it says different things of several."""
        wanted = language.partition("-")[0].lower()
        infos = [i for i in self.infos if i.language.lower().partition("-")[0] == wanted] or list(self.infos)
        return next((i for i in infos if _named(areas, " ".join(i.areas))), infos[0])


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which warnings concern us, and the template they are written from. Empty `events` or `areas`: all of them.

    `blanks` says for single blanks what goes into them, with marks such as ((description)).
    """

    template: str
    events: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    least: str = "Unknown"
    blanks: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = []
        if self.least not in _RANK:
            problems.append(f"least: choose one of {', '.join(_RANK)}")
        for name in ("events", "areas"):
            words = getattr(self, name)
            if len(words) > MOST_WORDS or any(not w.strip() or len(w) > MOST_WORD_CHARS for w in words):
                problems.append(f"{name}: at most {MOST_WORDS}, of at most {MOST_WORD_CHARS} characters each")
        for blank, text in self.blanks.items():
            problems += [
                f"blanks: ((({mark}))) in {blank} is nothing that a warning has: {', '.join(MARKS)}"
                for mark in _MARK.findall(text)
                if mark not in MARKS
            ]
        if problems:
            raise Invalid("This rule cannot be used. Nothing was changed.", details=tuple(problems))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        lists = {name: tuple(data.get(name, ())) for name in ("events", "areas")}
        return cls(**{**data, **lists})

    def concerns(self, alert: SourceAlert) -> bool:
        """What a source leaves open concerns us: a warning is never missed for a word that was not there."""
        return any(
            _named(self.events, f"{info.event} {info.headline}")
            and _named(self.areas, " ".join(info.areas) or info.headline)
            and (
                info.severity not in _RANK or info.severity == "Unknown" or _RANK[info.severity] <= _bar(self)
            )
            for info in alert.infos
        )


@dataclass(frozen=True, kw_only=True)
class Filled:
    """`unfit` are the blanks for which the source has words that do not fit."""

    values: Mapping[str, str]
    unfit: tuple[str, ...]


def key_of(sender: str, identifier: str) -> str:
    """By which one message is known, from whichever feed it comes."""
    return sha256([sender.strip(), identifier.strip()])


def is_for_the_public(alert: SourceAlert) -> bool:
    """Exercises, tests and what is for a few never become a draft."""
    return (alert.status, alert.scope) == ("Actual", "Public") and alert.kind in {"Alert", "Update", "Cancel"}


def filled_from(
    template: NoticeTemplate, rule: Rule, alert: SourceAlert, *, zone: ZoneInfo, now: datetime
) -> Filled:
    """What can be said from the source alone. The rest is the officer's."""
    info = alert.info(template.language, rule.areas)
    told = _told(info, rule, zone)
    values, unfit = {}, []
    for blank in template.blanks:
        text = _MARK.sub(
            lambda mark: told.get(mark[1], ""), rule.blanks.get(blank.name, USUAL.get(blank.name, ""))
        )
        answer = _answer(blank, text)
        if answer and read_answer(blank, answer, zone, now)[1]:
            unfit.append(blank.name)
        elif answer:
            values[blank.name] = answer
        elif text.strip():
            unfit.append(blank.name)
    for name, kind in OVERRIDES.items():
        said = str(getattr(info, name))
        if said in {str(each) for each in kind} and said != "Unknown":
            values[name] = said
    return Filled(values=values, unfit=tuple(unfit))


def clean(text: str, most: int = 20_000) -> str:
    """As it may be shown and stored: no control characters, no marks that turn the direction of writing, no blanks around."""
    kept = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
    lines = [" ".join(line.split()) for line in kept.splitlines()]
    whole = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return whole if len(whole) <= most else ""


def _answer(blank: Blank, text: str) -> str:
    """For a choice, the one that the text names; a text that is no choice names none."""
    text = text.strip()
    if blank.type is BlankType.CHOICE:
        words = text.casefold()
        return next((c for c in blank.choices if re.search(rf"\b{re.escape(c.casefold())}\b", words)), "")
    return text if blank.type is BlankType.TEXT else " ".join(text.split())


def _told(info: SourceInfo, rule: Rule, zone: ZoneInfo) -> dict[str, str]:
    mine = [area for area in info.areas if rule.areas and _named(rule.areas, area)]
    return {
        "area": ", ".join(mine or info.areas),
        "certainty": info.certainty,
        "contact": info.contact,
        "description": info.description,
        "event": info.event,
        "expires": _local(info.expires, zone),
        "headline": info.headline,
        "instruction": info.instruction,
        "onset": _local(info.onset, zone),
        "parameters": " ".join(info.parameters),
        "sender": info.sender_name,
        "severity": info.severity,
        "urgency": info.urgency,
        "web": info.web,
    }


def _named(words: Sequence[str], text: str) -> bool:
    return not words or any(word.strip().casefold() in text.casefold() for word in words)


def _bar(rule: Rule) -> int:
    return _RANK[rule.least]


def _local(text: str, zone: ZoneInfo) -> str:
    moment = _moment(text)
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}" if moment else ""


def _moment(text: str) -> datetime | None:
    """None for what is no time, or has no offset: to guess one would be to warn at another hour."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def known(kind: type[Severity | Urgency | Certainty], text: str) -> str:
    """The word where it is one of CAP's, and Unknown where it is not."""
    return text if text in {str(each) for each in kind} else "Unknown"
