"""Looking for what must not be found: a person's number and name, in every form, in tables, files and logs."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who must not be found. `kept` are the bytes that stood for the number in the database: its index, its sealing."""

    number: str
    name: str
    kept: tuple[bytes, ...] = ()

    def traces(self) -> dict[str, bytes]:
        """What would give this person away, by what it is. Of the number what every way of writing it ends with."""
        found = {"number": self.number.removeprefix("+44").encode(), "name": self.name.encode()}
        for no, each in enumerate(self.kept):
            coded = {"bytes": each, "hex": each.hex().encode(), "base64": base64.b64encode(each)}
            found |= {f"kept {no} as {how}": value for how, value in coded.items()}
        return found

    def in_bytes(self, content: bytes) -> list[str]:
        digits = re.sub(rb"(?<=\d)[ .()-]+(?=\d)", b"", content)  # 07700 900-123
        return [what for what, trace in self.traces().items() if trace in content or trace in digits]

    def in_tables(self, snapshot: dict[str, list[tuple[Any, ...]]]) -> list[tuple[str, str]]:
        """Tables and what was found there, in whichever column."""
        return [(name, what) for name, rows in snapshot.items() for row in rows for what in self._in_row(row)]

    def _in_row(self, row: tuple[Any, ...]) -> list[str]:
        cells = (bytes(c) if isinstance(c, bytes | memoryview) else str(c).encode() for c in row)
        return [what for cell in cells for what in self.in_bytes(cell)]

    def in_files(self, folder: Path, *, but: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Files below a folder and what was found there, but for those of these names."""
        return [
            (str(file.relative_to(folder)), what)
            for file in _files(folder, but)
            for what in self.in_bytes(file.read_bytes())
        ]


def _files(folder: Path, but: tuple[str, ...]) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name not in but)
