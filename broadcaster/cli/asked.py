"""Asks for what must stand on no command line: passwords and codes, at the terminal or as lines of standard input."""

import sys
from typing import Annotated

import typer

from broadcaster.domain.errors import Invalid

Code = Annotated[
    str,
    typer.Option(
        "--code", metavar="CODE", help="A code of your authenticator app; - reads it from standard input."
    ),
]


def secret(question: str, *, twice: bool = False) -> str:
    """Typed unseen, or the next line of a pipe."""
    if not sys.stdin.isatty():
        return line(question)
    given: str = typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True)
    return given


def line(question: str) -> str:
    """Shown as it is typed, or the next line of a pipe."""
    if sys.stdin.isatty():
        typed: str = typer.prompt(question, err=True)
        return typed
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise Invalid(f"{question}: nothing was given. Nothing was changed.")
    return given


def code(given: str) -> str:
    """As given, or asked for where it is -."""
    return line("Code") if given == "-" else given


def can_ask() -> bool:
    return sys.stdin.isatty()
