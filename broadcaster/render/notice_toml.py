"""A notice template as a file, to be edited and given back: what `read_notice` reads."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from broadcaster.domain.notice import NoticeTemplate

_TABLES = ("blanks", "refused")


def notice_toml(template: NoticeTemplate) -> str:
    """The whole file, without its name: that is the file's."""
    content = template.to_json()
    alone = {k: v for k, v in content.items() if k not in {"name", "wording", "languages", *_TABLES}}
    wording = ["", "[wording]", *_lines(content["wording"])]
    return "\n".join([*_lines(alone), *wording, *tables_toml(template).splitlines()]) + "\n"


def tables_toml(template: NoticeTemplate) -> str:
    """Its blanks and what they refuse, and its other languages."""
    content = template.to_json()
    lines: list[str] = []
    for name in _TABLES:
        for each in content.get(name, ()):
            lines += ["", f"[[{name}]]", *_lines(each)]
    for code, other in content.get("languages", {}).items():
        lines += _language(f"languages.{code}", other)
    return "\n".join(lines) + "\n"


def _language(name: str, other: Mapping[str, Any]) -> Iterator[str]:
    tables = {key: value for key, value in other.items() if isinstance(value, dict)}
    yield from ("", f"[{name}]")
    yield from _lines({k: v for k, v in other.items() if k not in tables and k != "refused"})
    for key, values in tables.items():
        yield from ("", f"[{name}.{key}]", *_lines(values))
    for each in other.get("refused", ()):
        yield from ("", f"[[{name}.refused]]", *_lines(each))


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
