"""Canonical JSON (RFC 8785) for values of strings, integers, booleans, lists and objects with ASCII keys, and its SHA-256.

Within that subset Python's own encoder writes exactly what RFC 8785 asks for; a test compares it with an
independent implementation. Floats and other keys are refused, since there the two would differ.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

MAX_EXACT_INTEGER = 2**53 - 1  # beyond this a JSON number is not exact for every reader (RFC 8785, 3.2.2.3)


def canonical(value: Json) -> bytes:
    """UTF-8 bytes, the same for equal values. ValueError for what canonical JSON of ours cannot hold."""
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def sha256(value: Json) -> str:
    """Hexadecimal SHA-256 of the canonical bytes."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _check(value: object) -> None:
    match value:
        case None | bool():
            return
        case str():
            value.encode("utf-8")  # a lone surrogate is a ValueError here, not somebody's mojibake later
        case int():
            if abs(value) > MAX_EXACT_INTEGER:
                raise ValueError(f"the integer {value} is too large for canonical JSON")
        case Mapping():
            for key, inner in value.items():
                if not isinstance(key, str) or not key.isascii():
                    raise ValueError(f"the key {key!r} is not ASCII text")
                _check(inner)
        case Sequence():
            for inner in value:
                _check(inner)
        case _:
            raise ValueError(f"canonical JSON of ours holds no {type(value).__name__}")
