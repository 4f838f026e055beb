"""The names of days and months in each language that can be spoken, as Unicode's CLDR has them."""

from collections.abc import Iterator, Sequence
from functools import cache

from babel import Locale

from broadcaster.domain.checks.dates import DateName

#: English as it is written here has other short names beside.
LOCALES = {"en": ("en", "en_GB")}


@cache
def date_names(language: str) -> Sequence[DateName]:
    """Whole and shortened, each once. Their meanings are the English names."""
    codes = LOCALES.get(language, (language,))
    return tuple(dict.fromkeys(name for code in codes for name in _of(Locale.parse(code))))


def _of(locale: Locale) -> Iterator[DateName]:
    english = Locale.parse("en")
    for is_day, mine, theirs in ((True, locale.days, english.days), (False, locale.months, english.months)):
        meanings = theirs["stand-alone"]["wide"]
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for no, text in mine[context][width].items():
                    yield DateName(
                        text=text.rstrip("."), meaning=meanings[no], is_day=is_day, whole=width == "wide"
                    )
