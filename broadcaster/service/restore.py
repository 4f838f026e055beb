"""Bringing an installation back from a backup: onto an empty data directory and database, or with what is there moved
aside. Nobody works on the database before what may have been sent since is set apart."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from sqlalchemy.engine import make_url

from broadcaster.db import backup, restoring, tokens
from broadcaster.db.backup import PostgresTools
from broadcaster.db.engine import Database
from broadcaster.db.schema import known_revisions
from broadcaster.domain.errors import Invalid, Problem, Unavailable
from broadcaster.queue import NoBells
from broadcaster.service.backup import CREDENTIALS, Progress
from broadcaster.service.backup_file import DATABASE, Manifest, Reader, opened
from broadcaster.service.people import digest
from broadcaster.service.plan import Plan
from broadcaster.service.restore_files import in_the_way, move_aside, nobody_works, put_in_place
from broadcaster.service.settle import Settled, settle

HALF_DONE = (
    "The restore broke off, and what is in {root} is not complete. Nothing was started and nothing was sent. Mend the "
    "cause, then restore again with --replace."
)


@dataclass(frozen=True, kw_only=True)
class Restored:
    """`aside` is where the files are that were there before, `aside_schema` PostgreSQL's schema with the old tables."""

    manifest: Manifest
    settled: Settled
    applied: tuple[str, ...]
    aside: Path | None
    aside_schema: str


class Restore:
    """`root` is the data directory and `url` the database's address; both are made if need be. `tools` are
    PostgreSQL's programs, `open_database` how a database is opened."""

    def __init__(
        self,
        *,
        root: Path,
        url: str,
        credentials: Path,
        tools: PostgresTools | None = None,
        open_database: Callable[[str], Database] = Database,
    ) -> None:
        self._root = root
        self._url = url
        self._credentials = credentials
        self._tools = tools or PostgresTools()
        self._open = open_database
        self._is_sqlite = make_url(url).get_backend_name() == "sqlite"

    def restore(
        self,
        path: Path,
        *,
        operator: str,
        token: str | None = None,
        replace: bool = False,
        on_progress: Progress = lambda _text: None,
    ) -> Restored:
        """Invalid or Unavailable, and nothing changed, where the backup is not whole or not for this version, where
        something is in its way, or where anybody works here. `token` says who does this, where he is known."""
        with opened(path) as reader, nobody_works(self._root):
            self._refuse(reader.manifest, path)
            reader.check(on_progress)
            credentials = self._credentials if reader.manifest.with_credentials else None
            blocking = in_the_way(self._root, self._file, credentials=credentials)
            self._refuse_full(blocking, replace=replace)
            with _scratch(self._root) as scratch:
                self._unpack(reader, scratch, on_progress)
                try:
                    return self._put(reader, scratch, blocking, operator, token, on_progress)
                except (Problem, OSError) as error:
                    raise Unavailable(HALF_DONE.format(root=self._root), details=(str(error),)) from error

    @property
    def _file(self) -> Path | None:
        return Path(make_url(self._url).database or "") if self._is_sqlite else None

    def _refuse(self, manifest: Manifest, path: Path) -> None:
        here = "sqlite" if self._is_sqlite else "postgresql"
        if manifest.database != here:
            raise Invalid(
                f"{path} is of a {manifest.database} database, and the settings name a {here} one. Set "
                f"BROADCASTER_DATABASE_URL to the address of an empty {manifest.database} database, or take it away for "
                "SQLite in the data directory. Nothing was changed."
            )
        known = known_revisions()
        if manifest.schema not in known:
            raise Invalid(
                f"{path} has schema {manifest.schema}, which is newer than this version of broadcaster knows (up to "
                f"{known[-1]}). Install version {manifest.version}, which made it, or a newer one. Nothing was changed."
            )

    def _refuse_full(self, blocking: list[Path], *, replace: bool) -> None:
        empty = True
        if not self._is_sqlite:
            with self._database(self._url) as database, database.read() as tx:
                backup.require_alone(tx)
                self._tools.require("pg_restore", tx)
                empty = backup.is_empty(tx)
        if (blocking or not empty) and not replace:
            found = [str(path) for path in blocking] + ([] if empty else ["tables in the database"])
            raise Invalid(
                "Something is there already, and a restore would replace it. Nothing was changed. Restore into an empty "
                "place with --into, or use --replace, which first moves aside (and never deletes):",
                details=tuple(found),
            )

    def _unpack(self, reader: Reader, scratch: Path, on_progress: Progress) -> None:
        for member in reader.manifest.files:
            on_progress(f"unpacking {member.name}")
            reader.extract(member.name, scratch / member.name)
        wrong = backup.check_copy(scratch / DATABASE, reader.manifest.database, tools=self._tools)
        if wrong:
            raise Invalid(
                f"The database in {reader.path} is damaged: {wrong}. Use another backup. Nothing was changed."
            )

    def _put(
        self,
        reader: Reader,
        scratch: Path,
        blocking: list[Path],
        operator: str,
        token: str | None,
        on_progress: Progress,
    ) -> Restored:
        """The database last: without one, nothing can be started on what is there."""
        manifest = reader.manifest
        aside = move_aside(self._root, blocking) if blocking else None
        for folder in sorted(path for path in scratch.iterdir() if path.is_dir()):
            to = self._credentials if folder.name == CREDENTIALS else self._root / folder.name
            shutil.rmtree(to, ignore_errors=True)  # empty folders, or nothing: the rest was moved aside
            shutil.move(folder, to)
        on_progress("restoring the database")
        aside_schema = "" if self._is_sqlite else self._load(scratch / DATABASE)
        url = f"sqlite:///{scratch / DATABASE}" if self._is_sqlite else self._url
        with self._database(url) as database:
            applied = self._prepare(database, manifest)
            on_progress("setting apart what may have been sent")
            settled = self._settle(database, reader, operator, token)
        if self._file:
            put_in_place(scratch / DATABASE, self._file)
        return Restored(
            manifest=manifest, settled=settled, applied=applied, aside=aside, aside_schema=aside_schema
        )

    def _load(self, copy: Path) -> str:
        """PostgreSQL's tables, with those that were there moved aside; the schema into which they were, or nothing."""
        with self._database(self._url) as database:
            with database.write() as tx:
                aside = "" if backup.is_empty(tx) else backup.move_aside(tx)
            backup.load_postgres(database, copy, tools=self._tools)
        return aside

    def _prepare(self, database: Database, manifest: Manifest) -> tuple[str, ...]:
        """Today's schema, and what was still to be planned: that may have been planned and sent since. The revisions
        applied."""
        known = known_revisions()
        with database.write() as tx:
            restoring.upgrade(tx, manifest.schema)
        with database.read() as tx:
            in_force = restoring.in_force(tx, manifest.moment)
        for broadcast_id in in_force:
            Plan(database, NoBells()).plan(broadcast_id)
        return tuple(known[known.index(manifest.schema) + 1 :])

    def _settle(self, database: Database, reader: Reader, operator: str, token: str | None) -> Settled:
        actor = _name_of(database, token) or operator
        manifest = reader.manifest
        with database.write() as tx:
            found = settle(
                tx,
                taken_at=manifest.moment.astimezone(UTC),
                last_event=manifest.last_event,
                backup=reader.path.name,
                operator=actor,
            )
            restoring.mark(tx, known_revisions()[-1])
        return found

    @contextmanager
    def _database(self, url: str) -> Iterator[Database]:
        database = self._open(url)
        try:
            yield database
        finally:
            database.close()


def _name_of(database: Database, token: str | None) -> str:
    """Who does this, by a token that was good at the backup's time; empty where nobody is signed in."""
    with database.read() as tx:
        found = tokens.holder(tx, digest(token)) if token else None
    return found[0].name if found else ""


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """In the data directory itself, so that what is unpacked is moved into place by renaming."""
    with tempfile.TemporaryDirectory(dir=root, prefix=".restoring-") as folder:
        yield Path(folder)
