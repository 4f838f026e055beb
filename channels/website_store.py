"""The website's memory: one JSON document per message, and files that appear whole or not at all."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class SiteStore:
    """The folder of one site. Every method may raise OSError."""

    def __init__(self, site_dir: Path) -> None:
        self._site = site_dir
        self._documents = site_dir / ".alerts"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time, over processes and threads; the lock goes with its process."""
        self._site.mkdir(parents=True, exist_ok=True)
        self._documents.mkdir(mode=0o700, exist_ok=True)  # for us alone: the server has no business in there
        descriptor = os.open(self._site / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def try_writing(self) -> None:
        """What the next message needs: both folders, and room for a file in each. Nothing of it stays."""
        self._site.mkdir(parents=True, exist_ok=True)
        self._documents.mkdir(mode=0o700, exist_ok=True)
        for folder in (self._site, self._documents):
            draft = _draft(folder / "probe")
            try:
                _write(draft, b"probe")
            finally:
                draft.unlink(missing_ok=True)

    def documents(self) -> dict[str, Document]:
        """Every message published so far, by its reference."""
        found = {}
        for path in sorted(self._documents.glob("*.json")):
            document: Document = json.loads(path.read_bytes())
            found[document["reference"]] = document
        return found

    def document_path(self, reference: str) -> Path:
        return self._documents / f"{reference}.json"

    def page_path(self, reference: str) -> Path:
        return self._site / "alerts" / reference.lower() / "index.html"

    def remove(self, names: Iterable[str]) -> None:
        """Files that nothing shows any more, after what showed them is gone."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        return self._site / name

    def put(self, files: Mapping[Path, bytes]) -> None:
        """All the files, in this order, each whole; those that are like this already are left alone.

        Their dates stay too, so that a browser that asks again every minute is told that nothing has changed. First
        every byte is written and flushed beside its place; only then are they renamed into place. So a full disk leaves
        the site as it was.
        """
        drafts: list[tuple[Path, Path]] = []
        changed = {path: content for path, content in files.items() if not _has(path, content)}
        try:
            for path, content in changed.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                drafts.append((_draft(path), path))
                _write(drafts[-1][0], content)
            for draft, path in drafts:
                draft.replace(path)
        finally:
            for draft, _ in drafts:
                draft.unlink(missing_ok=True)
        for folder in {path.parent for path in files}:  # what a crashed writer left alike may not be safe yet
            _flush_folder(folder)


def _has(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except (FileNotFoundError, NotADirectoryError):
        return False


def _draft(path: Path) -> Path:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    os.close(descriptor)
    return Path(name)


def _write(draft: Path, content: bytes) -> None:
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), 0o644)  # mkstemp's 0600 would lock the web server out
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
