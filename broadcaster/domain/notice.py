"""Notice templates: reusable wording with typed blanks, and filling them in. Knows nothing of channels or files.

Filling is plain replacement: what an officer types is data, whatever it looks like. A line of wording that
carries a blank which was left empty is left out, so optional sentences stand on lines of their own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

from broadcaster.domain import canonical
from broadcaster.domain.blanks import Blank, BlankType, has_brackets, read_answer
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Certainty, Facts, Severity, Urgency
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.post import LATE_SLOTS
from broadcaster.domain.refusal import Refusal, Shape
from broadcaster.domain.times import time_in_words
from broadcaster.domain.tongues import ENGLISH, Tongue, base, tongue_of
from broadcaster.domain.translation import Translation, translation_problems

#: Values that go with every template, beside its blanks.
OVERRIDES: Mapping[str, type[StrEnum]] = {"severity": Severity, "urgency": Urgency, "certainty": Certainty}

_MUST_WORD = ("headline", "area", "instruction", "expires", "source")
_MAY_WORD = ("starts", "details", "contact")
_TIME_FACTS = ("starts", "expires")
#: Every channel carries these, and there every character counts: their times are told shortly.
_SHORT = frozenset({"headline", "area", "instruction", "source", "contact"})
_WORDED = ("headline", "area", "instruction", "source", "details", "contact")
_MARK = re.compile(r"\(\(([a-z][a-z0-9_]*)\)\)")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LATER_BLANK_PARTS = ("default", "ahead")
_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)  # a default such as +12h can be read at any
_LATER_PARTS = (
    "help",
    "never",
    "refused",
    "must_keep",
    "review_by",
    "prepares",
    "languages",
)  # stored versions may be without


@dataclass(frozen=True, kw_only=True)
class NoticeTemplate:
    """Wording per fact, with `((blank))` marks. Raises Invalid, listing everything, where the parts do not fit.

    `starts` and `expires` are worded as one mark of a time blank and nothing else; without a start, it is now.
    `help` tells the officer when to use it and what to do when it is over, `never` what it must not say;
    `refused` is what of that a machine can tell. `must_keep` names facts that no channel leaves out for want of room,
    beside the five that none ever does. `review_by` is the day (ISO 8601) by which the wording is read anew.
    """

    name: str
    title: str
    language: str
    event: str
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    wording: Mapping[str, str]
    blanks: tuple[Blank, ...]
    channels: tuple[str, ...] = field(default=())
    help: str = ""
    never: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    must_keep: tuple[str, ...] = ()
    review_by: str = ""
    #: The notice template of what lies ready, approved, the moment that this is sent: "sent-in-error", or none.
    prepares: str = ""
    #: The same in other languages, by their codes.
    languages: Mapping[str, Translation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [
            *_blank_problems(self.blanks),
            *_wording_problems(self.wording, self.blanks),
            *_later_problems(self),
        ]
        if problems:
            raise Invalid(f'The notice template "{self.name}" cannot be used.', details=tuple(problems))

    def to_json(self) -> dict[str, Any]:
        """Later parts only where there are some: what was stored before there were any keeps its digest."""
        content = {**asdict(self), "wording": dict(self.wording)}
        content["languages"] = {code: _translated(each) for code, each in self.languages.items()}
        content["blanks"] = [
            {k: v for k, v in blank.items() if v or k not in _LATER_BLANK_PARTS}
            for blank in content["blanks"]
        ]
        return {k: v for k, v in content.items() if v or k not in _LATER_PARTS}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` wrote, or the same from a file, where a blank may leave out what has a default. Or Invalid."""
        try:
            parts = {
                "severity": Severity(data["severity"]),
                "urgency": Urgency(data["urgency"]),
                "certainty": Certainty(data["certainty"]),
                "wording": {fact: str(text) for fact, text in data["wording"].items()},
                "blanks": tuple(_blank(each) for each in data["blanks"]),
                "channels": _list(data.get("channels", ())),
                "never": _list(data.get("never", ())),
                "must_keep": _list(data.get("must_keep", ())),
                "refused": tuple(_refusal(each) for each in data.get("refused", ())),
                "review_by": str(data.get("review_by", "")),  # TOML has dates of its own
                "languages": {code: _translation(each) for code, each in data.get("languages", {}).items()},
            }
            return cls(**{**data, **parts})
        except KeyError as error:
            raise Invalid(f'A notice template must have "{error.args[0]}".') from error
        except (TypeError, ValueError, AttributeError) as error:
            raise Invalid(f"This is not a notice template: {error}.") from error

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the canonical JSON: the identity of this version."""
        return canonical.sha256(self.to_json())


def _blank(data: Mapping[str, Any]) -> Blank:
    return Blank(**{**data, "type": BlankType(data["type"]), "choices": _list(data.get("choices", ()))})


def _refusal(data: Mapping[str, Any]) -> Refusal:
    parts = {key: _list(data.get(key, ())) for key in ("words", "blanks")}
    return Refusal(
        **{**data, **parts, "shapes": tuple(Shape(each) for each in _list(data.get("shapes", ())))}
    )


def _translation(data: Mapping[str, Any]) -> Translation:
    return Translation.from_json(data, tuple(_refusal(each) for each in data.get("refused", ())))


def _translated(each: Translation) -> dict[str, Any]:
    refused = [asdict(refusal) for refusal in each.refused]
    return {**each.to_json(), **({"refused": refused} if refused else {})}


def _list(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{value!r} must be a list of texts")
    return tuple(value)


def _blank_problems(blanks: tuple[Blank, ...]) -> Iterator[str]:
    names = [blank.name for blank in blanks]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: there are two blanks of this name; rename one"
    for blank in blanks:
        if not _NAME.fullmatch(blank.name):
            yield f"{blank.name}: a blank's name is made of a-z, 0-9 and _"
        if blank.name in OVERRIDES or blank.name in LATE_SLOTS:
            yield f"{blank.name}: this name is kept for something else; choose another"
        if (blank.type is BlankType.CHOICE) != bool(blank.choices):
            yield f"{blank.name}: a choice has choices, and nothing else has"
        if blank.ahead and blank.type is not BlankType.TIME:
            yield f"{blank.name}: only a time can be ahead; take it out"
        if blank.max_chars < 1:
            yield f"{blank.name}: max_chars must be at least 1"
        if blank.default:
            _, wrong = read_answer(blank, blank.default, ZoneInfo("UTC"), _ANY_MOMENT)
            yield from (f"{blank.name}: its default {problem}" for problem in wrong)


def _wording_problems(wording: Mapping[str, str], blanks: tuple[Blank, ...]) -> Iterator[str]:
    known = {blank.name: blank for blank in blanks}
    used = {name for text in wording.values() for name in _MARK.findall(text)}
    for name in sorted(known.keys() - used):
        yield f"{name}: no wording uses this blank; use it or take it out"
    for name in sorted(used - known.keys()):
        yield f"{name}: the wording uses this blank, but there is none.{did_you_mean(name, known)}"
    optional = {name for name, blank in known.items() if not blank.required}
    for fact in _MUST_WORD:
        lines = wording.get(fact, "").split("\n")
        if not any(line.strip() and optional.isdisjoint(_MARK.findall(line)) for line in lines):
            yield f"{fact}: needs wording that is there whatever is left empty"
    for fact, text in wording.items():
        if fact not in _MUST_WORD + _MAY_WORD:
            yield f"{fact}: there is no such fact.{did_you_mean(fact, _MUST_WORD + _MAY_WORD)}"
        if has_brackets(_MARK.sub("", text)):
            yield f"{fact}: (( and )) are kept for blanks; use single brackets"
        if fact in _TIME_FACTS:
            mark = _MARK.fullmatch(text)
            if not mark or mark[1] not in known or known[mark[1]].type is not BlankType.TIME:
                yield f"{fact}: must be one time blank and nothing else, such as (({fact}))"


def _later_problems(template: NoticeTemplate) -> Iterator[str]:
    for fact in template.must_keep:
        if fact in _MUST_WORD:
            yield f"must_keep: {fact} is always kept; take it out"
        elif fact not in _MAY_WORD or not template.wording.get(fact, "").strip():
            yield f"must_keep: there is no wording for {fact}.{did_you_mean(fact, _MAY_WORD)}"
    for refusal in template.refused:
        yield from refusal.faults({blank.name for blank in template.blanks})
    if template.review_by and not _is_date(template.review_by):
        yield "review_by: must be a date such as 2027-11-01"
    for code, translation in template.languages.items():
        yield from translation_problems(
            code,
            translation,
            main=base(template.language),
            wording=template.wording,
            shared=_TIME_FACTS,
            marks={fact: set(_MARK.findall(text)) for fact, text in template.wording.items()},
            its_marks={fact: set(_MARK.findall(text)) for fact, text in translation.wording.items()},
            blanks=template.blanks,
        )
        for refusal in translation.refused:
            yield from refusal.faults({blank.name for blank in template.blanks})
        if any(has_brackets(_MARK.sub("", text)) for text in translation.wording.values()):
            yield f"languages: {code} has (( or )) that are no blank; use single brackets"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def fill(
    template: NoticeTemplate, values: Mapping[str, object], *, zone: ZoneInfo, now: datetime | None = None
) -> Facts:
    """The facts that these values make, times with the offset of `zone`. Invalid lists every problem at once.

    Values may also override `severity`, `urgency` and `certainty`. An empty value counts as none.
    """
    moment = (now or datetime.now(UTC)).astimezone(zone)
    names = {blank.name for blank in template.blanks} | OVERRIDES.keys()
    problems = [f"{n}: there is no such blank.{did_you_mean(n, names)}" for n in values if n not in names]
    blanks = [*template.blanks, *_override_blanks()]
    answers: dict[str, str | datetime] = {}
    for blank in blanks:
        answer, found = read_answer(blank, values.get(blank.name, ""), zone, moment)
        problems += [f"{blank.name}: {problem}" for problem in found]
        if answer is not None:
            answers[blank.name] = answer
    problems += _refused(template, answers)
    return _facts(template, answers, problems, moment)


def _refused(template: NoticeTemplate, answers: Mapping[str, str | datetime]) -> Iterator[str]:
    words = [b.name for b in template.blanks if b.type in {BlankType.TEXT, BlankType.PLACE}]
    for refusal in template.refused:
        for name in refusal.blanks or words:
            if found := refusal.found_in(_in_words(answers.get(name, ""))):
                yield f'{name}: has "{found}" in it. {refusal.why}'


def _override_blanks() -> Iterator[Blank]:
    for name, kind in OVERRIDES.items():
        yield Blank(
            name=name, type=BlankType.CHOICE, label=name, required=False, choices=tuple(str(k) for k in kind)
        )


def _facts(
    template: NoticeTemplate, answers: Mapping[str, str | datetime], problems: list[str], now: datetime
) -> Facts:
    starts = _moment(template.wording.get("starts", ""), answers) or now.replace(second=0, microsecond=0)
    expires = _moment(template.wording["expires"], answers)
    problems += _problems_together(template, answers, starts, expires)
    tongue = tongue_of(template.language)
    worded = {
        fact: _worded(template.wording.get(fact, ""), answers, short=fact in _SHORT, tongue=tongue)
        for fact in _WORDED
    }
    if not problems:  # two harmless values side by side could still make a mark
        problems += [
            f"{fact}: has (( or )) in it; use single brackets"
            for fact in worded
            if has_brackets(worded[fact])
        ]
    if problems or not expires:
        raise Invalid(f'The notice "{template.title}" cannot be filled in yet.', details=tuple(problems))
    return Facts(
        event=template.event,
        starts=starts.isoformat(timespec="seconds"),
        expires=expires.isoformat(timespec="seconds"),
        severity=Severity(_in_words(answers.get("severity", template.severity))),
        urgency=Urgency(_in_words(answers.get("urgency", template.urgency))),
        certainty=Certainty(_in_words(answers.get("certainty", template.certainty))),
        **worded,
    )


def _problems_together(
    template: NoticeTemplate,
    answers: Mapping[str, str | datetime],
    starts: datetime,
    expires: datetime | None,
) -> Iterator[str]:
    """Problems of answers that are good one by one."""
    # By timestamps: Python compares two times of one zone by what their clocks show, wrong where an hour comes twice.
    if expires and expires.timestamp() <= starts.timestamp():
        blank = _MARK.findall(template.wording["expires"])[0]
        yield f"{blank}: must be after the start ({time_in_words(starts)}); give a later time"
    for name in _MARK.findall(template.wording["headline"]):
        if "\n" in _in_words(answers.get(name, "")):
            yield f"{name}: stands in the headline, so it must be on one line; take out the line break"


def _worded(text: str, answers: Mapping[str, str | datetime], *, short: bool, tongue: Tongue) -> str:
    """The text with its marks replaced, without the lines whose blanks have no answer."""
    lines = [line for line in text.split("\n") if answers.keys() >= set(_MARK.findall(line))]
    kept = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return _MARK.sub(lambda mark: _in_words(answers[mark[1]], short=short, tongue=tongue), kept)


def _in_words(answer: str | datetime, *, short: bool = False, tongue: Tongue = ENGLISH) -> str:
    return time_in_words(answer, short=short, tongue=tongue) if isinstance(answer, datetime) else answer


def _moment(wording: str, answers: Mapping[str, str | datetime]) -> datetime | None:
    mark = _MARK.fullmatch(wording)
    answer = answers.get(mark[1]) if mark else None
    return answer if isinstance(answer, datetime) else None
