"""Whether what was seen in a night contradicts itself. Knows no clock, no network and no story: what the watcher wrote down is all.

A message goes out on one channel after the other, so for some seconds one surface shows the new text and another still the one
before: that is a message on its way, and `SETTLES_S` bounds it. At any moment, within that too, none of these may be seen:

- two texts of one incident current on one surface;
- a surface that goes back to an earlier text;
- the wrong place in a current text of a surface that has shown the correction; on Facebook, where a correction is written over
  the post, in any text;
- a correction that does not say what it corrects;
- nothing where something is in force: the page, the list and the feeds never fall silent before the end;
- an exercise or a test on a live surface.

And what is over is not current: `ENDS_WITHIN_S` after its end, page, list, feeds and wall say so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.storm.surfaces import ALERT, FEED, JSON, LIST, PAGE, SAYS_ITS_END, WALL_FACEBOOK
from tests.storm.watcher import Record, Sight

SETTLES_S = 15.0
ENDS_WITHIN_S = 10.0
BLIND_S = 15.0  # longer than this between two looks, and what was shown meanwhile is not known
FEWEST_LOOKS = 20
MOST_FAILED = 10


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    at_s: float
    surface: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """The place that was wrong, the message that named it, and the one that corrected it."""

    place: str
    of: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One sight, read: `current` are the messages that count as current, `texts` all texts there."""

    surface: str
    current: tuple[str, ...]
    texts: Mapping[str, str]
    sight: Sight


class Judge:
    def __init__(self, record: Record, corrected: Corrected | None = None) -> None:
        self._record, self._corrected = record, corrected
        self.order = _order(record)
        self._seen = [self._read(sight) for sight in record.sights]

    def contradictions(self) -> list[Contradiction]:
        """All of them, the earliest first; none where nothing was wrong."""
        found = [
            *self._two_at_once(),
            *self._backwards(),
            *self._apart(),
            *self._wrong_place(),
            *self._not_linked(),
            *self._silent(),
            *self._not_ended(),
            *self._no_exercise(),
            *self._blind(),
        ]
        return sorted(found, key=lambda each: (each.at_s, each.surface))

    def arrivals(self, ref: str) -> dict[str, float]:
        """When each surface was first seen to show a message as current, in seconds of the night. The list names pages, so it
        says nothing of that."""
        found: dict[str, float] = {}
        for seen in self._seen:
            if ref in seen.current and seen.surface != LIST:
                found.setdefault(seen.surface, seen.sight.first_s)
        return found

    # --- the rules ------------------------------------------------------------------------------------------

    def _two_at_once(self) -> Iterator[Contradiction]:
        for seen in self._seen:
            by_incident: dict[str, list[str]] = {}
            for ref in seen.current:
                by_incident.setdefault(self._incident(ref), []).append(ref)
            for refs in by_incident.values():
                if len(refs) > 1:
                    yield _of(seen, f"shows {' and '.join(refs)} as current at once")

    def _backwards(self) -> Iterator[Contradiction]:
        newest: dict[tuple[str, str], str] = {}
        for seen in self._seen:
            for ref in seen.current:
                at = (seen.surface, self._incident(ref))
                if self._rank(ref) < self._rank(newest.get(at, ref)):
                    yield _of(seen, f"goes back from {newest[at]} to {ref}")
                newest[at] = max(newest.get(at, ref), ref, key=self._rank)

    def _apart(self) -> Iterator[Contradiction]:
        surfaces = {seen.surface for seen in self._seen if seen.surface != LIST and seen.current}
        for ref in self.order:
            arrivals = self.arrivals(ref)
            for surface in sorted(surfaces - arrivals.keys()):
                yield Contradiction(
                    at_s=min(arrivals.values()), surface=surface, what=f"was never seen to show {ref}"
                )
            late = {s: at for s, at in arrivals.items() if at - min(arrivals.values()) > SETTLES_S}
            for surface, at in late.items():
                behind = at - min(arrivals.values())
                yield Contradiction(
                    at_s=at, surface=surface, what=f"shows {ref} {behind:.1f} s behind the first"
                )

    def _wrong_place(self) -> Iterator[Contradiction]:
        if not self._corrected:
            return
        arrivals = self.arrivals(self._corrected.by)
        everywhere = min(arrivals.values(), default=float("inf")) + SETTLES_S
        for seen in self._seen:
            since = min(arrivals.get(seen.surface, everywhere), everywhere)
            texts = seen.texts if seen.surface == WALL_FACEBOOK else {r: seen.texts[r] for r in seen.current}
            if seen.sight.last_s > since and any(self._corrected.place in text for text in texts.values()):
                yield Contradiction(
                    at_s=max(since, seen.sight.first_s),
                    surface=seen.surface,
                    what=f"still names {self._corrected.place}",
                )

    def _not_linked(self) -> Iterator[Contradiction]:
        """A correction says what it corrects. A CAP alert does so by its references, and the list has no room for it."""
        if not self._corrected:
            return
        of, by = self._corrected.of, self._corrected.by
        for seen in self._seen:
            says_it = seen.surface.startswith((ALERT, LIST)) or f"(Ref {of})" in seen.texts.get(by, "")
            if by in seen.current and not says_it:
                yield _of(seen, f"does not say that {by} corrects {of}")

    def _silent(self) -> Iterator[Contradiction]:
        """Only the site's own surfaces: posts and texts stand among others' on a wall that shows the newest."""
        said: dict[str, tuple[str, ...]] = {}
        for seen in self._seen:
            before = said.get(seen.surface, ())
            if _of_site(seen.surface) and before and not seen.current and not self._over(before[-1], seen):
                yield _of(seen, f"shows nothing, while {before[-1]} is in force")
            said[seen.surface] = seen.current

    def _not_ended(self) -> Iterator[Contradiction]:
        for seen in self._seen:
            for ref in seen.current:
                end = self._end(ref, seen)
                if end and seen.surface not in SAYS_ITS_END:
                    late = seen.sight.last_at - end
                    if late > timedelta(seconds=ENDS_WITHIN_S):
                        what = f"shows {ref} as current {late.total_seconds():.0f} s after its end"
                        yield Contradiction(at_s=seen.sight.last_s, surface=seen.surface, what=what)

    def _no_exercise(self) -> Iterator[Contradiction]:
        for seen in self._seen:
            if seen.sight.shown.wrong:
                yield _of(seen, f"on a live surface: {seen.sight.shown.wrong}")

    def _blind(self) -> Iterator[Contradiction]:
        """A watcher who saw little can say little: that is no clean night either."""
        for surface, looks in self._record.looks.items():
            if looks < FEWEST_LOOKS:
                yield Contradiction(at_s=0, surface=surface, what=f"was looked at {looks} times only")
            gap = self._record.longest_gap_s.get(surface, 0.0)
            if gap > BLIND_S:
                yield Contradiction(at_s=0, surface=surface, what=f"was not seen for {gap:.0f} s")
        if not self._record.looks:
            yield Contradiction(at_s=0, surface="everything", what="nothing was ever seen")
        if len(self._record.failed) > MOST_FAILED:
            what = f"{len(self._record.failed)} looks failed, the first at {self._record.failed[0]}"
            yield Contradiction(at_s=0, surface="the watcher", what=what)

    # --- reading --------------------------------------------------------------------------------------------

    def _read(self, sight: Sight) -> Seen:
        texts = {self._message(sight, ref): text for ref, text in sight.shown.live.items()}
        current = list(texts)
        if sight.surface in SAYS_ITS_END:
            current = list({self._incident(ref): ref for ref in reversed(current)}.values())
        return Seen(surface=sight.surface, current=tuple(current), texts=texts, sight=sight)

    def _message(self, sight: Sight, ref: str) -> str:
        """What a CAP alert calls by its page and a number is the message that the page showed so many messages in."""
        page, _, number = ref.partition("-")
        shown = self._shown_on(page)
        return shown[int(number) - 1] if number and int(number) <= len(shown) else ref

    def _end(self, ref: str, seen: Seen) -> datetime | None:
        """Of a line of the list: the end of what its page showed last, by the end of this sight."""
        showing = [
            each
            for sight in self._record.sights
            if seen.surface == LIST
            and sight.surface == f"{PAGE} {ref}"
            and sight.first_s <= seen.sight.last_s
            for each in sight.shown.live
        ]
        return self._record.facts.ends.get(showing[-1] if showing else ref)

    def _shown_on(self, page: str) -> Sequence[str]:
        return [
            ref
            for ref in self.order
            if any(s.surface == f"{PAGE} {page}" and ref in s.shown.live for s in self._record.sights)
        ]

    def _incident(self, ref: str) -> str:
        return self._record.facts.incident.get(ref, "") or ref

    def _rank(self, ref: str) -> int:
        return self.order.index(ref) if ref in self.order else -1

    def _over(self, ref: str, seen: Seen) -> bool:
        end, sight = self._end(ref, seen), seen.sight
        return end is not None and sight.last_at - timedelta(seconds=sight.last_s - sight.first_s) >= end


def _order(record: Record) -> list[str]:
    """Messages in the order in which they were first seen anywhere."""
    found: dict[str, float] = {}
    for sight in record.sights:
        if not sight.surface.startswith((ALERT, LIST)):
            for ref in sight.shown.live:
                found[ref] = min(sight.first_s, found.get(ref, sight.first_s))
    return sorted(found, key=lambda ref: found[ref])


def _of_site(surface: str) -> bool:
    return surface.startswith((PAGE, LIST, JSON, FEED, ALERT))


def _of(seen: Seen, what: str) -> Contradiction:
    return Contradiction(at_s=seen.sight.first_s, surface=seen.surface, what=what)
