"""Numbers that name one person: National Insurance, NHS, payment card. Found by their checksums and allotted prefixes,
so that a road, a time or a case number is not taken for one.
"""

import re
from collections.abc import Collection, Iterator

from broadcaster.domain.checks.digits import Run, rows, runs_from
from broadcaster.domain.checks.finding import Finding, Level, at_most_one, masked

# HMRC, National Insurance Manual NIM39110 (gov.uk/hmrc-internal-manuals, stored copy): two letters, six digits, A-D.
# D, F, I, Q, U, V are never used, O not second, and seven pairs were never allotted.
_GAP = "[ \u00a0-]"
_NI = (
    r"(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]"
    rf"{_GAP}?(?:[0-9]{{6}}(?:[A-D]|{_GAP}(?!A [a-z])[A-D])"  # "SD 334124 A tree is down" is a place and an article
    rf"|[0-9]{{2}}{_GAP}[0-9]{{2}}{_GAP}[0-9]{{2}}{_GAP}?[A-D])"
)
_NI_NUMBER = re.compile(rf"(?<![A-Za-z0-9])(?:{_NI})(?![A-Za-z0-9])")
_NI_SMALL = re.compile(
    r"(?<![A-Za-z0-9])(?!bg|gb|kn|nk|nt|tn|zz)[abceghj-prstw-z][abceghj-nprstw-z][0-9]{6}[a-d](?![A-Za-z0-9])"
)

_NHS_SHAPES = frozenset({(10,), (3, 3, 4)})
#: How many digits a number in any of these shapes may begin with.
_FIRST = frozenset({3, 4, 10, *range(13, 20)})
_NHS_LABEL = re.compile(r"\b(?:NHS|CHI|H&C)\b", re.IGNORECASE)
_LABEL_REACH = 30

#: Most brands, those of 19 digits, American Express, Diners Club. Any other grouping is a list of something.
_CARD_GROUPS = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4)})

_NI_TEXT = "has what is a National Insurance number ({}). Take it out: it must not be published."
_NHS_TEXT = "has what is an NHS number ({}). Take it out: it must not be published."
_NHS_BARE_TEXT = "has a number that has the checksum of an NHS number ({}). Take it out if it is one; a case number can stay."
_CARD_TEXT = (
    "has what is a payment card's number ({}). Take it out: it must not be published. If these are several numbers, "
    "put commas between them."
)


def check_identity_numbers(text: str, where: str, *, phones: Collection[str] = ()) -> Iterator[Finding]:
    """National Insurance and card numbers, and NHS numbers that look like one; a bare ten digits are a warning only,
    because one case number in eleven has the checksum by chance, and a warning of a flood must not wait for that.
    `phones` are known to be phone numbers, in national digits.
    """
    insurance = [masked(m[0]) for pattern in (_NI_NUMBER, _NI_SMALL) for m in pattern.finditer(text)]
    nhs, bare, cards = [], [], []
    for kind, run in _numbers(text):
        if kind == "card":
            cards.append(masked(run.digits))
        elif run.shape != (10,) or _is_labelled(text, run):
            nhs.append(masked(run.digits))
        elif run.digits not in phones:
            bare.append(masked(run.digits))
    yield from at_most_one("national_insurance_number", Level.PROBLEM, where, insurance, _NI_TEXT)
    yield from at_most_one("nhs_number", Level.PROBLEM, where, nhs, _NHS_TEXT)
    yield from at_most_one("perhaps_nhs_number", Level.WARNING, where, bare, _NHS_BARE_TEXT)
    yield from at_most_one("payment_card", Level.PROBLEM, where, cards, _CARD_TEXT)


def _numbers(text: str) -> Iterator[tuple[str, Run]]:
    for row in rows(text):
        skip = 0  # groups that belong to a number already found
        for first in range(len(row)):
            if skip:
                skip -= 1
                continue
            if len(row[first][0]) not in _FIRST or _is_part_of_a_code(text, row[first].start()):
                continue
            for run in runs_from(row, first):
                if kind := _kind(run):
                    yield kind, run
                    skip = len(run.shape) - 1
                    break


def _kind(run: Run) -> str:
    if is_card(run):
        return "card"
    return "nhs" if run.shape in _NHS_SHAPES and is_nhs(run.digits) else ""


def _is_part_of_a_code(text: str, start: int) -> bool:
    """`REF9434765919`, `LC-9434765919`, `+44...`: codes and phone numbers, not numbers by themselves."""
    before = text[max(0, start - 2) : start]
    return before[-1:].isalnum() or before[-1:] in {"_", "+"} or (before[-1:] == "-" and before[:1].isalnum())


def _is_labelled(text: str, run: Run) -> bool:
    return bool(_NHS_LABEL.search(text, max(0, run.start - _LABEL_REACH), run.start))


def is_nhs(digits: str) -> bool:
    """Ten digits with the check digit of modulus 11 (NHS Data Dictionary, NHS NUMBER, stored copy)."""
    if len(digits) != 10 or digits == "0" * 10:
        return False
    check = 11 - sum(int(d) * weight for d, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check % 11 == int(digits[9])  # a check of 10 is no digit: such numbers are never given out


def is_card(run: Run) -> bool:
    """In one piece or as cards are printed, of an issuer's range, with the Luhn digit (ISO/IEC 7812-1)."""
    if len(run.shape) > 1 and run.shape not in _CARD_GROUPS:
        return False
    return _is_issued(run.digits) and luhn(run.digits)


def luhn(digits: str) -> bool:
    doubled = sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (doubled + sum(int(d) for d in digits[-1::-2])) % 10 == 0


def _is_issued(digits: str) -> bool:
    """Ranges of the brands that people in the UK carry (known ranges; not checked against a list)."""
    length, two, four = len(digits), digits[:2], int(digits[:4] or 0)
    if two[:1] == "4":
        return length in {13, 16, 19}
    if "51" <= two <= "55" or 2221 <= four <= 2720:
        return length == 16
    if two in {"34", "37"}:
        return length == 15
    if two in {"30", "36", "38", "39"}:
        return length == 14
    return 16 <= length <= 19 and (two in {"35", "62", "65"} or four == 6011)
