"""Mail addresses, phone numbers and dates of birth in a text for everybody. Those of the template are its own business.

All are warnings: a rest centre's number is exactly what people need, and only the officer knows whose number it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from broadcaster.domain.checks.finding import Finding, Level, at_most_one, masked

_MAX_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+'-")
_MAIL_HOST = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")

# UK numbers (not checked against Ofcom's plan): 0, then 1, 2, 3, 5, 7, 8 or 9, ten or eleven digits in all; E.164: at
# most fifteen. First groups have three digits or more, later ones two or more, but abroad: times and dates are written otherwise.
_APART = "[ \u00a0().\u2010\u2011-]{0,2}"
_PHONE = re.compile(
    r"(?<![\w+.])(?<!\w[-/])"
    rf"(?:\(?\+[1-9][0-9]{{0,14}}(?:(?: ?\(0\))?{_APART}[0-9]{{1,15}}){{0,7}}"
    rf"|(?:00[1-9][0-9]{{1,13}}|\(?0[1-35-9][0-9]{{1,9}})(?:{_APART}[0-9]{{2,15}}){{0,6}})"
)
_DIGITS = re.compile(r"[0-9]+")
_TRUNK = re.compile(r"\(0\)")
_NATIONAL, _ABROAD = range(10, 12), range(9, 16)

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_DATE = (
    rf"(?:{_DAY} {{0,2}}(?:of )?(?:{_MONTHS})[a-z]{{0,6}}\.?,? {{0,2}}[0-9]{{2,4}}"
    rf"|(?:{_MONTHS})[a-z]{{0,6}}\.? {_DAY},? [0-9]{{4}}"
    r"|[0-9]{1,2} ?[/.-] ?[0-9]{1,2} ?[/.-] ?[0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2})"
)
_BORN = re.compile(
    rf"(?<!\w)(?:born|d\.?o\.?b\.?|dates? of birth)(?!\w)[^0-9\n]{{0,20}}?{_DATE}(?!\w)", re.IGNORECASE
)

_MAIL_TEXT = (
    "has a mail address that is not the template's ({}). Take out a person's address; an office's can stay if somebody "
    "reads it now."
)
_PHONE_TEXT = (
    "has a phone number that is not the template's ({}). Take out a person's number; ring any other one now to be sure "
    "that it is right and answered."
)
_BORN_TEXT = "has a date of birth ({}). Give the age instead: the date helps those who steal identities."


def check_personal_data(text: str, where: str, *, own: Iterable[str] = ()) -> Iterator[Finding]:
    """`own` are texts whose addresses and numbers may stand anywhere: the template's wording and its contact."""
    known = list(own)
    mails = _strangers((mail.lower() for mail in mail_addresses(text)), _all(mail_addresses, known))
    phones = list(phone_numbers(text, own=known_numbers(known)))
    born = [f"{match[0][:4]}...{match[0][-2:]}" for match in _BORN.finditer(text)]
    yield from at_most_one("mail_address", Level.WARNING, where, mails, _MAIL_TEXT)
    yield from at_most_one("phone_number", Level.WARNING, where, [masked(n) for n in phones], _PHONE_TEXT)
    yield from at_most_one("date_of_birth", Level.WARNING, where, born, _BORN_TEXT)


def _strangers(found: Iterable[str], own: Iterable[str]) -> list[str]:
    known = {each.lower() for each in own}
    return [f"{mail[:2]}...@{mail.rpartition('@')[2]}" for mail in found if mail not in known]


def _all(read: Callable[[str], Iterator[str]], texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from read(text)


def mail_addresses(text: str) -> Iterator[str]:
    """Looked for from each @ outwards: from the left, a long word without one would be read again at each letter."""
    place = text.find("@")
    while place >= 0:
        start = place
        while start > max(0, place - _MAX_LOCAL) and text[start - 1] in _LOCAL:
            start -= 1
        host = _MAIL_HOST.match(text, place + 1)
        if host and start < place and text[max(0, start - 2) : start] != "//":  # that is a link with a user
            yield text[start : host.end()].lstrip(".'")
        place = text.find("@", place + 1)


def phone_numbers(text: str, *, own: frozenset[str] = frozenset()) -> Iterator[str]:
    """National or international numbers in one spelling, those of `own` (same spelling) left out.

    Emergency and helpline numbers of few digits (999, 105, 0800 1111) name nobody and are not found.
    """
    place = 0
    while match := _PHONE.search(text, place):
        ends = {end: number for number, end in _readings(text, match) if number}
        place = max(ends, default=match.end())
        known = [end for end, number in ends.items() if number in own]
        if known:
            place = max(known)
        elif ends:
            yield ends[place]


def known_numbers(own: Iterable[str]) -> frozenset[str]:
    """The phone numbers of these texts, in the spelling of `phone_numbers`."""
    return frozenset(_all(phone_numbers, own))


def _readings(text: str, match: re.Match[str]) -> Iterator[tuple[str, int]]:
    """What the number could be, with where it ends: the next thing in the text may be a number as well."""
    plain = _TRUNK.sub("   ", match[0])
    digits, abroad = "", "+" in plain[:2]
    for group in _DIGITS.finditer(plain):
        digits += group[0]
        end = match.start() + group.end()
        if end < len(text) and text[end].isalnum():
            continue
        if abroad or digits.startswith("00"):
            number = digits if abroad else digits[2:]
            yield (_national(number) if len(number) in _ABROAD else ""), end
        else:
            yield (digits if len(digits) in _NATIONAL else ""), end


def _national(number: str) -> str:
    return f"0{number[2:]}" if number.startswith("44") else f"+{number}"
