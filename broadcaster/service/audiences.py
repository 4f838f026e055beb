"""Audiences: importing a CSV of phone numbers of any size into a new, immutable version, and looking audiences up."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import phonenumbers

from broadcaster.db import audiences, audit_log
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.audience import (
    AudienceSummary,
    AudienceVersion,
    ImportedRow,
    ImportOutcome,
    ImportProgress,
    ImportResult,
    Layout,
    Provenance,
)
from broadcaster.domain.erasure import SALT_BYTES, mark
from broadcaster.domain.errors import Invalid, NotFound, Problem, Stale
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require
from broadcaster.service.audience_file import ImportReport, opened, read_table, written

CHUNK = 5_000  # rows per transaction: others never wait long for a write
KEPT_OUT_ROW = "this person was erased and asked not to be taken in again"


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
        called: str = "",
        on_progress: Callable[[ImportProgress], None] | None = None,
        problems_to: Path | None = None,
    ) -> ImportResult:
        """Takes the good rows into a new version and names each other row; `problems_to` gets all of those, as CSV.

        Numbers without a country code are read as `region`'s, with or without their leading zero, which
        spreadsheets drop. `called` is what the person calls the file, where `path` is a copy. Invalid where there is no good row. All of it is imported or nothing: an import that breaks
        off is taken back at once, or by the next import.
        """
        require(actor.name, actor.roles, Action.IMPORT)
        _check(name, review_on, region)
        provenance = Provenance(
            source=source, lawful_basis=lawful_basis, purpose=purpose, review_on=review_on
        )
        with opened(path) as file, written(problems_to) as log:
            report = ImportReport(log)
            layout, rows = read_table(file, region, column or "", report)
            with self._unsealed_version(actor, name, provenance) as new:
                while chunk := list(islice(rows, CHUNK)):
                    new.add(chunk, report)
                    if on_progress:
                        on_progress(_progress(file, report, new))
                if not new.size:
                    raise _no_numbers(called or path.name, layout, report)
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
        self,
        actor: Person,
        name: str,
        new: "_NewVersion",
        report: ImportReport,
        *,
        encoding: str,
        column: str,
    ) -> ImportResult:
        with self._database.read() as tx:
            before = audiences.latest_version(tx, name)
            shared = audiences.in_both(tx, new.id, before.id) if before else 0
            nothing_new = before is not None and new.is_same_as(tx, before, shared)
            sealed = before if before and nothing_new else audiences.version_by_id(tx, new.id)
        result = ImportResult(
            outcome=ImportOutcome.NOTHING_NEW if nothing_new else ImportOutcome.NEW_VERSION,
            audience=name,
            version=sealed.no,
            sha256=before.sha256 if before and nothing_new else new.sha256.hexdigest(),
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

    def add(self, chunk: Iterable[ImportedRow], report: ImportReport) -> None:
        """One transaction. A number that is there already, or is to be kept out, is reported and not added."""
        indexed = [(self._vault.index(row.number), row) for row in chunk]
        indexes = {index for index, _ in indexed}
        with self._changing() as tx:
            known = audiences.known_numbers(tx, self.id, indexes)
            kept_out = audiences.kept_out(tx, indexes)
            fresh: dict[bytes, ImportedRow] = {}
            for index, row in indexed:
                if index in kept_out:
                    report.problem(row.row, KEPT_OUT_ROW)
                elif index in known or index in fresh:
                    report.duplicate(row)
                else:
                    fresh[index] = row
            records = [self._record(i, *each) for i, each in enumerate(fresh.items(), 1)]
            if records:
                audiences.insert_recipients(tx, records)
        self.sha256.update(b"".join(mark(row["number_index"], row["salt"]) for row in records))
        self.size += len(records)

    def is_same_as(self, tx: Tx, other: AudienceVersion, shared: int) -> bool:
        """By the numbers, in whatever order: each version has salts, and so a digest, of its own."""
        same_numbers = self.size == other.size == shared
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

    def _record(self, offset: int, index: bytes, row: ImportedRow) -> dict[str, Any]:
        return {
            "audience_version_id": self.id,
            "ordinal": self.size + offset,
            "number_index": index,
            "number_sealed": self._vault.seal(row.number, index),
            "salt": os.urandom(SALT_BYTES),
            "language": row.language,
        }


def _progress(file: TextIO, report: ImportReport, new: _NewVersion) -> ImportProgress:
    descriptor = file.fileno()
    read, total = os.lseek(descriptor, 0, os.SEEK_CUR), os.fstat(descriptor).st_size
    return ImportProgress(rows=report.rows, kept=new.size, bytes_read=read, bytes_total=total)


def _no_numbers(name: str, layout: Layout, report: ImportReport) -> Invalid:
    return Invalid(
        f"No phone number was found in column {layout.column} of {name}. Nothing was imported. "
        "Mend the file, or name another column.",
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
