"""Days of the week and months that are typed as words: what they surely name, and what they may. Knows no language by itself.

A word may have several meanings (Mawrth is Tuesday and March, "mar" the sea), and many are words of every day (May). So only
what is sure on one side and is not even possible on the other is a difference.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from broadcaster.domain.mutations import forms_of


@dataclass(frozen=True, kw_only=True)
class DateName:
    """How a language writes a day or a month. `meaning` is the same in all languages; `whole` where it is not shortened."""

    text: str
    meaning: str
    is_day: bool
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Dates:
    sure: frozenset[str]
    possible: frozenset[str]


def dates_in(text: str, names: Sequence[DateName], *, further: Sequence[DateName] = ()) -> Dates:
    """`further` are names of another language, which may be left as they are: they are possible, and never sure."""
    found = [(m, _forms(tuple(names))[m[1].casefold()]) for m in _pattern(tuple(names)).finditer(text)]
    left = [_forms(tuple(further))[m[1].casefold()] for m in _pattern(tuple(further)).finditer(text)]
    meanings = [{each.name.meaning for each in forms} for forms in (*(f for _, f in found), *left)]
    sure = {
        each.name.meaning for m, forms in found for each in forms if _is_sure(text, m, each) and _agree(forms)
    }
    return Dates(sure=frozenset(sure), possible=frozenset().union(*meanings))


@dataclass(frozen=True, kw_only=True)
class _Form:
    """As a name may stand in a sentence. The last word of a name alone (Mawrth for Dydd Mawrth) says less than all of it."""

    text: str
    name: DateName
    alone: bool = False


def _agree(forms: Iterable[_Form]) -> bool:
    return len({each.name.meaning for each in forms}) == 1


def _is_sure(text: str, match: re.Match[str], form: _Form) -> bool:
    """A whole day, or a month beside a number; written as the language does, or in capitals."""
    said = match[1]
    first_aside = said[1:] == form.text[1:] and " " in said  # ddydd Llun
    if said not in {form.text, form.text.upper()} and not first_aside:
        return False
    if form.name.is_day:
        return form.name.whole and not form.alone
    return bool(_NUMBER_BEFORE.search(text[: match.start()]) or _NUMBER_AFTER.match(text, match.end()))


_NUMBER_BEFORE = re.compile(
    r"(?<![\d:.])\d{1,2}(?!\s?[ap]m)\w{0,4}\.?\s+(?:(?![ap]m\b)\w{1,2}\s+)?$"
)  # 3rd of, 3 de
_NUMBER_AFTER = re.compile(r"\s+(?:\d{1,2}|\d{4})(?![\w:])")


@cache
def _forms(names: tuple[DateName, ...]) -> dict[str, list[_Form]]:
    """By how they are written in small letters. The mutations are those of Welsh; in other languages they are no words, and those
    that are would only be possible."""
    found: dict[str, list[_Form]] = {}
    for name in names:
        for part in {name.text, name.text.split()[-1]}:
            for text in forms_of(part):
                form = _Form(text=text, name=name, alone=part != name.text)
                found.setdefault(text.casefold(), []).append(form)
    return found


@cache
def _pattern(names: tuple[DateName, ...]) -> re.Pattern[str]:
    """The longest first; several of them too (Mondays)."""
    forms = sorted(_forms(names), key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, forms)) or '(?!)'})s?(?!\w)", re.IGNORECASE)
