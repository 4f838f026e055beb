"""The list of names in two languages: ours, or a file of the administrator's. Knows files; compares nothing."""

import tomllib
from importlib.resources import files
from pathlib import Path

from broadcaster.domain.errors import Invalid
from broadcaster.domain.languages import Names
from broadcaster.domain.tongues import TONGUES


def bilingual_names(file: Path | None) -> Names:
    """By language: the English name -> its own. Invalid, naming the file, where it cannot be read."""
    if file is None:
        content, where = (files("templates.names") / "names.toml").read_bytes(), "templates/names/names.toml"
    else:
        where = str(file)
        try:
            content = file.expanduser().read_bytes()
        except OSError as error:
            raise Invalid(f"The list of names {where} cannot be read ({error.strerror}).") from error
    return _read(content, where)


def _read(content: bytes, where: str) -> Names:
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except ValueError as error:
        raise Invalid(f"The list of names {where} cannot be read: {error}.") from error
    wrong = [
        f"[{code}]: there is no such language; known are {', '.join(TONGUES)}"
        for code in data
        if code not in TONGUES
    ]
    wrong += [
        f"{name!r} under [{code}]: must be text in quotes"
        for code, names in data.items()
        for name, other in (names.items() if isinstance(names, dict) else [(code, 0)])
        if not isinstance(other, str) or not other.strip() or not name.strip()
    ]
    if wrong:
        raise Invalid(f"The list of names {where} cannot be used.", details=tuple(wrong))
    return {code: dict(names) for code, names in data.items()}
