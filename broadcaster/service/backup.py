"""A backup: everything of an installation as it was at one moment, in one file, taken while everything runs."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from broadcaster.db import audit_log, backup
from broadcaster.db.backup import PostgresTools
from broadcaster.db.engine import Database, Tx
from broadcaster.db.key_files import keys_held
from broadcaster.db.schema import check_schema
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, Unavailable
from broadcaster.service.backup_file import DATABASE, FORMAT, Manifest, Writer, opened, written

#: Folders of the data directory that are copied before the database: what they hold must not be newer than it is. An
#: anchor of an event that the database lacks would look like a log that was cut off.
BEFORE = ("spill", "anchors")
#: And after it, since nothing is lost by being newer. The keys cannot change meanwhile: they are held.
AFTER = ("keys", "site")
CREDENTIALS = "credentials"
PUBLIC = ("site",)  # whatever else is copied is readable by its owner only
NAME = re.compile(r"broadcaster-(\d{4}-\d\d-\d\dT\d{4})(\d\d)?Z\.tar")

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """`removed` are older backups. `recorded` is false where the audit log could not be written: the backup is good."""

    path: Path
    size: int
    manifest: Manifest
    removed: tuple[Path, ...]
    recorded: bool


class Backup:
    """`root` is the data directory, `credentials` the folder of the accounts' files."""

    def __init__(
        self, database: Database, *, root: Path, credentials: Path, tools: PostgresTools | None = None
    ) -> None:
        self._database = database
        self._root = root
        self._credentials = credentials
        self._tools = tools or PostgresTools()

    def take(
        self,
        folder: Path,
        *,
        operator: str,
        with_credentials: bool = False,
        keep: int | None = None,
        on_progress: Progress = lambda _text: None,
    ) -> Taken:
        """One new file in this folder. With `keep`, of those that are called like it only so many newest stay."""
        if not folder.is_dir():
            raise Invalid(
                f"{folder} is not a folder. Make it first, readable by you only. Nothing was saved."
            )
        try:
            with keys_held(self._root / "keys"), _scratch(folder) as scratch:
                path, manifest = self._write(
                    folder, scratch / DATABASE, on_progress, with_credentials=with_credentials
                )
        except OSError as error:
            raise Unavailable(f"The backup could not be written: {error}. Nothing was saved.") from error
        return Taken(
            path=path,
            size=path.stat().st_size,
            manifest=manifest,
            removed=tuple(_remove_older(folder, keep)) if keep is not None else (),
            recorded=self._record(path, manifest, operator),
        )

    def _write(
        self, folder: Path, copy: Path, on_progress: Progress, *, with_credentials: bool
    ) -> tuple[Path, Manifest]:
        with self._database.read() as tx:
            at = tx.now()  # before the moment of the copy: whatever was sent after it is in doubt
        path = _free_name(folder, at)
        with written(path) as writer:
            for name in BEFORE:
                _add_folder(writer, self._root / name, name, on_progress)
            with self._database.read() as tx:
                schema, last_event = _facts(tx, self._database)
                backup.dump(tx, self._database, copy, tools=self._tools, on_progress=on_progress)
            writer.add(copy, DATABASE, mode=0o600)
            for name in AFTER:
                _add_folder(writer, self._root / name, name, on_progress)
            if with_credentials:
                _add_folder(writer, self._credentials, CREDENTIALS, on_progress)
            manifest = Manifest(
                format=FORMAT,
                version=version("crisis-broadcaster"),
                schema=schema,
                taken_at=at.isoformat(timespec="microseconds"),
                database=backup.kind(self._database),
                last_event=last_event,
                with_credentials=with_credentials,
                files=tuple(writer.members),
            )
            writer.finish(manifest)
        return path, manifest

    def _record(self, path: Path, manifest: Manifest, operator: str) -> bool:
        """Who has taken a copy of all that is here. Not in a database of another schema, which may be why it was taken."""
        payload: dict[str, Json] = {
            "file": path.name,
            "last_event": manifest.last_event,
            "taken_at": manifest.taken_at,
        }
        payload |= {"with_credentials": manifest.with_credentials}
        try:
            check_schema(self._database)
            with self._database.write() as tx:
                audit_log.append(tx, actor=operator, act="backup_taken", subject=path.name, payload=payload)
        except Unavailable:
            return False
        return True


def check(
    path: Path, *, tools: PostgresTools | None = None, on_progress: Progress = lambda _t: None
) -> Manifest:
    """What a backup is of. Invalid where it is not whole, to the byte, or its database is damaged inside."""
    with opened(path) as reader, tempfile.TemporaryDirectory() as scratch:
        reader.check(on_progress)
        copy = Path(scratch) / DATABASE
        reader.extract(DATABASE, copy)
        on_progress("checking the database")
        wrong = backup.check_copy(copy, reader.manifest.database, tools=tools or PostgresTools())
        if wrong:
            raise Invalid(f"The database in {path} is damaged: {wrong}. Use another backup.")
        return reader.manifest


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """For the database's copy, beside the backup: it may be too big for the system's own place."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".broadcaster-backup-") as made:
        yield Path(made)


def _facts(tx: Tx, database: Database) -> tuple[str, int]:
    """The schema's revision, and the number of the last event. Reading them fixes what the transaction sees."""
    revision = backup.revision(tx)
    if not revision:
        raise Invalid(f"There is nothing to save: {database.engine.url!r} holds no broadcaster's database.")
    return revision, audit_log.size(tx)


def _add_folder(writer: Writer, folder: Path, name: str, on_progress: Progress) -> None:
    mode = 0o644 if name in PUBLIC else 0o600
    for path in _files(folder):
        on_progress(f"{name}: {path.name}")
        writer.add(path, f"{name}/{path.relative_to(folder).as_posix()}", mode=mode)


def _files(folder: Path) -> Iterator[Path]:
    """Files only, and no lock: a link could lead anywhere."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name != ".lock":
            yield path


def _free_name(folder: Path, at: datetime) -> Path:
    for form in ("%Y-%m-%dT%H%MZ", "%Y-%m-%dT%H%M%SZ"):
        path = folder / f"broadcaster-{at:{form}}.tar"
        if not path.exists():
            return path
    raise Invalid(f"{path} exists already. Try again in a second. Nothing was saved.")


def _remove_older(folder: Path, keep: int) -> Iterator[Path]:
    found = {path: NAME.fullmatch(path.name) for path in folder.iterdir() if path.is_file()}
    ours = [(match[1], match[2] or "", path) for path, match in found.items() if match]
    for _, _, path in sorted(ours, reverse=True)[max(1, keep) :]:
        path.unlink()
        yield path
