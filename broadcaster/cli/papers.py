"""What is said and printed of a message: lines for telephones, press and radio, a poster, and writing PDFs to files."""

import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.domain.errors import Invalid, Stale
from broadcaster.domain.policy import Action

Force = Annotated[bool, typer.Option(help="Replace the file where it exists.")]
Ref = Annotated[str, typer.Argument(metavar="REF", help="The message.")]
TITLES = {"contact-centre": "FOR PEOPLE AT TELEPHONES", "press": "FOR THE PRESS", "radio": "FOR THE RADIO"}


def lines(*, ref: Ref, as_json: Json = False) -> None:
    """Show what to say of an approved message on the telephone, to the press, on the radio. Nothing of a draft."""
    with signed_in(Action.READ) as session:
        found = session.parts.telling.lines(session.actor, ref)
    if as_json:
        print_json(asdict(found))
    elif found.why_not:
        raise Stale(found.why_not)
    else:
        for line in found.lines:
            say(f"--- {TITLES[line.name]} (about {line.seconds} seconds) ---", line.text, "")


def poster(
    *,
    ref: Ref,
    to: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to; poster-REF.pdf otherwise."),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a poster of an approved message: one page, A4, PDF."""
    to = to or Path(f"poster-{ref.upper()}.pdf")
    refuse_to_replace(to, force=force)
    with signed_in(Action.READ) as session:
        content = session.parts.telling.poster(session.actor, ref)
    write_whole(to, content)
    if as_json:
        print_json({"file": str(to), "bytes": len(content)})
    else:
        say(f"The poster is in {to}. Take it down when the message has ended.")


def refuse_to_replace(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Invalid(
            f"{path} exists already. Choose another name with -o, or replace it with --force. Nothing was written."
        )


def write_whole(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}. Nothing was written.") from error
