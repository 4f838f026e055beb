"""An audience and its import: the values, and reading rows and columns out of the lines of a table.

It knows no files, no encodings and no phone numbers: whoever calls says what a number is.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice

from broadcaster.domain.errors import Invalid
from broadcaster.domain.names import did_you_mean

MAX_LINE_CHARS = 10_000
MAX_LINES_PER_ROW = 10  # a quoted cell may span lines; one that never ends must not swallow the file
DELIMITERS = ",;\t|"

#: Names of the column with the numbers, the best first; compared in lower case, signs as spaces.
NUMBER_COLUMNS = (
    *("mobile", "mobile number", "mobile phone", "mobile no", "mobile phone number", "cell", "cell phone"),
    *("msisdn", "phone", "phone number", "phone no", "telephone", "telephone number", "telephone no"),
    *("tel", "tel no", "tel number", "contact number", "contact no", "contact", "number", "sms"),
)
LANGUAGE_COLUMNS = ("language", "language code", "preferred language", "lang", "locale")


@dataclass(frozen=True, kw_only=True)
class AudienceVersion:
    """A sealed version. `sha256` is over the marks of its numbers, in the order of the file. `size` includes those who
    were erased since. A wiped one holds no numbers any more and cannot be used."""

    id: int
    uid: str
    name: str
    no: int
    sha256: str
    size: int
    wiped_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Why we may hold these numbers. `review_on` is an ISO date or empty."""

    source: str = ""
    lawful_basis: str = ""
    purpose: str = ""
    review_on: str = ""


@dataclass(frozen=True, kw_only=True)
class AudienceSummary(Provenance):
    """The newest version of an audience. `count` is without those who were erased since."""

    name: str
    version: int
    count: int
    erased: int
    imported_at: datetime
    imported_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedRow:
    """`row` is the line in the file, from 1; `number` is E.164; `language` a code such as `cy`, or empty."""

    row: int
    number: str
    language: str


@dataclass(frozen=True, kw_only=True)
class RowProblem:
    """`reason` never holds a whole number: at most its last three digits."""

    row: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ImportProgress:
    """How far an import has come. `rows` were read, of which `kept` were taken."""

    rows: int
    kept: int
    bytes_read: int
    bytes_total: int


class ImportOutcome(StrEnum):
    NEW_VERSION = "new version"
    NOTHING_NEW = "nothing new"  #: the newest version has these numbers and languages already


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What became of a file. `added` and `removed` compare with the version before, by number.

    `problems` counts rows left out, `duplicates` later rows of a number that was there already, and `remarks` rows
    that were kept without their language. `examples` are the first of all three.
    """

    outcome: ImportOutcome
    audience: str
    version: int
    sha256: str
    count: int
    added: int
    removed: int
    problems: int
    duplicates: int
    remarks: int
    examples: tuple[RowProblem, ...]
    encoding: str
    column: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a table is laid out. Data begin after line `header_row`, which is 0 where there is no header.

    `column` is what people call the column of the numbers: its name, or its place from 1.
    """

    delimiter: str
    header_row: int
    width: int
    column: str
    number_at: int
    language_at: int | None


def find_layout(lines: Sequence[str], is_number: Callable[[str], bool], column: str = "") -> Layout:
    """From the first lines of a file. Invalid, saying what to do, where no column of numbers can be told."""
    told = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None  # what Excel writes and reads
    delimiter = told[1] if told else _delimiter(lines)
    rows = [
        (no, c) for no, c in read_rows(lines, delimiter) if isinstance(c, list) and any(map(str.strip, c))
    ]
    rows = rows[1:] if told else rows
    if not rows:
        raise Invalid("The file holds no rows. Nothing was imported. Export it again.")
    header_row, first = rows[0]
    has_header = not any(sum(map(str.isdecimal, cell)) > 4 for cell in first)
    header = [cell.strip() for cell in first] if has_header else []
    data = [cells for _, cells in rows[1 if has_header else 0 :]]
    number_at = _number_column(header, data, is_number, column)
    return Layout(
        delimiter=delimiter,
        header_row=header_row if has_header else int(bool(told)),
        width=len(header) or Counter(map(len, data)).most_common(1)[0][0],
        column=header[number_at] if header else str(number_at + 1),
        number_at=number_at,
        language_at=_named(header, LANGUAGE_COLUMNS),
    )


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that cuts the most lines into the same number of cells, and into the most cells."""

    def evenness(sign: str) -> tuple[int, int]:
        widths = Counter(len(cells) for _, cells in read_rows(lines, sign) if isinstance(cells, list))
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        return (times, width) if width > 1 else (0, 1)

    return max(DELIMITERS, key=evenness)


def _number_column(
    header: Sequence[str], data: Sequence[Sequence[str]], is_number: Callable[[str], bool], column: str
) -> int:
    if column:
        return _chosen(header, column, max(map(len, data), default=len(header)))
    named = _named(header, NUMBER_COLUMNS)
    if named is not None:
        return named
    found: Counter[int] = Counter()
    for cells in data:
        for at, cell in enumerate(cells):
            if is_number(cell):  # customer numbers look like numbers too, but begin with neither + nor 0
                found[at] += 2 if cell.strip().startswith(("+", "0", "(")) else 1
    if not found:
        raise Invalid(
            "No column with phone numbers was found. Nothing was imported. Name the column that holds them."
        )
    return found.most_common(1)[0][0]


def _chosen(header: Sequence[str], column: str, width: int) -> int:
    names = [name.casefold() for name in header]
    if column.strip().casefold() in names:
        return names.index(column.strip().casefold())
    if column.isdecimal() and 1 <= int(column) <= width:
        return int(column) - 1
    if header:
        raise Invalid(f'There is no column "{column}". Nothing was imported.{did_you_mean(column, header)}')
    raise Invalid(f"The file has no header row. Nothing was imported. Give a column's place, 1 to {width}.")


def _named(header: Sequence[str], wanted: Sequence[str]) -> int | None:
    names = [re.sub(r"[\W_]+", " ", name).strip().casefold() for name in header]
    return next((names.index(name) for name in wanted if name in names), None)


class _Lines(Iterator[tuple[int, str]]):
    """Numbered lines that can be put back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._back = enumerate(lines, start=1), deque[tuple[int, str]]()

    def __next__(self) -> tuple[int, str]:
        return self._back.popleft() if self._back else next(self._lines)

    def put_back(self, lines: Sequence[tuple[int, str]]) -> None:
        self._back.extendleft(reversed(lines))


def read_rows(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each row's line number with its cells, or with the reason why it has none.

    A quote that is never closed costs its own row only: the lines behind it are read again as rows.
    """
    source = _Lines(lines)
    for no, line in source:
        if len(line) >= MAX_LINE_CHARS:
            yield no, f"the row is longer than {MAX_LINE_CHARS:,} characters"
        elif "\0" in line:
            yield no, "there is a NUL byte in the row"
        elif '"' in line:
            yield no, _quoted(line, source, delimiter)
        else:
            yield no, line.rstrip("\n").split(delimiter)


def _quoted(line: str, source: _Lines, delimiter: str) -> list[str] | str:
    further: list[tuple[int, str]] = []

    def feed() -> Iterator[str]:
        yield line
        for each in islice(source, MAX_LINES_PER_ROW - 1):
            further.append(each)
            yield each[1]

    try:
        return next(csv.reader(feed(), delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error:
        source.put_back(further)
        return "the quotation marks in the row do not pair up"
