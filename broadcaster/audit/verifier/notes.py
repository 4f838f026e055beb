"""Signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from broadcaster.audit.verifier.ed25519 import ed25519_holds
from broadcaster.audit.verifier.verdict import Unreadable


class Keys:
    """Whom to believe: the keys that were given, and those that a checkpoint under one of them names as the next."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.known: dict[tuple[str, bytes], bytes] = {}
        self.texts: list[str] = []
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        found = _key(text.strip())
        if found is None:
            raise Unreadable(f"this is no key of a log: {text!r}")
        name, identifier, key = found
        self.known[name, identifier] = key
        self.texts.append(text.strip())

    def signed(self, note: Note) -> bool:
        """One of these keys signed it, under the name of its log."""
        for name, identifier, signature in note.signatures:
            key = self.known.get((name, identifier))
            if name == note.origin and key and ed25519_holds(key, note.text.encode(), signature):
                return True
        return False


def _key(text: str) -> tuple[str, bytes, bytes] | None:
    """Name, id and the key itself, of `name+id+key`."""
    try:
        name, identifier, encoded = text.split("+", 2)
        raw = _from_base64(encoded)
        expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        whole = len(raw) == 33 and raw[:1] == b"\x01" and bytes.fromhex(identifier) == expected
    except ValueError:
        return None
    return (name, expected, raw[1:]) if whole else None


class Note:
    """A checkpoint taken apart. ValueError where it is none."""

    def __init__(self, whole: str) -> None:
        self.whole = whole
        whole.encode()  # damaged beyond UTF-8: a ValueError
        body, blank, rest = whole.partition("\n\n")
        self.text = body + "\n"
        lines = body.split("\n")
        if not blank or len(lines) < 3 or not re.fullmatch(r"0|[1-9][0-9]*", lines[1]):
            raise ValueError("no checkpoint")
        self.origin, self.size = lines[0], int(lines[1])
        self.root = _from_base64(lines[2])
        self.lines = dict(line.partition(" ")[::2] for line in lines[3:])
        self.signatures = [_signature(line) for line in rest.split("\n")[:-1]]
        if not rest.endswith("\n") or not self.signatures:
            raise ValueError("no signature")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.whole.encode()).hexdigest()


def _from_base64(text: str) -> bytes:
    """ValueError also for another spelling of the same bytes: the last character has bits that nothing reads, and
    whatever differs from what was signed is to be found."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not as base64 writes it")
    return raw


def _signature(line: str) -> tuple[str, bytes, bytes]:
    dash, name, encoded = line.split(" ")
    raw = _from_base64(encoded)
    if dash != "\u2014":
        raise ValueError("no signature")
    return name, raw[:4], raw[4:]


def read_notes(text: str) -> list[str]:
    """The notes of a file in which they stand one after the other, a blank line between them."""
    return [
        found.group(0) for found in re.finditer(r"[^\n]+\n\d+\n(?:[^\n]+\n)+\n(?:\u2014 [^\n]+\n)+", text)
    ]


def notes_of(path: str) -> list[str]:
    """Those of a file, whatever else is in it: a list of them, a feed, a mail."""
    try:
        raw = Path(path).read_bytes()
        text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
        notes = read_notes(text) or read_notes(_mail_text(raw))
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path} cannot be read: {error}") from error
    if not notes:
        raise Unreadable(f"{path} holds no checkpoint")
    return notes


def _mail_text(raw: bytes) -> str:
    """Of a mail as a mailbox keeps it: servers on its way may have written its text in other characters."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    texts = []
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            with suppress(LookupError, ValueError):  # in characters that nobody knows
                texts.append(part.get_content())
    return "\n".join(texts).replace("\r\n", "\n")
