"""The wording of a notice template in another language: the same blanks, its own words. Knows no template but by its parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Self

from broadcaster.domain.blanks import Blank, BlankType
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.refusal import Refusal
from broadcaster.domain.tongues import TONGUES

#: What an officer says anew in each language; numbers, times, links and choices are said once.
SAID_ANEW = frozenset({BlankType.TEXT, BlankType.PLACE})


@dataclass(frozen=True, kw_only=True)
class Translation:
    """`wording` has a text for each fact that the template words, but for its times; `choices` the answers of each choice, in
    the order of the template's; `defaults` what a text blank says where the officer gives nothing; `same` names text blanks that are
    the same in every language, such as a reference. `translator` made it, and
    `reviewed` (ISO 8601) is the day on which somebody who speaks it last read it; empty where nobody has."""

    title: str
    event: str
    wording: Mapping[str, str]
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    same: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    translator: str = ""
    reviewed: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any], refused: tuple[Refusal, ...]) -> Self:
        """KeyError, TypeError or AttributeError where it is no translation."""
        known = {each.name for each in fields(cls)}
        if unknown := sorted(data.keys() - known):
            raise TypeError(f"a language has no {unknown[0]}")
        return cls(
            title=str(data["title"]),
            event=str(data["event"]),
            wording={fact: str(text) for fact, text in data["wording"].items()},
            choices={name: tuple(map(str, each)) for name, each in data.get("choices", {}).items()},
            defaults={name: str(text) for name, text in data.get("defaults", {}).items()},
            same=tuple(map(str, data.get("same", ()))),
            refused=refused,
            translator=str(data.get("translator", "")),
            reviewed=str(data.get("reviewed", "")),
        )

    def to_json(self) -> dict[str, Any]:
        """What is empty is left out."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in said.items() if value and name != "refused"}


def translation_problems(
    code: str,
    translation: Translation,
    *,
    main: str,
    wording: Mapping[str, str],
    shared: tuple[str, ...],
    marks: Mapping[str, set[str]],
    its_marks: Mapping[str, set[str]],
    blanks: tuple[Blank, ...],
) -> Iterator[str]:
    """What keeps it from saying the same as the template's own `wording`. `shared` are the facts that are said once; `marks`
    and `its_marks` name the blanks in each fact, there and here."""
    if code not in TONGUES or code == main:
        cure = "it is the template's own language" if code == main else did_you_mean(code, TONGUES).strip()
        yield f"languages: {code} cannot be used. {cure or 'Known are ' + ', '.join(TONGUES) + '.'}"
        return
    for fact in sorted(wording.keys() - set(shared) - translation.wording.keys()):
        yield f"{fact}.{code}: needs wording in {TONGUES[code].name} too"
    for fact in translation.wording:
        if fact in shared:
            yield f"{fact}.{code}: times are the same in every language; take it out"
        elif fact not in wording:
            yield f"{fact}.{code}: there is no such fact here.{did_you_mean(fact, wording)}"
        elif marks[fact] != its_marks[fact]:
            other = ", ".join(sorted(marks[fact] ^ its_marks[fact]))
            yield f"{fact}.{code}: must have the same blanks as in the template's own language; look at {other}"
    yield from _answer_problems(code, translation, {blank.name: blank for blank in blanks})
    if translation.reviewed and not _is_date(translation.reviewed):
        yield f"reviewed.{code}: must be a date such as 2026-11-01"


def _answer_problems(code: str, translation: Translation, blanks: Mapping[str, Blank]) -> Iterator[str]:
    for name, blank in blanks.items():
        if len(translation.choices.get(name, ())) != len(blank.choices):
            yield f"{name}.{code}: needs as many choices as in the template's own language, in their order"
        if blank.type in SAID_ANEW and bool(blank.default) != bool(translation.defaults.get(name)):
            yield f"{name}.{code}: needs a default exactly where the template's own language has one"
    for name in sorted(
        (translation.choices.keys() | translation.defaults.keys() | set(translation.same)) - blanks.keys()
    ):
        yield f"{name}.{code}: there is no such blank.{did_you_mean(name, blanks)}"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
