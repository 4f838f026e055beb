"""Reads the pictures that an officer gives on the command line, each with its alt text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.domain.errors import Invalid
from broadcaster.render.images import MAX_BYTES
from broadcaster.service.media import Attached

Images = Annotated[
    list[Path] | None,
    typer.Option(
        "--image",
        metavar="FILE",
        help="A picture: JPEG, PNG or WebP; may be repeated, what matters most first.",
    ),
]
Alts = Annotated[
    list[str] | None,
    typer.Option(
        "--alt",
        metavar="TEXT",
        help="What the picture shows, in a sentence, for people who cannot see it: one for each --image, in their order.",
    ),
]


def read_images(paths: Sequence[Path], alts: Sequence[str]) -> list[Attached]:
    """Pictures and their alt texts, one by one in the order given. Alt texts may be missing altogether: they can follow.

    A usage error where only some have one: the command line does not say which, and a wrong one is worse than none.
    Invalid where a file cannot be read.
    """
    if alts and len(alts) != len(paths):
        raise typer.BadParameter(
            f'{len(paths)} --image and {len(alts)} --alt: give each picture one, in the same order, and --alt "" to one '
            "that has none yet",
            param_hint="--alt",
        )
    texts = alts or [""] * len(paths)
    return [
        Attached(name=path.name, content=_read(path), alt=alt) for path, alt in zip(paths, texts, strict=True)
    ]


def changed_images(
    paths: Sequence[Path], alts: Sequence[str], *, no_images: bool
) -> Sequence[Attached] | None:
    """The pictures of an edit: new ones, none (`--no-images`), or None where they stay."""
    if no_images and (paths or alts):
        raise typer.BadParameter("takes all pictures out; give it alone", param_hint="--no-images")
    if no_images:
        return ()
    return read_images(paths, alts) if paths else None


def _read(path: Path) -> bytes:
    """One byte more than may be used, and no more: that is enough to refuse it."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Invalid(f"{path} cannot be read ({error.strerror}). Nothing was changed.") from error
