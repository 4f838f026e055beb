"""Reads what an officer gives for a message's blanks: a file of facts, and single values from the command line."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.domain.errors import Invalid

Facts = Annotated[
    Path | None,
    typer.Option("--facts", metavar="FILE", help="A TOML or JSON file with a value for each blank."),
]
Languages = Annotated[
    list[str] | None,
    typer.Option(
        "--language",
        metavar="CODE",
        help="A language to say it in beside the template's own, such as cy; may be repeated. Its values: --set action.cy=... "
        "Without: those spoken here, or of a message that is there, its own.",
    ),
]
Later = Annotated[
    str,
    typer.Option(metavar="TIME", help="By when a language follows that it goes without, such as +2h."),
]
Channels = Annotated[
    list[str] | None, typer.Option("--channel", metavar="CHANNEL", help="A channel to use; may be repeated.")
]


def read_facts(path: Path, *, template: str) -> dict[str, Any]:
    """Values by blank, from TOML or (a name that ends in .json) JSON. Invalid, saying why, where that fails.

    They stand alone, or under `values` beside a `notice`, as in `templates/examples`. Whether each value is a text
    that fits its blank is for the template to say, so that all problems come at once.
    """
    data = _parsed(path)
    if not isinstance(data, dict):
        raise Invalid(f'{path} must hold names and values, such as: area = "Fleetwood"')
    values, notice = data.get("values"), data.get("notice", template)
    if not isinstance(values, dict):
        return data
    if notice != template:
        raise Invalid(
            f'{path} is for the notice template "{notice}", not for "{template}". Nothing was changed.'
        )
    if unknown := sorted(data.keys() - {"values", "notice"}):
        raise Invalid(
            f"{path} has more beside its values.",
            details=tuple(f"{name}: move it under values" for name in unknown),
        )
    return values


def single_values(given: Sequence[str]) -> Mapping[str, str]:
    """`["area=Fleetwood"]` by blank. A usage error where there is no equals sign, or a blank is given twice."""
    found: dict[str, str] = {}
    for each in given:
        blank, sign, value = each.partition("=")
        if not sign or not blank.strip():
            raise typer.BadParameter(f'"{each}" must be like area=Fleetwood', param_hint="--set")
        if blank.strip() in found:
            raise typer.BadParameter(f"{blank.strip()} is given twice", param_hint="--set")
        found[blank.strip()] = value
    return found


def _parsed(path: Path) -> Any:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Invalid(f"{path} cannot be read ({error.strerror}). Nothing was changed.") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not UTF-8 text. Save it as UTF-8. Nothing was changed.") from error
    try:
        return (
            json.loads(text, object_pairs_hook=_once)
            if path.suffix.lower() == ".json"
            else tomllib.loads(text)
        )
    except ValueError as error:
        raise Invalid(f"{path} cannot be read: {error}. Nothing was changed.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """TOML refuses a name that is given twice; in JSON the last would win silently."""
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} is given twice")
    return dict(pairs)
