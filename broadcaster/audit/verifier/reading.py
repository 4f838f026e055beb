"""Reading a file."""

from __future__ import annotations

from collections.abc import Iterable

from broadcaster.audit.verifier.events import json_object
from broadcaster.audit.verifier.log import Log
from broadcaster.audit.verifier.proof import PROOF_FORMAT, verify_proof
from broadcaster.audit.verifier.verdict import Unreadable, Verdict

FORMAT = "broadcaster-audit-2"


def verify(lines: Iterable[bytes], *, keys: list[str], anchors: list[str], tsa_ca: str = "") -> Verdict:
    """Of an export, line by line. Unreadable where it is none, or is cut off."""
    log, rest = Log(keys, anchors, tsa_ca), iter(lines)
    header = json_object(next(rest, b""))
    if header.get("format") != FORMAT:
        raise Unreadable(f"this is no export of an audit log (format {FORMAT})")
    try:
        log.header(header)
        for line in rest:
            if (ended := _take(log, line.rstrip(b"\n"))) is not None:
                return ended
    except (KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"a line of the export says too little or too much ({error})") from error
    raise Unreadable("the file is cut off: its last line is missing. Copy it again, or export anew")


def _take(log: Log, line: bytes) -> Verdict | None:
    if line.startswith(b'{"event":'):
        at = line.rfind(b',"leaf":"')
        leaf, number = line[at + 9 :].split(b'","no":')
        log.event(line[9:at], leaf.decode(), int(number[:-1]))
        return None
    if line.startswith(b'{"unsealed":'):
        log.unsealed(line[12:-1])
        return None
    said = json_object(line)
    if "outcomes" in said:
        log.outcomes(said["no"], said["outcomes"])
    elif "checkpoint" in said:
        log.checkpoint(said["checkpoint"], said["size"])
    elif "timestamp" in said:
        log.timestamp(said["size"], said["timestamp"])
    elif "anchor" in said:
        log.outside.add(said["anchor"])
    elif "end" in said:
        return log.end(said["end"]["events"], said["end"]["checkpoints"])
    else:
        raise Unreadable("a line of the export is of no known kind")
    return None


def verify_file(path: str, *, keys: list[str], anchors: list[str], tsa_ca: str = "") -> Verdict:
    """An export or a proof, whichever it is."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            first = file.readline()
            if PROOF_FORMAT.encode() in first[:200]:
                return verify_proof(json_object(first + file.read()), keys=keys)
            file.seek(0)
            return verify(file, keys=keys, anchors=anchors, tsa_ca=tsa_ca)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"{path} says too little or too much ({error!r})") from error
