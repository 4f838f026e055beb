"""Works on the log in a process by itself, through the product's own code, and prints seconds and its own peak of memory in MB.

`seal` gives everything that waits its place in the tree; `export FILE` writes what `broadcaster audit export` writes.
Reads the installation's settings from the environment.
"""

import os
import sys
import time
from pathlib import Path

from broadcaster.bootstrap import Parts, build
from broadcaster.cli.sandbox_setup import ensure_people
from broadcaster.queue import NoBells
from broadcaster.settings import Settings
from tests.bench.house import peak_memory_mb


def seal(parts: Parts) -> None:
    parts.seal.seal()


def export(parts: Parts, path: Path) -> None:
    auditor = parts.people.who(ensure_people(parts)["auditor"])
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in parts.audit.export(auditor))


def main(what: str, *path: str) -> None:
    parts = build(Settings.load(), channels={}, bells=NoBells())
    began = time.monotonic()
    if what == "seal":
        seal(parts)
    else:
        export(parts, Path(*path))
    print(time.monotonic() - began, peak_memory_mb(os.getpid()))  # noqa: T201
    parts.database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
