"""Whether a message says the same in two languages, as far as a machine can tell: times, days, months, numbers, phone
numbers, links and the places that a list of names knows. What differs must be mended before anybody can approve it; the words between are for people.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from broadcaster.domain.checks.dates import DateName, dates_in
from broadcaster.domain.checks.finding import Finding, Level, listed
from broadcaster.domain.message import Facts
from broadcaster.domain.mutations import forms_of
from broadcaster.domain.tongues import TONGUES, named

COMPARED = ("headline", "area", "instruction", "details", "contact", "source")
SAID_ONCE = ("starts", "expires", "severity", "urgency", "certainty")

_LINK = re.compile(r"https?://[^\s]+|[\w.+-]+@[\w-]+\.[\w.-]+\w")
_TWELVE = re.compile(
    r"\b(\d{1,2})(?:[:.](\d{2}))?\s?(?:(am|a\.\s?m\.?|yb|y\.b\.)|(pm|p\.\s?m\.?|yp|yh|y\.p\.|y\.h\.))(?!\w)",
    re.IGNORECASE,
)
_TWENTY_FOUR = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")
_PHONE = re.compile(r"(?<![\w.,])(?:\+|\(?0)[\d() -]{5,}\d")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")


def check_agreement(
    main: Facts,
    other: Facts,
    *,
    language: str,
    main_language: str,
    names: Mapping[str, str],
    dates: Mapping[str, Sequence[DateName]] = MappingProxyType({}),
) -> Iterator[Finding]:
    """Problems, each with what to do. `names` are those of the main language with what they are in the other one, `dates` the
    names of days and months by language."""
    ours, theirs, main_is = main.to_json(), other.to_json(), named(main_language)
    for fact in SAID_ONCE:
        if ours[fact] != theirs[fact]:
            yield _problem(
                fact, language, f"is {theirs[fact]} here and {ours[fact]} there. Save the message again."
            )
    ours_dates, their_dates = dates.get(main_language, ()), dates.get(language, ())
    for fact in COMPARED:
        said = (
            *_unequal_tokens(ours[fact], theirs[fact], main_is),
            *_unequal_dates(ours[fact], theirs[fact], ours_dates, their_dates, main_is),
            *_unequal_places(ours[fact], theirs[fact], names, main_is),
        )
        yield from (_problem(fact, language, each) for each in said)


def _unequal_tokens(ours: str, theirs: str, main_is: str) -> Iterator[str]:
    said, told = tokens(ours), tokens(theirs)
    if missing := list((said - told).elements()):
        yield f"lacks {listed(missing)}, which {main_is} has. {_CURE}"
    if further := list((told - said).elements()):
        yield f"has {listed(further)}, which {main_is} lacks. {_CURE}"


def _unequal_dates(
    ours: str, theirs: str, ours_dates: Sequence[DateName], their_dates: Sequence[DateName], main_is: str
) -> Iterator[str]:
    mine = dates_in(ours, ours_dates, further=their_dates)
    its = dates_in(theirs, their_dates, further=ours_dates)
    if unsaid := sorted(mine.sure - its.possible):
        yield f"lacks {listed(unsaid)}, which {main_is} has. {_DATES}"
    if unmeant := sorted(its.sure - mine.possible):
        yield f"names {listed(unmeant)}, which {main_is} does not. {_DATES}"


def _unequal_places(ours: str, theirs: str, names: Mapping[str, str], main_is: str) -> Iterator[str]:
    for name, there in _places(ours, theirs, names):
        yield f"must name {there} where {main_is} names {name}. {_PLACES}"
    turned = {there: name for name, there in names.items() if name != there}
    for there, name in _places(theirs, ours, turned):
        yield f"names {there}, but {main_is} does not name {name}. {_PLACES}"


_CURE = "Make them equal. Write times like 6pm or 18:00 in both, and numbers in digits."
_DATES = "Name the same days and months in both."
_PLACES = "Correct the one that is wrong, or ask an administrator to mend the list of names."


def tokens(text: str) -> Counter[str]:
    """Links, times as 24 hours, phone numbers as digits, and numbers: however each language writes them."""
    found: Counter[str] = Counter()

    def take(pattern: re.Pattern[str], rest: str, as_token: Callable[[re.Match[str]], str]) -> str:
        found.update(as_token(match) for match in pattern.finditer(rest))
        return pattern.sub(" ", rest)

    rest = take(_LINK, text, lambda m: m[0].rstrip(".,;:!?)"))
    rest = take(_TWELVE, rest, _clock)
    rest = take(_TWENTY_FOUR, rest, lambda m: f"{int(m[1]):02}:{m[2]}")
    rest = take(_MIDDAY, rest, lambda _: "12:00")
    rest = take(_MIDNIGHT, rest, lambda _: "00:00")
    rest = take(_PHONE, rest, lambda m: re.sub(r"[^\d+]", "", m[0]))
    take(_NUMBER, rest, lambda m: _plain(m[0]))
    return found


def _clock(match: re.Match[str]) -> str:
    hour = int(match[1]) % 12 + (12 if match[4] else 0)
    return f"{hour:02}:{match[2] or '00'}"


def _plain(number: str) -> str:
    """1,000 and 1.000 are one number, and so are 2.5 and 2,5."""
    if _THOUSANDS.fullmatch(number):
        return re.sub(r"[.,]", "", number)
    return number.replace(",", ".")


def _places(text: str, other: str, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Those that the text names and the other does not, the longest name first: Newport Road is not Newport."""
    rest = text
    for name in sorted(names, key=len, reverse=True):
        pattern = _any_of(name)
        if pattern.search(rest):
            rest = pattern.sub(" ", rest)
            if not _any_of(names[name]).search(other):
                yield name, names[name]


def with_names(text: str, names: Mapping[str, str]) -> str:
    """The text with each name that is known as the other language has it: as good as made-up facts can be translated."""
    for name in sorted(names, key=len, reverse=True):
        text = _any_of(name).sub(lambda _, there=names[name]: there, text)  # type: ignore[misc]
    return text


def _any_of(name: str) -> re.Pattern[str]:
    forms = sorted(forms_of(name), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, forms))})(?!\w)")


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)


_MIDDAY = _words(*(word for tongue in TONGUES.values() for word in tongue.middays))
_MIDNIGHT = _words(*(word for tongue in TONGUES.values() for word in tongue.midnights))


def _problem(fact: str, language: str, text: str) -> Finding:
    return Finding(
        code="languages_differ", level=Level.PROBLEM, where=f"{fact} ({named(language)})", text=text
    )
