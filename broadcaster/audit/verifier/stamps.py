"""Time stamps of a third party (RFC 3161)."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from broadcaster.audit.verifier.notes import Note
from broadcaster.audit.verifier.verdict import Unreadable


class Stamps:
    """Those of a log. Without the authority's certificates it is only looked at what they are about."""

    def __init__(self, tsa_ca: str) -> None:
        self.tsa_ca = tsa_ca
        self.sizes: set[int] = set()

    def problem(self, size: int, token: str, of: Note | None) -> str:
        """What is wrong with the one that stands behind a checkpoint, or nothing."""
        if of is None or of.size != size:
            return f"a time stamp belongs to a checkpoint of {size} events, which is not there"
        raw = base64.b64decode(token)
        if hashlib.sha256(of.whole.encode()).digest() not in raw:
            return f"the time stamp of the checkpoint after event {size} is about something else"
        if self.tsa_ca and not stamp_holds(of.whole, raw, self.tsa_ca):
            return f"openssl does not accept the time stamp of the checkpoint after event {size}"
        self.sizes.add(size)
        return ""

    def in_words(self) -> Iterator[str]:
        how = "not checked: give the authority's certificates with --tsa-ca"
        if self.sizes:
            yield (
                f"{len(self.sizes)} time stamps of a third party, the last after event {max(self.sizes)} "
                f"({'checked with openssl' if self.tsa_ca else how})."
            )


def stamp_holds(note: str, token: bytes, ca: str) -> bool:
    """RFC 3161, by openssl: what it says of the token over the note.

    The authority's certificate is looked at as of the time that the token names: it may have run out since, and the stamp
    is as good as before. Unreadable where nobody could tell: that is no reason to call the log altered.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "note").write_bytes(note.encode())
        Path(folder, "token").write_bytes(token)
        command = ["openssl", "ts", "-verify", "-data", f"{folder}/note", "-in", f"{folder}/token"]
        command += ["-CAfile", ca, *_as_of(token)]
        try:
            Path(ca).read_bytes()
            return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603
        except FileNotFoundError as error:
            lacking = "openssl is not installed" if error.filename == "openssl" else f"{ca} is not there"
            raise Unreadable(f"the time stamps cannot be checked: {lacking}. Leave --tsa-ca out") from error
        except OSError as error:
            raise Unreadable(f"the time stamps cannot be checked: {ca}: {error.strerror}") from error


def _as_of(token: bytes) -> list[str]:
    """-attime and the first moment in the token, which is the one that it vouches for (genTime)."""
    found = re.search(rb"\x18.(\d{14})(?:\.\d+)?Z", token, re.DOTALL)
    if not found:
        return []
    moment = datetime.strptime(f"{found[1].decode()}+0000", "%Y%m%d%H%M%S%z")
    return ["-attime", str(int(moment.timestamp()))]
