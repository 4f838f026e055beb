"""Checks an export of a crisis broadcaster's audit log, or the proof of one message. Needs Python 3.9 and nothing else.

    python3 verify_audit.py audit.jsonl --key "$(cat key-you-were-given)" --anchors checkpoints-you-kept.txt
    python3 verify_audit.py proof.json --key ...

Exit codes: 0 whole; 1 altered, with the number of the first event that nobody can trust; 2 wrong usage; 3 whole, but the end of
the log was never laid down outside (so whoever runs the database could still replace it); 4 cannot be read.

What is checked: every event against its hash; all hashes, in their order, against the roots of the signed checkpoints
(RFC 6962, c2sp.org/tlog-checkpoint, Ed25519); every outcome of a sending against the event that vouches for it; the checkpoints
that were laid down outside against the log. Without --key the key comes from the file itself, and whoever made the file could have
made the key: ask the organisation for its key by another way, or compare it with an earlier one.
"""

from __future__ import annotations

import argparse
import base64
import email
import email.policy
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

FORMAT, PROOF_FORMAT = "broadcaster-audit-2", "broadcaster-audit-proof-1"
ANCHORED_WITHIN = timedelta(minutes=15)
MOST_PROBLEMS = 50
UTC = timezone.utc  # noqa: UP017 - Python 3.9 has no datetime.UTC, and an auditor may have no newer one
WHOLE, ALTERED, TAIL_OPEN, UNREADABLE = 0, 1, 3, 4
OUTCOMES = b'{"act":"outcomes_recorded",'
SUBMITTED, APPROVED = "message_submitted", "message_approved_and_released"


class Unreadable(Exception):
    """The file is no export, or is cut off."""


@dataclass
class Verdict:
    """`problems` are (number of the first event concerned, what is wrong). `anchored` is how many events are under a
    checkpoint that was laid down outside; `open_since` since when the first one after those waits for that."""

    events: int = 0
    checkpoints: int = 0
    unsealed: int = 0
    anchored: int = 0
    open_since: str = ""
    tail_open: bool = False
    key: str = ""
    pinned: bool = False
    problems: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def first_bad(self) -> int | None:
        return min((no for no, _ in self.problems), default=None)

    @property
    def code(self) -> int:
        return ALTERED if self.problems else TAIL_OPEN if self.tail_open else WHOLE

    def add(self, no: int, what: str) -> None:
        if len(self.problems) < MOST_PROBLEMS or no < (self.first_bad or 0):
            self.problems.append((no, what))


# --- the tree (RFC 6962, 2.1) -------------------------------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The right edge of a tree: all that is needed to add leaves and to tell the root."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        full = self.size
        while full & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            full >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def copy(self) -> Tree:
        twin = Tree()
        twin.size, twin.peaks = self.size, self.peaks[:]
        return twin

    def root(self) -> bytes:
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        found = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            found = node_hash(peak, found)
        return found


def root_of_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that an audit path leads to (RFC 9162, 2.1.3.2), or None where it is too long or too short."""
    last, rest = size - 1, list(path)
    while last > 0:
        if index % 2 == 1 or index < last:
            if not rest:
                return None
            beside = rest.pop(0)
            leaf = node_hash(beside, leaf) if index % 2 else node_hash(leaf, beside)
        index, last = index >> 1, last >> 1
    return None if rest else leaf


# --- Ed25519 (RFC 8032, 5.1 and 6) --------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    o, q = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, q - o, q + o, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            found = _add(found, point)
        point, factor = _add(point, point), factor >> 1
    return found


def _decompress(encoded: bytes) -> Point | None:
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = _decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_holds(key: bytes, message: bytes, signature: bytes) -> bool:
    public, r, s = _decompress(key), _decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if BASE is None or public is None or r is None or len(signature) != 64 or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    a, b = _times(s, BASE), _add(r, _times(h, public))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


# --- signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint) ------------------------------------------


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


# --- the log ------------------------------------------------------------------------------------------------


class Log:
    """Goes through an export once, line by line, and keeps next to nothing of it."""

    def __init__(self, keys: list[str], anchors: list[str], tsa_ca: str = "") -> None:
        self.verdict = Verdict(pinned=bool(keys))
        self.keys, self.tsa_ca = Keys(keys), tsa_ca
        self.tree, self.intact = Tree(), True  # intact: no leaf is missing so far
        self.twin: Tree | None = None  # by what the events say, since the first one that its hash belies
        self.good = 0  # events under the last checkpoint that agreed
        self.before: Note | None = None
        self.chain: list[str] = []  # every checkpoint that can be read
        self.agreed: list[int] = []  # the sizes of those that agree with the events
        self.signed_up_to = sys.maxsize  # from there on another key signed
        self.anchors: dict[int, list[str]] = {}
        self.newest_anchor = 0  # how many events it is over
        self.met: dict[int, str] = {}  # checkpoints of the log at the sizes of anchors
        self.roots: dict[int, bytes] = {}  # of the sizes that anchors are about
        self.stamped: dict[int, str] = {}
        self.waits_for: tuple[int, bytes] | None = None  # an event whose outcomes come next
        self.exported_at = ""
        for each in anchors:
            self.anchor(each)

    def header(self, header: dict[str, Any]) -> None:
        self.exported_at = header["exported_at"]
        if not self.verdict.pinned:
            for key in header["keys"]:
                self.keys.add(key)

    def anchor(self, whole: str) -> None:
        try:
            size = Note(whole).size
            self.anchors.setdefault(size, []).append(whole)
            self.newest_anchor = max(self.newest_anchor, size)
        except ValueError:
            self.verdict.add(1, "a checkpoint that was laid down outside cannot be read")

    def event(self, data: bytes, leaf: str, no: int) -> None:
        self._outcomes_missing()
        expected = self.verdict.events + 1
        if no != expected and self.intact:
            self.verdict.add(expected, f"event {expected} is missing")
            self.intact = False
        self.verdict.events += 1
        own = leaf_hash(data)
        if own.hex() != leaf:
            self.verdict.add(
                expected, f"event {expected} is not what was sealed: it, or its hash, was altered"
            )
            if self.intact and self.twin is None:
                self.twin = self.tree.copy()
        if self.intact:
            self.tree.append(bytes.fromhex(leaf) if re.fullmatch("[0-9a-f]{64}", leaf) else own)
            if self.twin:
                self.twin.append(own)
            if self.tree.size in self.anchors:
                self.roots[self.tree.size] = self.tree.root()
        if no == self.newest_anchor + 1:
            self._open(_said(data))
        if data.startswith(OUTCOMES):
            self.waits_for = (expected, data)

    def outcomes(self, no: int, rows: list[dict[str, Any]]) -> None:
        waited, self.waits_for = self.waits_for, None
        if waited is None or waited[0] != no:
            self.verdict.add(no, f"outcomes stand where none belong, at event {no}")
        elif problem := outcomes_problem(_said(waited[1]), rows):
            self.verdict.add(no, f"event {no}: {problem}")

    def _outcomes_missing(self) -> None:
        if self.waits_for:
            self.verdict.add(
                self.waits_for[0], f"the outcomes that event {self.waits_for[0]} vouches for are missing"
            )
            self.waits_for = None

    def checkpoint(self, whole: str, size: int) -> None:
        self._outcomes_missing()
        self.verdict.checkpoints += 1
        try:
            note = Note(whole)
        except ValueError:
            self.verdict.add(self.good + 1, f"the checkpoint after event {size} cannot be read")
            self.before = None
            return
        if note.size != size:
            self.verdict.add(self.good + 1, f"the checkpoint after event {size} is one of {note.size} events")
        self._follows(note)
        if self.intact and note.size == self.tree.size:
            self._agrees(note)
        elif self.intact and note.size > self.tree.size:
            missing = self.tree.size + 1
            self.verdict.add(
                missing, f"the log ends before event {missing}, and its checkpoint had {note.size}"
            )
        if "next-key" in note.lines and self.keys.signed(note):
            self.keys.add(note.lines["next-key"])
        self.before = note
        self.chain.append(whole)
        if size in self.anchors:
            self.met[size] = whole

    def _agrees(self, note: Note) -> None:
        if self.twin and note.root == self.twin.root():
            self.tree = self.twin  # the events are whole, and their hashes were altered
        if note.root == self.tree.root():
            self.twin = None
            self.good = note.size
            self.agreed.append(note.size)
            if note.size in self.anchors:
                self.roots[note.size] = note.root
        else:
            one = (
                f"event {note.size}"
                if note.size == self.good + 1
                else f"one of the events {self.good + 1} to {note.size}"
            )
            self.verdict.add(
                self.good + 1, f"{one} is not what was signed: it was altered together with its hash"
            )
            self.intact = False  # everything after would only repeat it

    def _follows(self, note: Note) -> None:
        """Each checkpoint holds the hash of the one before: so the last signature vouches for all."""
        said, before = note.lines.get("previous"), self.before
        if before is None and said is None and self.verdict.checkpoints == 1:
            return
        if before is not None and said == before.digest:
            return
        if before is None and self.verdict.checkpoints > 1:
            return  # the one before could not be read, which has been told
        whole = before is None or self.keys.signed(before)
        start = before.size + 1 if before is not None and whole else self._size_of(-2) + 1
        what = "altered" if not whole or not self.keys.signed(note) else "taken out"
        self.verdict.add(min(start, self.good + 1), f"a checkpoint up to event {note.size} was {what}")

    def _size_of(self, place: int) -> int:
        return Note(self.chain[place]).size if len(self.chain) >= abs(place) else 0

    def timestamp(self, size: int, token: str) -> None:
        if self.before is None or self.before.size != size:
            self.verdict.add(
                size, f"a time stamp belongs to a checkpoint of {size} events, which is not there"
            )
            return
        raw = base64.b64decode(token)
        if hashlib.sha256(self.before.whole.encode()).digest() not in raw:
            self.verdict.add(
                size, f"the time stamp of the checkpoint after event {size} is about something else"
            )
        elif self.tsa_ca and not stamp_holds(self.before.whole, raw, self.tsa_ca):
            self.verdict.add(
                size, f"openssl does not accept the time stamp of the checkpoint after event {size}"
            )
        else:
            self.stamped[size] = "checked" if self.tsa_ca else "not checked"

    def unsealed(self, data: bytes) -> None:
        self.verdict.unsealed += 1
        event = _said(data)
        if not event:
            no = self.verdict.events + 1
            self.verdict.add(no, "an event that is not sealed yet cannot be read: it was altered")
        self._open(event)

    def _open(self, event: dict[str, Any]) -> None:
        at = str(event.get("at", ""))
        if (at and not self.verdict.open_since) or "" < at < self.verdict.open_since:
            self.verdict.open_since = at

    def end(self, events: int, checkpoints: int) -> Verdict:
        self._outcomes_missing()
        v = self.verdict
        if (events, checkpoints) != (v.events, v.checkpoints):
            raise Unreadable(
                f"the file says it has {events} events and {checkpoints} checkpoints; it has others"
            )
        if v.events > self.good and not v.problems:
            v.add(self.good + 1, f"the events from {self.good + 1} on are under no checkpoint")
        if self.before and not self.keys.texts:
            raise Unreadable("it holds no key of the log: name the one that you were given, with --key")
        if self.before and not self.keys.signed(self.before):
            self._say_where_the_key_ends()
        v.key = self.keys.texts[-1] if self.keys.texts else ""
        self._compare_anchors()
        v.tail_open = bool(v.open_since) and _time(self.exported_at) - _time(v.open_since) > ANCHORED_WITHIN
        self._say_stamps()
        return v

    def _say_where_the_key_ends(self) -> None:
        """Whoever signs with another key has to from some checkpoint on: the last one before that is searched by halves."""
        low, high = 0, len(self.chain) - 1  # the last one is not signed
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.keys.signed(Note(self.chain[middle])) else (low, middle)
        size = Note(self.chain[low - 1]).size if low else 0
        self.signed_up_to = size
        self.verdict.add(size + 1, f"from event {size + 1} on no checkpoint is signed by the key of this log")

    def _compare_anchors(self) -> None:
        v = self.verdict
        for size, wholes in sorted(self.anchors.items()):
            for note in map(Note, wholes):
                of_the_log = note.whole == self.met.get(size) and size <= self.signed_up_to
                if not of_the_log and not self.keys.signed(note):
                    v.add(
                        size,
                        f"what was laid down outside after event {size} is not signed by the key of this log",
                    )
                elif size > v.events:
                    v.add(
                        v.events + 1,
                        f"the log has {v.events} events; outside it is laid down that it had {size}",
                    )
                elif size in self.roots and self.roots[size] != note.root:
                    v.add(
                        self._first_unlike(size),
                        f"the first {size} events are not those that were laid down outside",
                    )
                elif size in self.roots:
                    v.anchored = max(v.anchored, size)

    def _first_unlike(self, size: int) -> int:
        """After the last anchor, or signed checkpoint, below that agrees."""
        signed = [s for s in self.agreed if s < size and s <= self.signed_up_to]
        return max([*signed, self.verdict.anchored], default=0) + 1

    def _say_stamps(self) -> None:
        if self.stamped:
            how = (
                "checked with openssl"
                if self.tsa_ca
                else "not checked: give the authority's certificates with --tsa-ca"
            )
            last = max(self.stamped)
            self.verdict.notes.append(
                f"{len(self.stamped)} time stamps of a third party, the last after event {last} ({how})."
            )


def outcomes_problem(event: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """What is wrong with the outcomes that an event vouches for, or nothing."""
    tree, counts = Tree(), {}  # type: ignore[var-annotated]
    for row in rows:
        tree.append(leaf_hash(_canonical(row)))
        counts[row.get("outcome")] = counts.get(row.get("outcome"), 0) + 1
    said = event.get("payload")
    if not isinstance(said, dict) or tree.root().hex() != said.get("root") or counts != said.get("counts"):
        return "its outcomes (who accepted what, and when) are not those that were recorded"
    return ""


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
    moment = datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return ["-attime", str(int(moment.timestamp()))]


# --- reading ------------------------------------------------------------------------------------------------


def verify(lines: Iterable[bytes], *, keys: list[str], anchors: list[str], tsa_ca: str = "") -> Verdict:
    """Of an export, line by line. Unreadable where it is none, or is cut off."""
    log, rest = Log(keys, anchors, tsa_ca), iter(lines)
    header = _json(next(rest, b""))
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
    said = _json(line)
    if "outcomes" in said:
        log.outcomes(said["no"], said["outcomes"])
    elif "checkpoint" in said:
        log.checkpoint(said["checkpoint"], said["size"])
    elif "timestamp" in said:
        log.timestamp(said["size"], said["timestamp"])
    elif "anchor" in said:
        log.anchor(said["anchor"])
    elif "end" in said:
        return log.end(said["end"]["events"], said["end"]["checkpoints"])
    else:
        raise Unreadable("a line of the export is of no known kind")
    return None


def verify_proof(proof: dict[str, Any], *, keys: list[str]) -> Verdict:
    """Of one message: its events stand in the signed log, and its documents are those that the events name."""
    known, verdict = Keys(keys or proof["keys"]), Verdict(pinned=bool(keys))
    note = Note(proof["checkpoint"])
    if not known.signed(note):
        verdict.add(1, "the checkpoint is not signed by the key of this log")
    manifests: dict[str, set[str]] = {SUBMITTED: set(), APPROVED: set()}
    for each in proof["events"]:
        no, data = each["no"], each["event"].encode()
        path = [bytes.fromhex(step) for step in each["path"]]
        if no > note.size or root_of_path(leaf_hash(data), no - 1, note.size, path) != note.root:
            verdict.add(no, f"event {no} does not stand in the signed log")
        event = _json(data)
        if event.get("subject") != proof["message"]:
            verdict.add(no, f"event {no} is about something else")
        if "outcomes" in each and (problem := outcomes_problem(event, each["outcomes"])):
            verdict.add(no, f"event {no}: {problem}")
        if event["act"] == "outcomes_recorded" and "outcomes" not in each:
            verdict.add(no, f"the outcomes that event {no} vouches for are missing")
        if event["act"] in manifests:
            manifests[event["act"]].add(event["payload"]["manifest_sha256"])
        verdict.events += 1
    for problem in _document_problems(
        proof.get("documents", []), manifests[APPROVED] or manifests[SUBMITTED]
    ):
        verdict.add(1, problem)
    verdict.checkpoints, verdict.key = 1, known.texts[-1] if known.texts else ""
    return verdict


def _document_problems(documents: list[dict[str, str]], manifests: set[str]) -> Iterator[str]:
    """The manifest is the approved one, or the submitted one where none was approved; the posts are those that it names. No
    other digest counts: people type into reasons and posts what they like."""
    posts: set[str] = set()
    for document in documents:
        is_manifest = document["name"] == "manifest"
        if hashlib.sha256(document["text"].encode()).hexdigest() not in (manifests if is_manifest else posts):
            yield f"the {document['name']} is not what the events name"
        elif is_manifest:
            posts = {target["post_sha256"] for target in json.loads(document["text"])["targets"]}


def _json(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        raise Unreadable("a line of the file is no JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("a line of the file is no object")
    return found


def _said(data: bytes) -> dict[str, Any]:
    """What an event says; nothing where it was altered so that nobody can read it, which its hash tells."""
    try:
        return _json(data)
    except Unreadable:
        return {}


def _canonical(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)  # altered: as old as can be
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# --- saying -------------------------------------------------------------------------------------------------


def in_words(v: Verdict) -> Iterator[str]:
    signed = "checkpoint" if v.checkpoints == 1 else "checkpoints"
    yield f"{v.events:,} events, {v.checkpoints:,} signed {signed}" + (
        f", {v.unsealed} not sealed yet." if v.unsealed else "."
    )
    for no, what in sorted(v.problems)[:10]:
        yield f"ALTERED at event {no}: {what}."
    if v.problems:
        yield f"Trust nothing from event {v.first_bad} on. Keep the database as it is, and compare it with a backup and an earlier export."
    elif v.tail_open:
        yield f"Whole, but what was written since {v.open_since} is not laid down outside: whoever runs the database could still replace it."
    else:
        yield "Whole: no event was altered, added or taken out."
    if v.anchored:
        yield f"The first {v.anchored:,} events are those that were laid down outside."
    yield from v.notes
    if v.key:
        yield f"Key: {v.key}" + (
            ""
            if v.pinned
            else "\nThe key was taken from the file itself. Compare it with the one you were given, or name that one with --key."
        )


def as_dict(v: Verdict) -> dict[str, Any]:
    said = {
        name: getattr(v, name)
        for name in (
            "events",
            "checkpoints",
            "unsealed",
            "anchored",
            "open_since",
            "key",
            "pinned",
            "first_bad",
        )
    }
    said["problems"] = [{"event": no, "text": what} for no, what in sorted(v.problems)]
    return {"code": v.code, **said}


def verify_file(path: str, *, keys: list[str], anchors: list[str], tsa_ca: str = "") -> Verdict:
    """An export or a proof, whichever it is."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            first = file.readline()
            if PROOF_FORMAT.encode() in first[:200]:
                return verify_proof(_json(first + file.read()), keys=keys)
            file.seek(0)
            return verify(file, keys=keys, anchors=anchors, tsa_ca=tsa_ca)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"{path} says too little or too much ({error!r})") from error


def main(arguments: list[str] | None = None, write: Callable[[str], object] = print) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help="what `broadcaster audit export` or `broadcaster audit prove` wrote")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        help="the log's public key, as you were given it; may be repeated",
    )
    parser.add_argument(
        "--anchors",
        action="append",
        default=[],
        help="a file of checkpoints that were kept outside; may be repeated",
    )
    parser.add_argument(
        "--tsa-ca", default="", help="certificates (PEM) of the authority whose time stamps are in the export"
    )
    parser.add_argument("--json", action="store_true", help="the result for programs")
    given = parser.parse_args(arguments)
    try:
        anchors = [note for path in given.anchors for note in notes_of(path)]
        verdict = verify_file(given.file, keys=given.key, anchors=anchors, tsa_ca=given.tsa_ca)
    except Unreadable as error:
        write(
            json.dumps({"code": UNREADABLE, "error": str(error)})
            if given.json
            else f"Cannot be checked: {error}."
        )
        return UNREADABLE
    write(json.dumps(as_dict(verdict)) if given.json else "\n".join(in_words(verdict)))
    return verdict.code


def notes_of(path: str) -> list[str]:
    try:
        raw = Path(path).read_bytes()
        notes = read_notes(raw.decode("utf-8", "replace").replace("\r\n", "\n")) or read_notes(
            _mail_text(raw)
        )
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


if __name__ == "__main__":
    sys.exit(main())
