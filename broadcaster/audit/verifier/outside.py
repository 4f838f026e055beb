"""What was laid down outside."""

from __future__ import annotations

from collections.abc import Iterator

from broadcaster.audit.verifier.chain import Chain
from broadcaster.audit.verifier.notes import Note
from broadcaster.audit.verifier.verdict import Verdict


class Outside:
    """Checkpoints that others kept, and what the log has at their sizes."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.kept: dict[int, list[str]] = {}
        self.newest = 0  # how many events it is over
        self.met: dict[int, str] = {}  # checkpoints of the log
        self.roots: dict[int, bytes] = {}  # of the log's events

    def add(self, whole: str) -> None:
        try:
            size = Note(whole).size
            self.kept.setdefault(size, []).append(whole)
            self.newest = max(self.newest, size)
        except ValueError:
            self.verdict.add(1, "a checkpoint that was laid down outside cannot be read")

    def compare(self, chain: Chain) -> None:
        for note in self._notes():
            of_the_log = note.whole == self.met.get(note.size) and note.size <= chain.signed_up_to
            if not of_the_log and not chain.keys.signed(note):
                what = (
                    f"what was laid down outside after event {note.size} is not signed by the key of this log"
                )
                self.verdict.add(note.size, what)
            else:
                self._compare(note, chain)

    def _notes(self) -> Iterator[Note]:
        for size in sorted(self.kept):
            yield from map(Note, self.kept[size])

    def _compare(self, note: Note, chain: Chain) -> None:
        v, size = self.verdict, note.size
        if size > v.events:
            v.add(v.events + 1, f"the log has {v.events} events; outside it is laid down that it had {size}")
        elif self.roots.get(size) == note.root:
            v.anchored = max(v.anchored, size)
        elif size in self.roots:
            agreed = [s for s in chain.agreed if s < size and s <= chain.signed_up_to]
            first = max([*agreed, v.anchored]) + 1
            v.add(first, f"the first {size} events are not those that were laid down outside")
