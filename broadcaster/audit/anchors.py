"""Where checkpoints are laid down outside of the database: files here, from which people and programs take them away."""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from broadcaster.audit.verifier.notes import read_notes

MOST_BYTES = 4_096  # of one note; ours have about 300


class AnchorFolder:
    """`checkpoints.txt` and `keys.txt` (the public keys of the log), to which is only ever added, and `timestamps/SIZE.tsr`
    with the tokens of a third party.

    Whoever can write this folder and the database can replace both: give the folder to another user, or keep copies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "checkpoints.txt"
        self.key_file = folder / "keys.txt"
        self.timestamps = folder / "timestamps"

    def add(self, note: str) -> None:
        """Add a note, for good when this returns. OSError where it cannot be written."""
        self._append(self.file, f"{note}\n")

    def add_key(self, key: str) -> None:
        """Once."""
        if key not in self.keys():
            self._append(self.key_file, f"{key}\n")

    def keys(self) -> list[str]:
        """All that this log was ever signed with, the present one last."""
        try:
            return self.key_file.read_text().split()
        except FileNotFoundError:
            return []

    def _append(self, path: Path, text: str) -> None:
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            whole = text.encode()
            written = os.write(descriptor, whole)  # one call: another writer's line stays whole
            if written < len(whole):  # a full disk: half a note must not look like one that somebody altered
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def notes(self) -> list[str]:
        """All, the oldest first."""
        try:
            return read_notes(self.file.read_text())
        except FileNotFoundError:
            return []

    def latest(self, number: int) -> list[str]:
        """At most so many, the newest last. Only the end of the file is read, which grows for as long as the log does."""
        try:
            with self.file.open("rb") as file:
                length = file.seek(0, os.SEEK_END)
                start = max(0, length - number * MOST_BYTES)
                file.seek(start)
                text = file.read().decode(errors="replace")
        except FileNotFoundError:
            return []
        if start:
            text = text.partition("\n\n")[2]  # the note in which the cut fell must not pass for one
        return read_notes(text)[-number:]

    def add_timestamp(self, size: int, token: bytes) -> bool:
        """Whole or not at all. False where there is one of that size already, which stays: after a restore it belongs to
        what was lost, and tells of that."""
        self.timestamps.mkdir(mode=0o750, parents=True, exist_ok=True)
        draft = self.timestamps / f".{size}-{os.getpid()}.tsr"
        try:
            with draft.open("wb") as file:
                file.write(token)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, self.timestamps / f"{size}.tsr")
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    def is_stamped(self, size: int) -> bool:
        return (self.timestamps / f"{size}.tsr").exists()

    def stamped(self) -> Iterator[tuple[int, bytes]]:
        """Size and token, in the order of size."""
        if not self.timestamps.is_dir():
            return
        found = sorted(int(p.stem) for p in self.timestamps.iterdir() if re.fullmatch(r"\d+\.tsr", p.name))
        for size in found:
            yield size, (self.timestamps / f"{size}.tsr").read_bytes()
