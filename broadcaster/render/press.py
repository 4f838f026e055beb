"""PDFs: tagged, PDF/UA-1, set by Typst out of a layout of ours and data. Nothing of the data is ever a layout (ADR 14).

Each is set in a process of its own with bounds: a paper that goes wrong takes neither the web process nor the machine.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from broadcaster.domain.errors import Unavailable
from broadcaster.render import typesetter

TIMEOUT_S = 30.0
MOST_BYTES = 6_000_000  # of content: twice a pack of as many messages as one takes
AT_ONCE = 2
LAYOUTS = frozenset({"pack", "poster"})


class Press:
    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def printed(self, layout: str, content: Mapping[str, Any], *, at: datetime) -> bytes:
        """The PDF, made as if at this time: the same content gives the same bytes. Unavailable where it cannot be made
        now, or not within its bounds."""
        if layout not in LAYOUTS:
            raise ValueError(layout)
        with ExitStack() as stack:
            root = stack.enter_context(as_file(files("templates.pdf")))
            asked = {
                "layout": str(root / f"{layout}.typ"),
                "root": str(root),
                "fonts": str(root / "fonts"),
                "content": content,
                "at": int(at.timestamp()),
            }
            given = json.dumps(asked).encode()
            if len(given) > MOST_BYTES:
                raise Unavailable(
                    "There is too much of it for one PDF. Take a smaller part. Nothing was made."
                )
            return self._run(given)

    def _run(self, given: bytes) -> bytes:
        if not self._free.acquire(timeout=self._timeout_s):
            raise Unavailable("Other PDFs are being made just now. Try again in a minute. Nothing was made.")
        try:
            # Isolated, and with no environment: it needs no secret and cannot find one.
            command = [sys.executable, "-I", str(Path(typesetter.__file__))]
            done = subprocess.run(  # noqa: S603 - our own file
                command, input=given, capture_output=True, timeout=self._timeout_s, check=False, env={}
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"The PDF was not made within {self._timeout_s:.0f} seconds, and that was ended. Nothing was made."
            ) from error
        finally:
            self._free.release()
        if done.returncode or not done.stdout.startswith(b"%PDF"):
            raise Unavailable(f"The PDF could not be made: {_why(done.stderr)} Nothing was made.")
        return done.stdout


def _why(said: bytes) -> str:
    """Its last words; of a process that the kernel ended, there are none that mean anything to a person."""
    lines = said.decode(errors="replace").strip().splitlines()
    last = lines[-1].removeprefix("typst.TypstError: ") if lines else ""
    meant = last.endswith("font here has.") or (lines and "TypstError" in lines[-1])
    return last[:300] if meant else "it took more time or memory than one paper may."
