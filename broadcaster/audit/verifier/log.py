"""The log."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from broadcaster.audit.verifier.chain import Chain
from broadcaster.audit.verifier.events import outcomes_problem, said_by, time_of
from broadcaster.audit.verifier.notes import Note
from broadcaster.audit.verifier.outside import Outside
from broadcaster.audit.verifier.stamps import Stamps
from broadcaster.audit.verifier.tree import Tree, leaf_hash
from broadcaster.audit.verifier.verdict import Unreadable, Verdict

ANCHORED_WITHIN = timedelta(minutes=15)
OUTCOMES = b'{"act":"outcomes_recorded",'


class Log:
    """Goes through an export once, line by line, and keeps next to nothing of it."""

    def __init__(self, keys: list[str], anchors: list[str], tsa_ca: str = "") -> None:
        self.verdict = Verdict(pinned=bool(keys))
        self.tree, self.intact = Tree(), True  # intact: no leaf is missing so far
        self.twin: Tree | None = None  # by what the events say, since the first one that its hash belies
        self.chain = Chain(keys, self.verdict)
        self.outside = Outside(self.verdict)
        self.stamps = Stamps(tsa_ca)
        self.waits_for: tuple[int, bytes] | None = None  # an event whose outcomes come next
        self.exported_at = ""
        for each in anchors:
            self.outside.add(each)

    def header(self, header: dict[str, Any]) -> None:
        self.exported_at = header["exported_at"]
        if not self.verdict.pinned:
            for key in header["keys"]:
                self.chain.keys.add(key)

    def event(self, data: bytes, leaf: str, no: int) -> None:
        self._outcomes_missing()
        expected = self.verdict.events + 1
        if no != expected and self.intact:
            self.verdict.add(expected, f"event {expected} is missing")
            self.intact = False
        self.verdict.events += 1
        own = leaf_hash(data)
        if own.hex() != leaf:
            what = f"event {expected} is not what was sealed: it, or its hash, was altered"
            self.verdict.add(expected, what)
            if self.intact and self.twin is None:
                self.twin = self.tree.copy()
        if self.intact:
            self._append(bytes.fromhex(leaf) if re.fullmatch("[0-9a-f]{64}", leaf) else own, own)
        if no == self.outside.newest + 1:
            self._open(said_by(data))
        if data.startswith(OUTCOMES):
            self.waits_for = (expected, data)

    def _append(self, leaf: bytes, own: bytes) -> None:
        self.tree.append(leaf)
        if self.twin:
            self.twin.append(own)
        if self.tree.size in self.outside.kept:
            self.outside.roots[self.tree.size] = self.tree.root()

    def outcomes(self, no: int, rows: list[dict[str, Any]]) -> None:
        waited, self.waits_for = self.waits_for, None
        if waited is None or waited[0] != no:
            self.verdict.add(no, f"outcomes stand where none belong, at event {no}")
        elif problem := outcomes_problem(said_by(waited[1]), rows):
            self.verdict.add(no, f"event {no}: {problem}")

    def _outcomes_missing(self) -> None:
        if self.waits_for:
            no, self.waits_for = self.waits_for[0], None
            self.verdict.add(no, f"the outcomes that event {no} vouches for are missing")

    def checkpoint(self, whole: str, size: int) -> None:
        self._outcomes_missing()
        self.verdict.checkpoints += 1
        first_open = self.chain.good + 1
        try:
            note = Note(whole)
        except ValueError:
            self.verdict.add(first_open, f"the checkpoint after event {size} cannot be read")
            self.chain.last = None
            return
        if note.size != size:
            self.verdict.add(first_open, f"the checkpoint after event {size} is one of {note.size} events")
        self.chain.follows(note)
        if self.intact and note.size == self.tree.size:
            self._agrees(note)
        elif self.intact and note.size > self.tree.size:
            missing = self.tree.size + 1
            what = f"the log ends before event {missing}, and its checkpoint had {note.size}"
            self.verdict.add(missing, what)
        self.chain.add(note)
        if size in self.outside.kept:
            self.outside.met[size] = whole

    def _agrees(self, note: Note) -> None:
        if self.twin and note.root == self.twin.root():
            self.tree = self.twin  # the events are whole, and their hashes were altered
        if note.root == self.tree.root():
            self.twin = None
            self.chain.agreed.append(note.size)
            if note.size in self.outside.kept:
                self.outside.roots[note.size] = note.root
        else:
            no = self.chain.good + 1
            which = f"event {no}" if note.size == no else f"one of the events {no} to {note.size}"
            self.verdict.add(no, f"{which} is not what was signed: it was altered together with its hash")
            self.intact = False  # everything after would only repeat it

    def timestamp(self, size: int, token: str) -> None:
        if problem := self.stamps.problem(size, token, self.chain.last):
            self.verdict.add(size, problem)

    def unsealed(self, data: bytes) -> None:
        self.verdict.unsealed += 1
        event = said_by(data)
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
        v, chain = self.verdict, self.chain
        if (events, checkpoints) != (v.events, v.checkpoints):
            raise Unreadable(
                f"the file says it has {events} events and {checkpoints} checkpoints; it has others"
            )
        if v.events > chain.good and not v.problems:
            v.add(chain.good + 1, f"the events from {chain.good + 1} on are under no checkpoint")
        if chain.last and not chain.keys.texts:
            raise Unreadable("it holds no key of the log: name the one that you were given, with --key")
        chain.ends_signed()
        v.key = chain.keys.texts[-1] if chain.keys.texts else ""
        self.outside.compare(chain)
        if v.open_since:
            v.tail_open = time_of(self.exported_at) - time_of(v.open_since) > ANCHORED_WITHIN
        v.notes += self.stamps.in_words()
        return v
