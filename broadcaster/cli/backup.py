"""`broadcaster backup` and `restore`: everything in one file while it runs, and back from it."""

import getpass
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import given_token
from broadcaster.cli.terminal import Json, local, print_json, say
from broadcaster.db.backup import PostgresTools
from broadcaster.db.engine import Database
from broadcaster.service.backup import Backup, Taken
from broadcaster.service.backup import check as check_backup
from broadcaster.service.backup_file import Manifest
from broadcaster.service.restore import Restore, Restored
from broadcaster.settings import Settings

SAID_EVERY_S = 1.0
NEXT = (
    "What to do next, before anything is released:",
    "  1. Look at each platform's own pages: what was sent since the backup is there, and not here.",
    "  2. Enter again what is lost: opt-outs, erasures, users and tokens taken away, messages stopped or corrected.",
    "  3. Start it: broadcaster up",
    "  4. See what is unknown, and decide about what nothing proves: broadcaster unknown list",
    "  5. Compare the audit log with its anchors outside: broadcaster audit verify (it names the gap). docs/backup.md",
    "  6. When all is done: broadcaster alarms, then acknowledge the alarm `restored`.",
)

app = terminal.group("Saving everything, and bringing it back.")


@app.command(epilog="Example: broadcaster backup /media/backup --keep 48")
def backup(
    *,
    to: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Where to; the file is named after its time.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="Then remove older backups in that folder, but for so many newest."),
    ] = None,
    with_credentials: Annotated[
        bool,
        typer.Option("--with-credentials", help="Save the accounts' files too: guard it as you do them."),
    ] = False,
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save nothing; read this backup and check every byte.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Save database, keys, pages and anchors of one moment into one file, while everything runs.

    It holds the phone numbers and the key that opens them: keep it where only the right people can read it.
    """
    if (to is None) == (check is None):
        raise typer.BadParameter("Give either a FOLDER to save into, or --check FILE.")
    settings = Settings.load()
    if to is not None:
        taken = _take(to, settings, with_credentials=with_credentials, keep=keep)
        _show_taken(taken, settings, as_json=as_json)
    if check is not None:
        manifest = check_backup(check, tools=_tools(settings), on_progress=_progress())
        _show_checked(check, manifest, settings, as_json=as_json)


@app.command(epilog="Example: broadcaster restore /media/backup/broadcaster-2026-11-21T1730Z.tar")
def restore(
    *,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The data directory to restore into, instead of that of the settings."
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Move aside what is there first. Nothing is deleted."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring everything back from a backup. Whatever may have been sent since it was taken comes up as unknown.

    Stop everything first. Nothing is sent by this command, and nothing is started.
    """
    settings = Settings.load()
    if into is not None:
        settings = settings.model_copy(update={"data_dir": into})
    done = Restore(
        root=settings.root,
        url=settings.database,
        credentials=settings.credentials,
        tools=_tools(settings),
        open_database=lambda url: Database(url, lock_wait_s=settings.lock_wait_s),
    ).restore(
        path,
        operator=_operator(),
        token=given_token(settings),
        replace=replace,
        on_progress=_progress(),
    )
    _show_restored(done, settings, as_json=as_json)


def _tools(settings: Settings) -> PostgresTools:
    return PostgresTools(folder=settings.postgres_bin_dir)


def _take(to: Path, settings: Settings, *, with_credentials: bool, keep: int | None) -> Taken:
    database = Database(settings.database, lock_wait_s=settings.lock_wait_s)
    try:
        return Backup(
            database, root=settings.root, credentials=settings.credentials, tools=_tools(settings)
        ).take(
            to,
            operator=_operator(),
            with_credentials=with_credentials,
            keep=keep,
            on_progress=_progress(),
        )
    finally:
        database.close()


def _show_checked(path: Path, manifest: Manifest, settings: Settings, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(path), "whole": True, **_facts(manifest)})
    else:
        say(f"{path} is whole.", *_about(manifest, settings))


def _show_taken(taken: Taken, settings: Settings, *, as_json: bool) -> None:
    if as_json:
        data = {"file": str(taken.path), "size": taken.size, **_facts(taken.manifest)}
        print_json(data | {"removed": [str(p) for p in taken.removed], "recorded": taken.recorded})
        return
    say(f"Saved {taken.path} ({taken.size / 1e6:,.1f} MB).", *_about(taken.manifest, settings))
    if taken.removed:
        say(f"Removed {len(taken.removed)} older: {', '.join(p.name for p in taken.removed)}")
    if not taken.recorded:
        say(
            "The audit log could not be written, so it does not say that this copy was taken. The backup is good."
        )
    if not taken.manifest.with_credentials:
        say("The accounts' files are not in it. Keep a copy of them apart, or use --with-credentials.")


def _show_restored(done: Restored, settings: Settings, *, as_json: bool) -> None:
    settled = done.settled
    if as_json:
        print_json(
            {
                **_facts(done.manifest),
                "applied": list(done.applied),
                "unknown": dict(settled.unknown),
                "messages": dict(settled.messages),
                "returned": list(settled.returned),
                "moved_aside_to": str(done.aside or ""),
                "schema_aside": done.aside_schema,
            }
        )
        return
    count = sum(settled.unknown.values())
    say(f"Restored into {settings.root}.", *_about(done.manifest, settings))
    if done.aside:
        say(f"What was there before is in {done.aside}.")
    if done.aside_schema:
        say(f"The tables that were there before are in the schema {done.aside_schema}.")
    if done.applied:
        say(f"The database was brought to today's schema: {', '.join(done.applied)}")
    if count:
        by_channel = ", ".join(f"{n:,} {channel}" for channel, n in settled.unknown.items())
        say(f"{count:,} deliveries may have been sent since, and are unknown now ({by_channel}):")
        say(*(f"  {n:,} of {ref}" for ref, n in settled.messages.items() if n))
    else:
        say("No delivery was under way at the backup's moment.")
    if settled.returned:
        say(f"These waited for approval, and are drafts again: {', '.join(settled.returned)}")
    say("", *NEXT)


def _facts(manifest: Manifest) -> dict[str, Any]:
    """Of the files only how many: a website has thousands."""
    return {**asdict(manifest), "files": len(manifest.files)}


def _about(manifest: Manifest, settings: Settings) -> list[str]:
    lines = [
        f"  Moment      {local(manifest.taken_at, settings.zone)}",
        f"  Database    {manifest.database}, schema {manifest.schema}, version {manifest.version}",
        f"  Audit log   up to event {manifest.last_event:,}",
        f"  Files       {len(manifest.files):,}",
    ]
    return [*lines, "  Credentials are in it."] if manifest.with_credentials else lines


def _operator() -> str:
    """Who runs this on the machine: there may be no database to ask."""
    return f"os:{getpass.getuser()}"


def _progress() -> Callable[[str], None]:
    """On standard error, at most once a second, and nothing for what is done by then."""
    said_at = [time.monotonic()]

    def tell(text: str) -> None:
        if time.monotonic() - said_at[0] >= SAID_EVERY_S:
            said_at[0] = time.monotonic()
            sys.stderr.write(f"{text}\n")

    return tell
