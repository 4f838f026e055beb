"""Checkpoints as signed notes: c2sp.org/tlog-checkpoint on c2sp.org/signed-note, with Ed25519.

The lines that a checkpoint of ours has beside the three of the specification: `time`, `previous` (SHA-256 of the checkpoint
before, so that one signature vouches for all of them) and, where the key changes, `next-key`.
"""

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"


@dataclass(frozen=True)
class Signer:
    """A key with the name of the log it signs. `str()` and `repr()` show the public half."""

    name: str
    _key: Ed25519PrivateKey

    @classmethod
    def new(cls, name: str) -> Self:
        """ValueError for a name that a note cannot hold. An empty one: a name that is nobody else's."""
        name = name or f"crisis-broadcaster/{secrets.token_hex(4)}"
        if "+" in name or any(c.isspace() for c in name):
            raise ValueError(f'"{name}" cannot be a log\'s name: no spaces and no plus sign')
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `to_text` wrote. ValueError for anything else."""
        kind, _, name, _, encoded = text.strip().split("+", 4)
        raw = base64.b64decode(encoded, validate=True)
        if kind != "PRIVATE" or raw[:1] != ED25519:
            raise ValueError("this is no Ed25519 signing key")
        return cls(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))

    def to_text(self) -> str:
        seed = self._key.private_bytes_raw()
        encoded = base64.b64encode(ED25519 + seed).decode()
        return f"PRIVATE+KEY+{self.name}+{self._id().hex()}+{encoded}\n"

    @property
    def public(self) -> str:
        """The key by which anybody can check: `name+id+key`, as c2sp.org/signed-note writes it."""
        return f"{self.name}+{self._id().hex()}+{base64.b64encode(ED25519 + self._public()).decode()}"

    def sign(self, text: str) -> str:
        """The whole note. `text` ends with a newline."""
        signature = self._id() + self._key.sign(text.encode())
        return f"{text}\n— {self.name} {base64.b64encode(signature).decode()}\n"

    def _public(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def _id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self._public()).digest()[:4]

    def __repr__(self) -> str:
        return self.public


def checkpoint(
    signer: Signer, *, size: int, root: bytes, at: datetime, previous: str, next_key: str = ""
) -> str:
    """The signed note over the first `size` events. `previous` is the note before, empty for the first."""
    lines = [signer.name, str(size), base64.b64encode(root).decode()]
    lines.append(f"time {at.astimezone(UTC).isoformat(timespec='milliseconds')}")
    if previous:
        lines.append(f"previous {hashlib.sha256(previous.encode()).hexdigest()}")
    if next_key:
        lines.append(f"next-key {next_key}")
    return signer.sign("".join(f"{line}\n" for line in lines))


def size_and_root(note: str) -> tuple[int, bytes]:
    """What a checkpoint says; ValueError where it is none. Its signature is not looked at."""
    lines = note.split("\n")
    try:
        return int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError) as error:
        raise ValueError("this is no checkpoint") from error


class SealKey:
    """The signing key in its file, readable by its owner only, and the one that follows it when keys change.

    A change takes two steps, each of which may be repeated: `prepare` lays the next key beside the present one, and the sealer,
    once it has signed a checkpoint that names it, makes it the present one (`change`). The former key is destroyed then.
    """

    def __init__(self, path: Path, *, name: str = "") -> None:
        self._path, self._next = path, path.with_suffix(".next")
        self._name = name

    def load_or_create(self) -> Signer:
        try:
            return _read(self._path)
        except FileNotFoundError:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_new(self._path, Signer.new(self._name))
            return _read(self._path)  # another process may have been quicker

    def next(self) -> Signer | None:
        try:
            return _read(self._next)
        except FileNotFoundError:
            return None

    def prepare(self) -> Signer:
        """The next key; the one that is prepared already where there is one."""
        _write_new(self._next, Signer.new(self.load_or_create().name))
        return _read(self._next)

    def discard(self) -> None:
        """The next key is not wanted after all."""
        self._next.unlink(missing_ok=True)

    def change(self) -> None:
        self._next.replace(self._path)


def _read(path: Path) -> Signer:
    text = path.read_text()
    try:
        return Signer.from_text(text)
    except ValueError as error:
        raise ValueError(f"{path} is no signing key; put the right one back from a backup") from error


def _write_new(path: Path, signer: Signer) -> None:
    """Whole or not at all, and never over another one: link() refuses where the name is taken."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(signer.to_text())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
