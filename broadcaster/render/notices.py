"""The notice templates that ship with the product, and their examples. Knows files; fills nothing in."""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.notice import NoticeTemplate


def shipped_notices() -> dict[str, NoticeTemplate]:
    """Every shipped notice template by its name. Invalid, naming file and problem, where one is broken."""
    return {name: shipped_notice(name) for name in _names()}


@cache  # they change with the version of this program, and not while it runs
def shipped_notice(name: str) -> NoticeTemplate:
    """One shipped notice template. NotFound, with the nearest name, where there is none."""
    if name not in _names():
        raise NotFound(f'There is no notice template "{name}".{did_you_mean(name, _names())}')
    content = (files("templates.notices") / f"{name}.toml").read_bytes()
    return read_notice(content, name=name, file=f"templates/notices/{name}.toml")


def read_notice(content: bytes, *, name: str, file: str) -> NoticeTemplate:
    """A notice template from the content of a TOML file. Invalid names `file` and lists the problems."""
    try:
        return NoticeTemplate.from_json({**_toml(content, file=file), "name": name})
    except Invalid as problem:
        raise Invalid(f"{file}: {problem.text}", details=problem.details) from problem


def shipped_example(name: str) -> dict[str, str]:
    """Values to fill the shipped notice template of this name with: fictional, and valid whenever they are used."""
    if name not in _names():
        raise NotFound(f'There is no notice template "{name}".{did_you_mean(name, _names())}')
    content = (files("templates.examples") / f"{name}.toml").read_bytes()
    return read_values(content, file=f"templates/examples/{name}.toml")[1]


def shipped_picture(name: str) -> bytes:
    """A JPEG that goes with the example of this name. FileNotFoundError where none ships."""
    return (files("templates.examples") / f"{name}.jpg").read_bytes()


def read_values(content: bytes, *, file: str) -> tuple[str, dict[str, str]]:
    """Name of the notice template and the values for it, from a TOML file such as those in `templates/examples`."""
    data = _toml(content, file=file)
    match data:
        case {"notice": str(notice), "values": dict(values)} if len(data) == 2:
            if wrong := [
                f"{key}: must be text; put it in quotes" for key, v in values.items() if type(v) is not str
            ]:
                raise Invalid(f"{file} cannot be used.", details=tuple(wrong))
            return notice, values
    raise Invalid(f'{file} must have notice = "NAME OF THE TEMPLATE", and its values under [values].')


@cache
def _names() -> list[str]:
    return sorted(_stems())


def _stems() -> Iterator[str]:
    for each in files("templates.notices").iterdir():
        if each.name.endswith(".toml"):
            yield each.name.removesuffix(".toml")


def _toml(content: bytes, *, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except ValueError as error:  # not UTF-8, or not TOML
        raise Invalid(f"{file} cannot be read: {error}.") from error
