"""Where a setting's value comes from: a variable, or a file that a variable names. What it may be, is not known here."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from broadcaster.domain.names import did_you_mean

PREFIX = "BROADCASTER_"
NOT_SETTINGS = {"BROADCASTER_TOKEN"}  # who is asking, read by the command line
FROM_FILE = "_FILE"  # NAME_FILE names a file that holds the value of NAME, as containers hand out secrets


def variable(name: str) -> str:
    """The variable that a setting is read from."""
    return f"{PREFIX}{name.upper()}"


def read(
    environment: Mapping[str, str], *, names: Collection[str], secrets: Collection[str]
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """The values by setting, the files that secrets were read from, and what is wrong with any of it."""
    given = {k: v for k, v in environment.items() if k.upper().startswith(PREFIX)}
    files = {n: given[variable(n) + FROM_FILE] for n in secrets if variable(n) + FROM_FILE in given}
    values = {n: given[variable(n)] for n in names if variable(n) in given and n not in files}
    held, unreadable = _held(files)
    return values | held, files, _unknown(given, names, secrets) + _given_twice(given, files) + unreadable


def _unknown(given: Collection[str], names: Collection[str], secrets: Collection[str]) -> list[str]:
    known = {variable(name) for name in names} | {variable(name) + FROM_FILE for name in secrets}
    return [
        f"{name} is not a setting.{did_you_mean(name, known)}"
        for name in sorted(given)
        if name not in known | NOT_SETTINGS
    ]


def _given_twice(given: Collection[str], files: Collection[str]) -> list[str]:
    return [
        f"{variable(n)} and {variable(n)}{FROM_FILE} are both given, and only one can hold. Take one of them away."
        for n in sorted(files)
        if variable(n) in given
    ]


def _held(files: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What stands in the files, and what is wrong with them."""
    found, problems = {}, []
    for name, file in files.items():
        try:
            found[name] = _secret(file)
        except ValueError as error:
            problems.append(f"{variable(name)}{FROM_FILE}: {error}")
    return found, problems


def _secret(file: str) -> str:
    """What a file holds, without the line's end that every editor adds. ValueError, saying what to do, where it holds
    nothing: an empty one would silently mean the default, a database of its own that knows nobody."""
    if not file:
        raise ValueError("it is empty. Give the name of a file, or take the variable away.")
    try:
        value = Path(file).expanduser().read_text("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not text in UTF-8. Write the value into it again.") from None
    except OSError as error:
        raise ValueError(
            f"{file} cannot be read ({error.strerror}). Make it readable for user id {os.geteuid()}, "
            "or give the name of another file."
        ) from None
    if not value.strip():
        raise ValueError(f"{file} is empty. Write the value into it.")
    if "\n" in value:
        raise ValueError(f"{file} has several lines. Leave the value alone in it.")
    return value
