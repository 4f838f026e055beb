"""Reading a CSV of phone numbers: its encoding, its layout, its good rows; and a report of the others.

It knows files and phone numbers, and nothing of databases.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, TextIO

import charset_normalizer
import phonenumbers
from phonenumbers import ValidationResult

from broadcaster.domain.audience import (
    MAX_LINE_CHARS,
    ImportedRow,
    Layout,
    RowProblem,
    find_layout,
    read_rows,
)
from broadcaster.domain.errors import Invalid, Unavailable

EXAMPLES = 20
SAMPLE_LINES = 200  # from which delimiter, header and columns are told
BLOCK_BYTES = 1 << 20

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls
# The commonest first. One byte per character, and ASCII as it is: a wrong guess spoils a name, which is not kept, but never a number.
_OLD_ENCODINGS = ["cp1252", "latin_1", "iso8859_15", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253"]
_OLD_ENCODINGS += ["cp1254", "cp1255", "cp1256", "cp1257", "mac_roman", "cp437", "cp850"]

#: Copied along from address books.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_TEXT_MARKS = re.compile(r"""^="?|^'|"$|\.0+$""")  # ="0770...", '0770... and 4477....0, as spreadsheets write
_MANGLED = re.compile(r"[+-]?\d([.,]\d+)?E\+?\d+", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_IMPOSSIBLE = {
    ValidationResult.TOO_SHORT: "is too short",
    ValidationResult.TOO_LONG: "is too long",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "is too short or lacks its area code",
    ValidationResult.INVALID_COUNTRY_CODE: "has a country code that does not exist",
    ValidationResult.INVALID_LENGTH: "has a length that no number of its country has",
}


class ImportReport:
    """Counts the rows and what was wrong with some; writes each of those down, and keeps the first."""

    def __init__(self, file: TextIO | None) -> None:
        self.rows = 0
        self.examples: tuple[RowProblem, ...] = ()
        self._counts: Counter[str] = Counter()
        self._writer = csv.writer(file) if file else None
        self._write("row", "reason")

    def problem(self, row: int, reason: str) -> None:
        self._note("problems", row, reason)

    def duplicate(self, row: ImportedRow) -> None:
        self._note("duplicates", row.row, f"the number{_ending(row.number)} stands in an earlier row already")

    def remark(self, row: int, reason: str) -> None:
        self._note("remarks", row, reason)

    def counts(self) -> dict[str, int]:
        return {kind: self._counts[kind] for kind in ("problems", "duplicates", "remarks")}

    def _note(self, kind: str, row: int, reason: str) -> None:
        self._counts[kind] += 1
        if len(self.examples) < EXAMPLES:
            self.examples += (RowProblem(row=row, reason=reason),)
        self._write(row, reason)

    def _write(self, row: int | str, reason: str) -> None:
        if self._writer:
            self._writer.writerow([row, reason])


def read_table(
    file: TextIO, region: str, column: str, report: ImportReport
) -> tuple[Layout, Iterator[ImportedRow]]:
    """How the file is laid out, and its good rows. The others go to the report while those are read."""
    lines = _lines(file)
    head = list(islice(lines, SAMPLE_LINES))
    layout = find_layout(head, partial(_is_number, region=region), column)
    return layout, _good_rows(chain(head, lines), layout, region, report)


def _good_rows(
    lines: Iterable[str], layout: Layout, region: str, report: ImportReport
) -> Iterator[ImportedRow]:
    for no, cells in read_rows(lines, layout.delimiter):
        if no <= layout.header_row:
            continue
        report.rows += 1
        try:
            fitting = _fitting(cells, layout)
            number = e164(fitting[layout.number_at], region)
        except ValueError as error:
            report.problem(no, str(error))
            continue
        language = fitting[layout.language_at].strip() if layout.language_at is not None else ""
        if language and (len(language) > 16 or not _LANGUAGE.fullmatch(language)):
            report.remark(no, "the language is not a code such as en or cy; the number was kept without it")
            language = ""
        yield ImportedRow(row=no, number=number, language=language)


def _fitting(cells: list[str] | str, layout: Layout) -> list[str]:
    """The cells of a row that has the right number of them. ValueError with the reason for another."""
    if isinstance(cells, str):
        raise ValueError(cells)  # noqa: TRY004 - it is the reason, from the reader
    if not any(map(str.strip, cells)):
        raise ValueError("the row is empty")
    if len(cells) < layout.width or any(map(str.strip, cells[layout.width :])):
        raise ValueError(f"the row has {len(cells)} columns instead of {layout.width}")
    return cells


def e164(cell: str, region: str) -> str:
    """The number as +447700900123. ValueError with the reason, which shows three digits of it at most."""
    text = _TEXT_MARKS.sub("", _INVISIBLE.sub("", cell).strip())
    if not text:
        raise ValueError("there is no phone number in the row")
    if _MANGLED.fullmatch(text):
        raise ValueError(
            "a spreadsheet has turned the number into a power of ten (such as 7.7E+11) and lost its digits; "
            "give the column the format Text there and export again"
        )
    if _LETTER.search(text):
        raise ValueError("there are letters among the digits of the phone number")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"the value{_ending(text)} is not a phone number") from error
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != ValidationResult.IS_POSSIBLE:
        raise ValueError(f"the number{_ending(text)} {_IMPOSSIBLE[possible]}")
    if number.extension:
        raise ValueError(f"the number{_ending(text)} has an extension, which gets no text messages")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_number(cell: str, region: str) -> bool:
    try:
        return bool(e164(cell, region))
    except ValueError:
        return False


def _ending(text: str) -> str:
    """For reasons: the last three digits, unless that is most of the number."""
    digits = re.sub(r"\D", "", text)
    return f" ending in {digits[-3:]}" if len(digits) > 6 else ""


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The file as text. Invalid where it cannot be read or is no CSV."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise Invalid(f"{path} cannot be read ({error.strerror}). Nothing was imported.") from error
    with raw:
        try:
            encoding = _encoding(raw)
            raw.seek(0)
            yield io.TextIOWrapper(raw, encoding, errors="replace")
        except OSError as error:
            raise Unavailable(
                f"A file could not be read or written ({error}). Nothing was imported."
            ) from error


@contextmanager
def written(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise Invalid(f"{path} cannot be written ({error.strerror}). Nothing was imported.") from error
    with file:
        yield file


def _encoding(file: BinaryIO) -> str:
    """By its byte order mark, by its zero bytes, by reading it all as UTF-8, or else guessed from a sample."""
    head = file.read(8192)
    if not head:
        raise Invalid("The file is empty. Nothing was imported.")
    if head.startswith(_SPREADSHEETS):
        raise Invalid("This is a spreadsheet, not a CSV. Nothing was imported. Save it as CSV (UTF-8) first.")
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[first::2].count(0) > len(head) // 4:
            return encoding
    sample = _not_utf8(file)
    return _old_encoding(head + sample) if sample else "utf-8"


def _old_encoding(sample: bytes) -> str:
    """Of the encodings in which the sample looks least garbled, the commonest here."""
    matches = list(charset_normalizer.from_bytes(sample, cp_isolation=_OLD_ENCODINGS))
    least = min((match.chaos for match in matches), default=0.0)
    fitting = {name for match in matches if match.chaos == least for name in match.could_be_from_charset}
    return next((name for name in _OLD_ENCODINGS if name in fitting), "cp1252")


def _not_utf8(file: BinaryIO) -> bytes:
    """Some bytes around the first that is not UTF-8; empty where all are."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    block = b""
    try:
        while block := file.read(BLOCK_BYTES):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return error.object[max(0, error.start - 4096) : error.start + 4096]
    return b""


def _lines(file: TextIO) -> Iterator[str]:
    """Lines of at most MAX_LINE_CHARS: the rest of a longer one is dropped, so that it takes no memory."""
    while line := file.readline(MAX_LINE_CHARS):
        yield line
        while line and not line.endswith("\n") and len(line) == MAX_LINE_CHARS:
            line = file.readline(MAX_LINE_CHARS)
