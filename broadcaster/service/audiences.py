"""Audiences: importing a CSV of phone numbers of any size into a new, immutable version, and looking audiences up."""

import codecs
import csv
import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, TextIO

import charset_normalizer
import phonenumbers
from phonenumbers import ValidationResult

from broadcaster.db import audiences, audit_log
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.audience import (
    MAX_LINE_CHARS,
    AudienceSummary,
    AudienceVersion,
    ImportedRow,
    ImportOutcome,
    ImportProgress,
    ImportResult,
    Layout,
    Provenance,
    RowProblem,
    find_layout,
    read_rows,
)
from broadcaster.domain.errors import Invalid, NotFound, Problem, Stale, Unavailable
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require

CHUNK = 5_000  # rows per transaction: others never wait long for a write
SAMPLE_LINES = 200  # from which delimiter, header and columns are told
EXAMPLES = 20
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

_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)  # copied along from address books
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


class Audiences:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def import_csv(
        self,
        *,
        actor: Person,
        name: str,
        path: Path,
        source: str = "",
        lawful_basis: str = "",
        purpose: str = "",
        review_on: str = "",
        region: str = "GB",
        column: str | None = None,
        on_progress: Callable[[ImportProgress], None] | None = None,
        problems_to: Path | None = None,
    ) -> ImportResult:
        """Takes the good rows into a new version and names each other row; `problems_to` gets all of those, as CSV.

        Numbers without a country code are read as `region`'s, with or without their leading zero, which
        spreadsheets drop. Invalid where there is no good row. All of it is imported or nothing: an import that breaks
        off is taken back at once, or by the next import.
        """
        require(actor.name, actor.roles, Action.IMPORT)
        _check(name, review_on, region)
        provenance = Provenance(
            source=source, lawful_basis=lawful_basis, purpose=purpose, review_on=review_on
        )
        with _opened(path) as file, _written(problems_to) as log:
            report = _Report(log)
            layout, rows = _table(file, region, column or "", report)
            with self._unsealed_version(actor, name, provenance) as new:
                while chunk := list(islice(rows, CHUNK)):
                    new.add(chunk, report)
                    if on_progress:
                        on_progress(_progress(file, report, new))
                if not new.size:
                    raise _no_numbers(path, layout, report)
                return self._seal(actor, name, new, report, encoding=file.encoding, column=layout.column)

    def list(self) -> Sequence[AudienceSummary]:
        """Audiences that can be used, by name."""
        with self._database.read() as tx:
            return audiences.summaries(tx)

    def latest(self, name: str) -> AudienceVersion:
        with self._database.read() as tx:
            return latest(tx, name)

    @contextmanager
    def _unsealed_version(self, actor: Person, name: str, provenance: Provenance) -> "Iterator[_NewVersion]":
        """Leaves nothing behind unless it was sealed. What earlier imports of this audience left is removed first."""
        with self._database.write() as tx:
            stale = audiences.unsealed_versions(tx, audiences.ensure_audience(tx, name))
        for version_id in stale:
            self._remove(version_id)
        with self._database.write() as tx:
            audience_id = audiences.ensure_audience(tx, name)
            new = audiences.insert_version(tx, audience_id, imported_by=actor.id, provenance=provenance)
        try:
            yield _NewVersion(self._database, self._vault, new)
        finally:
            with suppress(Problem):  # what cannot be removed now cannot be used, and goes at the next import
                self._remove(new)

    def _remove(self, version_id: int) -> None:
        """In short steps, as others wait to write. A sealed version stays."""
        removed = 1
        while removed:
            with self._database.write() as tx:
                removed = audiences.delete_some_unsealed(tx, version_id)
        with self._database.write() as tx:
            audiences.delete_unsealed(tx, version_id)

    def _seal(
        self, actor: Person, name: str, new: "_NewVersion", report: "_Report", *, encoding: str, column: str
    ) -> ImportResult:
        with self._database.read() as tx:
            before = audiences.latest_version(tx, name)
            shared = audiences.in_both(tx, new.id, before.id) if before else 0
            nothing_new = before is not None and new.is_same_as(tx, before)
            sealed = before if before and nothing_new else audiences.version_by_id(tx, new.id)
        result = ImportResult(
            outcome=ImportOutcome.NOTHING_NEW if nothing_new else ImportOutcome.NEW_VERSION,
            audience=name,
            version=sealed.no,
            sha256=new.sha256.hexdigest(),
            count=new.size,
            added=new.size - shared,
            removed=before.size - shared if before else 0,
            **report.counts(),
            examples=report.examples,
            encoding=encoding,
            column=column,
        )
        if not nothing_new:
            new.seal(actor, result)
        return result


def latest(tx: Tx, name: str) -> AudienceVersion:
    """The newest version of an audience that can be used. NotFound, with the nearest name, where there is none."""
    found = audiences.latest_version(tx, name)
    if found is None:
        raise NotFound(f'There is no audience "{name}".{did_you_mean(name, audiences.names(tx))}')
    return found


class _NewVersion:
    """An unsealed version that is being filled."""

    def __init__(self, database: Database, vault: Vault, version_id: int) -> None:
        self.id, self.size, self.sha256 = version_id, 0, hashlib.sha256()
        self._database, self._vault = database, vault

    def add(self, chunk: Iterable[ImportedRow], report: "_Report") -> None:
        """One transaction. A number that is there already is reported, not added."""
        indexed = [(self._vault.index(row.number), row) for row in chunk]
        with self._changing() as tx:
            known = audiences.known_numbers(tx, self.id, {index for index, _ in indexed})
            fresh: dict[bytes, ImportedRow] = {}
            for index, row in indexed:
                if index in known or index in fresh:
                    report.duplicate(row)
                else:
                    fresh[index] = row
            if fresh:
                audiences.insert_recipients(
                    tx, [self._record(i, *each) for i, each in enumerate(fresh.items(), 1)]
                )
        self.sha256.update(b"".join(fresh))
        self.size += len(fresh)

    def is_same_as(self, tx: Tx, other: AudienceVersion) -> bool:
        same_numbers = (self.sha256.hexdigest(), self.size) == (other.sha256, other.size)
        return same_numbers and audiences.same_languages(tx, self.id, other.id)

    def seal(self, actor: Person, result: ImportResult) -> None:
        counts = ("version", "count", "added", "removed", "problems", "duplicates", "remarks", "sha256")
        payload = {name: getattr(result, name) for name in counts}
        with self._changing() as tx:
            audiences.seal_version(tx, self.id, sha256=result.sha256, size=self.size)
            audit_log.append(
                tx, actor=actor.name, act="audience_imported", subject=result.audience, payload=payload
            )

    @contextmanager
    def _changing(self) -> Iterator[Tx]:
        with self._database.write() as tx:
            if not audiences.lock_unsealed(tx, self.id):
                raise Stale(
                    "Another import of this audience was started, which stopped this one. Nothing of this one was kept."
                )
            yield tx

    def _record(self, offset: int, index: bytes, row: ImportedRow) -> dict[str, object]:
        return {
            "audience_version_id": self.id,
            "ordinal": self.size + offset,
            "number_index": index,
            "number_sealed": self._vault.seal(row.number, index),
            "language": row.language,
        }


class _Report:
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


def _progress(file: TextIO, report: _Report, new: _NewVersion) -> ImportProgress:
    descriptor = file.fileno()
    read, total = os.lseek(descriptor, 0, os.SEEK_CUR), os.fstat(descriptor).st_size
    return ImportProgress(rows=report.rows, kept=new.size, bytes_read=read, bytes_total=total)


def _no_numbers(path: Path, layout: Layout, report: _Report) -> Invalid:
    return Invalid(
        f"No phone number was found in column {layout.column} of {path.name}. Nothing was imported. "
        "Mend the file, or name another column with --column.",
        details=tuple(f"row {each.row}: {each.reason}" for each in report.examples),
    )


def _check(name: str, review_on: str, region: str) -> None:
    if not name.strip() or name != name.strip() or len(name) > 64 or not name.isprintable():
        raise Invalid("An audience's name has 1 to 64 characters, without spaces at its ends.")
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise Invalid(f'"{region}" is not a country. Give its two letters, such as GB.')
    try:
        date.fromisoformat(review_on or "2026-01-01")
    except ValueError as error:
        raise Invalid(f'The review date "{review_on}" is not a date. Give one such as 2027-03-31.') from error


# --- reading the file ---------------------------------------------------------------------------------------


def _table(file: TextIO, region: str, column: str, report: _Report) -> tuple[Layout, Iterator[ImportedRow]]:
    """How the file is laid out, and its good rows. The others go to the report while those are read."""
    lines = _lines(file)
    head = list(islice(lines, SAMPLE_LINES))
    layout = find_layout(head, partial(_is_number, region=region), column)
    return layout, _good_rows(chain(head, lines), layout, region, report)


def _good_rows(lines: Iterable[str], layout: Layout, region: str, report: _Report) -> Iterator[ImportedRow]:
    for no, cells in read_rows(lines, layout.delimiter):
        if no <= layout.header_row:
            continue
        report.rows += 1
        try:
            fitting = _fitting(cells, layout)
            number = _e164(fitting[layout.number_at], region)
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


def _e164(cell: str, region: str) -> str:
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
        return bool(_e164(cell, region))
    except ValueError:
        return False


def _ending(text: str) -> str:
    """For reasons: the last three digits, unless that is most of the number."""
    digits = re.sub(r"\D", "", text)
    return f" ending in {digits[-3:]}" if len(digits) > 6 else ""


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
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
def _written(path: Path | None) -> Iterator[TextIO | None]:
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
