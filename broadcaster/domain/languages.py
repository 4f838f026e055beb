"""Filling in a notice in each of its languages: prose is said anew, all else once. Knows no channel.

Values are those of the template's blanks, and for its other languages `blank.code`: `action` and `action.cy`. What a list of names
has a translation for, whole, need not be typed again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from broadcaster.domain.blanks import Blank, BlankType, read_answer
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Facts
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.notice import OVERRIDES, NoticeTemplate, fill
from broadcaster.domain.tongues import base, named
from broadcaster.domain.translation import SAID_ANEW, Translation

#: By language: the name of a place or an office as the main language has it -> as this one has it.
Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Speaking:
    """The part of an audience that gets a text in one language: those whose own it is, and in the main one everybody `but`
    those. Neither: the whole audience. Written `cy`, `-cy -es`, or nothing."""

    only: str = ""
    but: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Self:
        if not text.startswith("-"):
            return cls(only=text)
        return cls(but=tuple(each.removeprefix("-") for each in text.split()))

    def __str__(self) -> str:
        return self.only or " ".join(f"-{each}" for each in self.but)


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """In which languages a version is said. `order` has all of them, the one that goes first first, `facts` what is said in
    those beside the main one. `later` says by when (ISO 8601) one follows that it goes without. All empty: the main one alone."""

    order: tuple[str, ...] = ()
    facts: Mapping[str, Facts] = field(default_factory=dict)
    later: Mapping[str, str] = field(default_factory=dict)

    @property
    def main(self) -> str:
        return next((code for code in self.order if code not in self.facts), "")

    def speaking(self, code: str) -> Speaking:
        """Who gets the texts in this language."""
        if not self.facts:
            return Speaking()
        return Speaking(only=code) if code in self.facts else Speaking(but=tuple(sorted(self.facts)))

    def to_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"order": list(self.order), "later": dict(self.later)}
        said["facts"] = {code: facts.to_json() for code, facts in self.facts.items()}
        return {name: value for name, value in said.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        facts = {code: Facts.from_json(each) for code, each in data.get("facts", {}).items()}
        return cls(order=tuple(data.get("order", ())), facts=facts, later=dict(data.get("later", {})))


@dataclass(frozen=True, kw_only=True)
class LanguagePolicy:
    """What an installation speaks: `order` names its languages, the one that goes first first, or none but each template's own.
    `together`: public posts say all of them in one where it fits. `names` are bilingual."""

    order: tuple[str, ...] = ()
    together: bool = False
    names: Names = field(default_factory=dict)

    def order_for(self, template: NoticeTemplate, wanted: Sequence[str] | None = None) -> tuple[str, ...]:
        """The languages of a message, where there are several. Without `wanted`, all that are spoken here and that the
        template has; its own is always among them."""
        can = can_speak(template)
        codes = [code for code in self.order if code in can] if wanted is None else [base(c) for c in wanted]
        ordered = sorted({can[0], *codes}, key=lambda code: (self._place(code), code != can[0], code))
        return tuple(ordered) if len(ordered) > 1 else ()

    def left_out(self, template: NoticeTemplate, order: Sequence[str]) -> list[str]:
        """Spoken here, in the template, and not in this message."""
        can = can_speak(template)
        return [code for code in self.order if code in can[1:] and code not in order]

    def _place(self, code: str) -> int:
        return self.order.index(code) if code in self.order else len(self.order)


#: Beside the blanks, for each other language: who translated what was typed. It is on record, and in no post.
TRANSLATOR = "translator"
ONCE = "is the same in every language; fill it in once, in the template's own"


@dataclass(frozen=True, kw_only=True)
class Filled:
    """The facts in the template's own language, and all that is said in others."""

    facts: Facts
    spoken: Spoken = field(default_factory=Spoken)


def can_speak(template: NoticeTemplate) -> tuple[str, ...]:
    """Its own language, then the others."""
    return (base(template.language), *template.languages)


def fill_all(
    template: NoticeTemplate,
    values: Mapping[str, str],
    order: Sequence[str],
    *,
    zone: ZoneInfo,
    names: Names | None = None,
    now: datetime | None = None,
) -> Filled:
    """The facts in each of these languages. Invalid lists every problem in all of them at once."""
    moment = now or datetime.now(UTC)
    problems = [*language_problems(template, order), *_name_problems(template, values)]
    own = {name: text for name, text in values.items() if "." not in name}
    facts, found = _tried(template, own, zone, moment)
    problems += found
    translations: dict[str, Facts] = {}
    for code in order:
        if code not in template.languages:
            continue
        said = _said(template, values, code, names or {}, zone, moment)
        made, found = _tried(localised(template, code), said, zone, moment)
        problems += [_renamed(each, code, values) for each in found if not _said_already(each, problems)]
        problems += _left_open(template, own, said, code)
        if made:
            translations[code] = made
    if problems or facts is None:
        raise Invalid(f'The notice "{template.title}" cannot be filled in yet.', details=tuple(problems))
    spoken = Spoken(order=tuple(order), facts=translations) if translations else Spoken()
    return Filled(facts=facts, spoken=spoken)


def said_in(template: NoticeTemplate, code: str) -> list[Blank]:
    """What a form asks anew in this language, each as a blank of its own: `action.cy`, beside its `action`."""
    other = template.languages[code]
    asked = [b for b in template.blanks if b.type in SAID_ANEW and b.name not in other.same]
    return [
        replace(
            _in_language(blank, other),
            name=f"{blank.name}.{code}",
            label=f"{blank.label}, in {named(code)}",
            help=f"The same in {named(code)}.",
        )
        for blank in asked
    ]


def localised(template: NoticeTemplate, code: str) -> NoticeTemplate:
    """The template as if it had been written in this language of its own."""
    other = template.languages[code]
    shapes = [replace(each, words=()) for each in template.refused if each.shapes]
    return replace(
        template,
        language=code,
        title=other.title,
        event=other.event,
        wording={**template.wording, **other.wording},
        blanks=tuple(_in_language(blank, other) for blank in template.blanks),
        refused=(*shapes, *other.refused),
        languages={},
    )


def _in_language(blank: Blank, other: Translation) -> Blank:
    if blank.type is BlankType.CHOICE:
        at = blank.choices.index(blank.default) if blank.default in blank.choices else -1
        choices = other.choices[blank.name]
        return replace(blank, choices=choices, default=choices[at] if at >= 0 else "", example="")
    if blank.type in SAID_ANEW:
        return replace(blank, default=other.defaults.get(blank.name, ""), example="")
    return blank


def _tried(
    template: NoticeTemplate, values: Mapping[str, str], zone: ZoneInfo, now: datetime
) -> tuple[Facts | None, tuple[str, ...]]:
    try:
        return fill(template, values, zone=zone, now=now), ()
    except Invalid as problem:
        return None, problem.details


def _said(
    template: NoticeTemplate,
    values: Mapping[str, str],
    code: str,
    names: Names,
    zone: ZoneInfo,
    now: datetime,
) -> dict[str, str]:
    """What the blanks hold in this language."""
    known = {main.casefold(): name for main, name in names.get(code, {}).items()}
    said = {name: values[name] for name in OVERRIDES if name in values}
    for blank in template.blanks:
        main = values.get(blank.name, "")
        if blank.type in SAID_ANEW:
            same = main if blank.name in template.languages[code].same else ""
            answer = values.get(f"{blank.name}.{code}", "") or same or known.get(main.strip().casefold(), "")
        elif blank.type is BlankType.CHOICE:
            answer = _chosen(blank, main, template.languages[code], zone, now)
        else:
            answer = main
        said[blank.name] = answer
    return said


def _chosen(blank: Blank, main: str, other: Translation, zone: ZoneInfo, now: datetime) -> str:
    answer, _ = read_answer(blank, main, zone, now)
    return other.choices[blank.name][blank.choices.index(answer)] if isinstance(answer, str) else main


def language_problems(template: NoticeTemplate, order: Iterable[str]) -> list[str]:
    """Why a notice of this template cannot be in these languages, each with what to do; none where there is but one."""
    can = can_speak(template)
    problems = [
        f'languages: "{template.title}" has no wording in {named(code)}. Leave it out, or add it to the template.'
        f"{did_you_mean(code, can)}"
        for code in order
        if code not in can
    ]
    codes = list(order)
    if codes and can[0] not in codes:
        problems.append(f"languages: {named(can[0])} is the template's own language and always among them.")
    if len(set(codes)) != len(codes):
        problems.append("languages: each can be named once; take out the second.")
    return problems


def _name_problems(template: NoticeTemplate, values: Mapping[str, str]) -> list[str]:
    """Of values for other languages; `fill` tells the rest."""
    said = [blank.name for blank in template.blanks if blank.type in SAID_ANEW]
    once = {blank.name for blank in template.blanks} - set(said)
    known = {f"{name}.{code}" for name in (*said, TRANSLATOR) for code in template.languages}
    return [
        f"{name}: {ONCE}"
        if name.partition(".")[0] in once
        else f"{name}: there is no such blank.{did_you_mean(name, known)}"
        for name in values
        if "." in name and name not in known
    ]


def _left_open(
    template: NoticeTemplate, own: Mapping[str, str], said: Mapping[str, str], code: str
) -> list[str]:
    """What is said in one of two languages only, where nobody must say it at all."""
    problems = []
    for blank in template.blanks:
        if blank.type not in SAID_ANEW or blank.required:
            continue
        here, there = bool(own.get(blank.name, "").strip()), bool(said[blank.name].strip())
        if here and not there and not blank.default:
            problems.append(
                f"{blank.name}.{code}: is filled in in {named(template.language)} only; "
                f"say it in {named(code)} too, or leave both empty"
            )
        if there and not here and not blank.default:
            problems.append(
                f"{blank.name}.{code}: is filled in in {named(code)} only; "
                f"say it in {named(template.language)} too, or leave both empty"
            )
    return problems


def _renamed(problem: str, code: str, values: Mapping[str, str]) -> str:
    """Named by the blank of the other language, where it is said anew there."""
    name, mark, rest = problem.partition(": ")
    if not mark:
        return problem
    missing = rest.startswith("is needed") and values.get(name)
    cure = f"is needed in {named(code)} too; fill it in, or leave {named(code)} out for now"
    return f"{name}.{code}: {cure if missing else rest}"


def _said_already(problem: str, problems: Iterable[str]) -> bool:
    """A wrong number or time is told once, and what is empty in the main language there."""
    return problem in problems or (
        ": is needed" in problem
        and any(p.startswith(problem.partition(":")[0] + ": is needed") for p in problems)
    )
