"""A backup's file: a tar whose last member, the manifest, names every other with its size and SHA-256.

The manifest comes last, so that a file that was cut off has none. It knows nothing of what is inside of the members.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Self

from broadcaster.domain.errors import Invalid, NotFound

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"  # the member with the database's copy
MANIFEST_MOST_BYTES = 64 << 20
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Member:
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`taken_at` is the database's clock just before the copy; `last_event` the number of the last event in it."""

    format: int
    version: str
    schema: str
    taken_at: str
    database: str
    last_event: int
    with_credentials: bool
    files: tuple[Member, ...]

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.taken_at)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        data = json.loads(content)
        return cls(**{**data, "files": tuple(Member(**each) for each in data["files"])})

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()


class Writer:
    """Adds files one by one, and remembers what they were."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self.members: list[Member] = []

    def add(self, path: Path, name: str, *, mode: int) -> None:
        """A file as it is when it is opened. One that is gone by then is left out: pages come and go meanwhile."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            found = os.fstat(file.fileno())
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = found.st_size, mode, int(found.st_mtime)
            reader = _Digesting(file)
            self._archive.addfile(info, reader)  # type: ignore[arg-type]  # it only reads
            self.members.append(Member(name=name, size=info.size, sha256=reader.sha256.hexdigest()))

    def finish(self, manifest: Manifest) -> None:
        content = manifest.to_bytes()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(content), 0o600
        info.mtime = int(datetime.now(UTC).timestamp())
        self._archive.addfile(info, io.BytesIO(content))


class _Digesting:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self.sha256.update(block)
        return block


@contextmanager
def written(path: Path) -> Iterator[Writer]:
    """A new file, readable by its owner only, whole under this name or not there at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                yield Writer(archive)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    finally:
        unfinished.unlink(missing_ok=True)


class Reader:
    """A backup that is read. `manifest` alone proves nothing: `check` reads every byte."""

    def __init__(self, archive: tarfile.TarFile, path: Path) -> None:
        self._archive = archive
        self.path = path
        self._infos = {info.name: info for info in archive.getmembers()}
        self.manifest = self._manifest()

    def check(self, on_progress: Callable[[str], None]) -> None:
        """Invalid where a byte of it is not what the manifest says."""
        if list(self._infos) != [*(m.name for m in self.manifest.files), MANIFEST]:
            raise Invalid(f"{self.path} does not hold the files that its manifest names. Use another backup.")
        for member in self.manifest.files:
            on_progress(f"checking {member.name}")
            sha256 = hashlib.sha256()
            for block in self._blocks(member):
                sha256.update(block)
            if sha256.hexdigest() != member.sha256:
                raise Invalid(
                    f"{self.path} was altered or damaged: {member.name} is not what was saved. Use another backup."
                )

    def extract(self, name: str, to: Path) -> None:
        """One member into a new file, readable by its owner only but for what is public."""
        member = next(m for m in self.manifest.files if m.name == name)
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = self._infos[name].mode & 0o755
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            for block in self._blocks(member):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    def _blocks(self, member: Member) -> Iterator[bytes]:
        info = self._infos.get(member.name)
        source = self._archive.extractfile(info) if info and info.isreg() else None
        if source is None:
            raise Invalid(f"{self.path} lacks {member.name}. Use another backup.")
        while block := source.read(BLOCK_BYTES):
            yield block

    def _manifest(self) -> Manifest:
        info = self._infos.get(MANIFEST)
        if info is None or not info.isreg() or info.size > MANIFEST_MOST_BYTES:
            raise Invalid(f"{self.path} is no backup of the broadcaster, or was cut off. Use another backup.")
        source = self._archive.extractfile(info)
        content = json.loads(source.read()) if source else {}
        if content.get("format") != FORMAT:
            raise Invalid(
                f"{self.path} has form {content.get('format')}, and this version of broadcaster reads form {FORMAT}. "
                "Install the version that made it, or a newer one."
            )
        manifest = Manifest.from_bytes(json.dumps(content).encode())
        if not all(_is_inside(member.name) for member in manifest.files):
            raise Invalid(f"{self.path} names files outside of the data directory. Use another backup.")
        return manifest


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """NotFound or Invalid where it cannot be read as a backup."""
    try:
        with tarfile.open(path, mode="r:") as archive:
            yield Reader(archive, path)
    except FileNotFoundError as error:
        raise NotFound(f"There is no backup {path}.") from error
    except (tarfile.TarError, ValueError, KeyError, TypeError, EOFError) as error:
        raise Invalid(
            f"{path} is no backup of the broadcaster, or was cut off. Use another backup."
        ) from error
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from error


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and str(path) == name
