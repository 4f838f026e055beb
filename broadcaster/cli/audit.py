"""`broadcaster audit`: the record of who did what: reading it, handing it out, proving one message, checking all of it."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from broadcaster.audit.stand_alone import NAME, stand_alone
from broadcaster.audit.verifier.notes import notes_of
from broadcaster.audit.verifier.reading import verify_file
from broadcaster.audit.verifier.verdict import UNREADABLE, Unreadable, Verdict
from broadcaster.audit.verifier.words import as_dict, in_words
from broadcaster.cli import show as views
from broadcaster.cli import terminal
from broadcaster.cli.audit_pack import pack
from broadcaster.cli.session import Session, signed_in
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.errors import Invalid
from broadcaster.domain.policy import Action
from broadcaster.service.audit import Wanted

audit = terminal.group("Read the record of who did what, hand it out, and check that nobody altered it.")

SEALED_WITHIN_S = 2.0
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help="The log's public key, as it was given to you. May be repeated."),
]
Anchors = Annotated[
    list[Path] | None,
    typer.Option("--anchors", help="Checkpoints that were kept outside. May be repeated."),
]
TsaCa = Annotated[
    Path | None, typer.Option(help="Certificates (PEM) of the authority whose time stamps are in the log.")
]
Force = Annotated[bool, typer.Option(help="Replace the file where it exists.")]


@audit.command(epilog="Example: broadcaster audit show 7F3K2M --since 2026-11-21T03:00")
def show(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="Only the events of this message.")] = "",
    who: Annotated[str, typer.Option("--by", metavar="NAME", help="Only what this person did.")] = "",
    act: Annotated[str, typer.Option(help="Only acts that contain this, such as approved.")] = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From this local time on, like 2026-11-21T03:00.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Until before this local time.")] = "",
    last: Annotated[int, typer.Option(min=0, help="Only the newest so many; 0 for all.")] = 0,
    check: Annotated[
        bool, typer.Option(help="Check the whole log too; it takes a while where it is long.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Show events, and check the whole log. Fails where it was altered."""
    with signed_in() as session:
        zone = session.parts.settings.zone
        wanted = Wanted(
            ref=ref, by=who, act=act, since=_moment(since, zone), until=_moment(until, zone), last=last
        )
        events = session.parts.audit.events(session.actor, wanted)
        bad = session.parts.audit.first_bad_event() if check else None
    if as_json:
        whole = bad is None if check else None
        print_json({"events": [_event(each) for each in events], "whole": whole, "first_bad": bad})
    else:
        found = views.audit_table(events, zone) if events else "There is no such event yet."
        say(found, "", _in_short(bad) if check else "The log was not checked.")
    if bad is not None:
        raise typer.Exit(1)


@audit.command(epilog="Example: broadcaster audit export audit-2026-11-21.jsonl")
def export(
    *,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; - for standard output.")],
    force: Force = False,
) -> None:
    """Write the whole log, and beside it the program that checks it on any machine with Python.

    Give an auditor both, and by another way the log's public key: the first line of anchors/keys.txt, from
    which the later ones follow.
    """
    if str(to) == "-":
        with signed_in() as session:
            _wait_for_the_seal(session)
            written = _count(session.parts.audit.export(session.actor), sys.stdout.write)
        typer.echo(f"{written:,} events exported.", err=True)
        return
    _refuse_to_replace(to, force=force)
    with signed_in() as session:
        _wait_for_the_seal(session)
        lines = session.parts.audit.export(session.actor)
        written = _written(to, lines)
    typer.echo(f"{written:,} events exported to {to}. To check them on any machine: {_verifier_beside(to)}")


@audit.command(epilog="Example: broadcaster audit prove 7F3K2M --to proof-7F3K2M.json")
def prove(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The message.")],
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; proof-REF.json otherwise.")
    ] = None,
    texts: Annotated[
        bool, typer.Option(help="With the manifest and the posts, to the letter; or digests alone.")
    ] = True,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the proof of one message: its events, and that they stand in the signed log, without the rest of the log."""
    if to:
        _refuse_to_replace(to, force=force)
    with signed_in() as session:
        _wait_for_the_seal(session)
        proof = session.parts.audit.prove(session.actor, ref, texts=texts)
    to = to or Path(f"proof-{proof['message']}.json")
    _refuse_to_replace(to, force=force)
    _written(to, [json.dumps(proof, ensure_ascii=False)])
    how = _verifier_beside(to)
    if as_json:
        print_json({"message": proof["message"], "events": len(proof["events"]), "file": str(to)})
    else:
        say(f"{len(proof['events'])} events of {proof['message']} in {to}. To check it on any machine: {how}")


audit.command(epilog="Example: broadcaster audit pack 7F3K2M -o inquiry.pdf")(pack)


@audit.command(epilog="Example: broadcaster audit verify --anchors /mnt/witness/checkpoints.txt")
def verify(
    *,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="An export or a proof; the database itself otherwise."),
    ] = None,
    key: Keys = None,
    anchors: Anchors = None,
    tsa_ca: TsaCa = None,
    as_json: Json = False,
) -> None:
    """Check that nobody altered the log.

    Exit codes: 0 whole; 1 altered, with the first event that nobody can trust; 2 wrong usage; 3 whole, but its end was
    not laid down outside for 15 minutes; 4 cannot be read.
    """
    code = UNREADABLE
    try:
        verdict = _verdict(file, key or [], anchors or [], str(tsa_ca or ""))
    except Unreadable as error:
        said = {"code": code, "error": str(error)}
        print_json(said) if as_json else say(f"Cannot be checked: {error}.")
        raise typer.Exit(code) from error
    if as_json:
        print_json(as_dict(verdict))
    else:
        say(*in_words(verdict))
    raise typer.Exit(verdict.code)


def _verdict(file: Path | None, keys: list[str], anchors: list[Path], tsa_ca: str) -> Verdict:
    kept = [note for path in anchors for note in notes_of(str(path))]
    if file is not None:
        return verify_file(str(file), keys=keys, anchors=kept, tsa_ca=tsa_ca)
    with signed_in(Action.AUDIT) as session:
        return session.parts.audit.verify(keys=keys, anchors=kept, tsa_ca=tsa_ca)


def _verifier_beside(path: Path) -> str:
    """The command that checks what lies there. A verifier that lies beside it already stays: it may be the copy that an
    auditor trusts."""
    verifier, ours = path.with_name(NAME), stand_alone().encode()
    try:
        if not verifier.exists():
            verifier.write_bytes(ours)
        elif verifier.read_bytes() != ours:
            typer.echo(f"{verifier} is not the one of this version, and was left as it is.", err=True)
    except OSError as error:
        raise Invalid(
            f"{path} was written, and the program that checks it could not be put beside it: {error.strerror}."
        ) from error
    return f"python3 {verifier} {path}"


def _wait_for_the_seal(session: Session) -> None:
    """What was done a moment ago should be under a seal too. Where no sealer runs, that is told by the check."""
    ends = time.monotonic() + SEALED_WITHIN_S
    while session.parts.audit.waits_for_seal() and time.monotonic() < ends:
        time.sleep(0.05)


def _refuse_to_replace(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Invalid(
            f"{path} exists already. Choose another name, or replace it with --force. Nothing was written."
        )


def _written(path: Path, lines: Iterable[str]) -> int:
    """Whole or not at all: an export that broke off must not look like a log that ends there. How many events."""
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                written = _count(lines, file.write)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}. Nothing was exported.") from error
    return written


def _count(lines: Iterable[str], write: Any) -> int:
    """How many events were among the lines."""
    written = 0
    for line in lines:
        write(f"{line}\n")
        written += line.startswith(('{"event":', '{"unsealed":'))
    return written


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f'"{text}" is no time. Write it like 2026-11-21T03:00 or 2026-11-21.') from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _in_short(bad: int | None) -> str:
    if bad is None:
        return "The whole log is whole: no event was altered, added or taken out."
    return (
        f"ALARM: event {bad} was altered, or is missing or out of order. Trust nothing from {bad} on, keep the database "
        "as it is, and compare it with a backup. `broadcaster audit verify` says more."
    )


def _event(each: AuditEvent) -> dict[str, Any]:
    return {**asdict(each), "payload": views.payload(each.payload)}
