"""The checkpoints of the log."""

from __future__ import annotations

import sys

from broadcaster.audit.verifier.notes import Keys, Note
from broadcaster.audit.verifier.verdict import Verdict


class Chain:
    """Each holds the hash of the one before: so the last signature vouches for all."""

    def __init__(self, keys: list[str], verdict: Verdict) -> None:
        self.keys, self.verdict = Keys(keys), verdict
        self.wholes: list[str] = []  # every one that can be read
        self.last: Note | None = None  # none where the last one cannot be read
        self.agreed = [0]  # the sizes of those that agree with the events
        self.signed_up_to = sys.maxsize  # from there on another key signed

    @property
    def good(self) -> int:
        """So many events are under the last one that agreed."""
        return self.agreed[-1]

    def add(self, note: Note) -> None:
        if "next-key" in note.lines and self.keys.signed(note):
            self.keys.add(note.lines["next-key"])
        self.last = note
        self.wholes.append(note.whole)

    def follows(self, note: Note) -> None:
        before, said = self.last, note.lines.get("previous")
        if before is None:
            if said is None or self.verdict.checkpoints > 1:
                return  # the first one; or the one before could not be read, which has been told
        elif said == before.digest:
            return
        whole = before is None or self.keys.signed(before)
        start = before.size + 1 if before is not None and whole else self._size_of(-2) + 1
        what = "altered" if not whole or not self.keys.signed(note) else "taken out"
        self.verdict.add(min(start, self.good + 1), f"a checkpoint up to event {note.size} was {what}")

    def _size_of(self, place: int) -> int:
        return Note(self.wholes[place]).size if len(self.wholes) >= abs(place) else 0

    def ends_signed(self) -> None:
        """Whoever signs with another key has to from some checkpoint on: the last one before that is searched by halves."""
        if self.last is None or self.keys.signed(self.last):
            return
        low, high = 0, len(self.wholes) - 1  # the last one is not signed
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.keys.signed(Note(self.wholes[middle])) else (low, middle)
        size = Note(self.wholes[low - 1]).size if low else 0
        self.signed_up_to = size
        self.verdict.add(size + 1, f"from event {size + 1} on no checkpoint is signed by the key of this log")
