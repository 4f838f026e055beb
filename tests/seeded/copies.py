"""A copy of the working tree in a folder of its own, with or without a bug. Nothing is changed in the tree itself."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.postgres import quick_folder
from tests.seeded.patches import ROOT


class DoesNotApply(Exception):
    """The code has gone on since the patch was written."""


@contextmanager
def copy_of(root: Path = ROOT, *, patch: Path | None = None) -> Iterator[Path]:
    """What git knows or would know of the tree, as it lies there now. DoesNotApply where the patch is out of date."""
    with TemporaryDirectory(prefix="seeded-", dir=quick_folder()) as folder:
        copy = Path(folder) / "tree"
        for name in files_of(root):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name, follow_symlinks=False)
        if (beside := root.parent / "shared").is_dir():  # some tests look there, and skip where it is missing
            (copy.parent / "shared").symlink_to(beside)
        if patch:
            apply(patch, copy)
        yield copy


def files_of(root: Path) -> list[str]:
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed.returncode:
        raise SystemExit(f"The tree must be a git repository: {listed.stderr.strip()}")
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def apply(patch: Path, folder: Path, *, only_look: bool = False) -> None:
    """DoesNotApply where it cannot be, and nothing is changed then; with `only_look` nothing is in any case."""
    done = _git(folder, "apply", *(["--check"] if only_look else []), str(patch.resolve()))
    if done.returncode:
        raise DoesNotApply(f"{patch.name} does not apply any more: write it anew. {done.stderr.strip()}")


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A repository further up is none of ours: git would look for the patch's files in it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {**clean, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    return subprocess.run(
        ["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
