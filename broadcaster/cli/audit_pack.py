"""`broadcaster audit pack`: the inquiry pack of a message or an incident, as a PDF."""

from pathlib import Path
from typing import Annotated

import typer

from broadcaster.cli.papers import Force, refuse_to_replace, write_whole
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.domain.policy import Action


def pack(
    *,
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="The message, or the incident for all of its messages.")
    ],
    to: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to; inquiry-pack-REF.pdf otherwise."),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the inquiry pack: who decided what and when, the exact texts, what became of them, as a tagged PDF.

    It says what is recorded, and of the rest that it is not. It is for reading; the proof is `broadcaster audit prove`.
    """
    if to:
        refuse_to_replace(to, force=force)
    with signed_in(Action.AUDIT) as session:
        found = session.parts.packs.of(session.actor, ref)
    to = to or Path(found.name)
    refuse_to_replace(to, force=force)
    write_whole(to, found.content)
    if as_json:
        print_json({"file": str(to), "sha256": found.sha256, "bytes": len(found.content)})
    else:
        say(f"The inquiry pack is in {to}. The log holds its SHA-256: {found.sha256}")
