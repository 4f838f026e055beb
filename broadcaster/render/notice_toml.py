"""A notice template as a file, to be edited and given back: what `read_notice` reads."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from broadcaster.domain.notice import NoticeTemplate

_TABLES = ("blanks", "refused")


def notice_toml(template: NoticeTemplate) -> str:
    """The whole file, without its name: that is the file's."""
    content = template.to_json()
    alone = {k: v for k, v in content.items() if k not in {"name", "wording", *_TABLES}}
    wording = ["", "[wording]", *_lines(content["wording"])]
    return "\n".join([*_lines(alone), *wording, *tables_toml(template).splitlines()]) + "\n"


def tables_toml(template: NoticeTemplate) -> str:
    """Its blanks and what they refuse."""
    content = template.to_json()
    lines: list[str] = []
    for name in _TABLES:
        for each in content.get(name, ()):
            lines += ["", f"[[{name}]]", *_lines(each)]
    return "\n".join(lines) + "\n"


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    """What is empty is left out: it is the same as what is not there."""
    for name, value in values.items():
        if value or value is False:
            yield f"{name} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, str) and "\n" in value:
        lines = "\n".join(_escaped(line) for line in value.split("\n"))
        return f'"""\n{lines}"""'
    if isinstance(value, str):
        return f'"{_escaped(value)}"'
    return json.dumps(value)


def _escaped(text: str) -> str:
    """As a basic string of TOML has it: JSON's escapes are all known to it. DEL is the one that JSON leaves as it is."""
    return json.dumps(str(text), ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")
