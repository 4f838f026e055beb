"""The chapters of an inquiry pack that tell what was known, written and decided about one message."""

from collections.abc import Iterator
from datetime import datetime

from broadcaster.domain.audit_told import FACTORS, STATES, many
from broadcaster.domain.paper import NOT_RECORDED, Block, Lines, Points, Section, Words, table
from broadcaster.service.pack_frame import ACCEPTED_IS_NOT_READ, Frame

#: What people decided, and what followed because nobody did.
DECISIONS = frozenset(
    {
        *("message_submitted", "message_approved_and_released", "message_returned", "message_rejected"),
        *(
            "message_edited",
            "submission_expired",
            "broadcast_stopped",
            "unknown_decided",
            "failed_tried_again",
        ),
        *("posted_by_hand", "told_by_hand"),
    }
)
ENDS_WAITING = frozenset(
    {
        *("message_approved_and_released", "message_returned", "message_rejected", "message_edited"),
        "submission_expired",
    }
)


class Decided(Frame):
    def sections(self) -> Iterator[Section]:
        yield Section(title="In short", blocks=tuple(self._in_short()))
        yield Section(title="What was known, and from whom", blocks=tuple(self._what_was_known()))
        yield Section(title="Who decided what, and when", blocks=tuple(self._decisions()))
        yield from self._versions()

    def _in_short(self) -> Iterator[Block]:
        k, approval = self._known, self._known.approval
        states = self._totals()
        rows = [
            ("What it said", k.facts.headline),
            ("What to do", k.facts.instruction),
            ("Where", k.facts.area),
            ("Reference", f"{k.message.ref}, version {k.message.version}, incident {k.incident}"),
            ("Mode", "live: it spoke to the public" if k.message.mode == "live" else "exercise"),
            ("Who may read it", str(k.message.visibility)),
            ("State", self._state()),
            ("Handed over by", approval.submitted_by if approval else self._last_hand() or NOT_RECORDED),
            ("Approved by", self._approved_by()),
            ("Waited for approval", self._waited_in_short()),
            ("Released", self._at(k.broadcast.released_at) if k.broadcast else "never"),
            ("First accepted", self._first_accepted()),
            (
                "Outcome",
                ", ".join(f"{n:,} {STATES.get(s, s)}" for s, n in states.items()) or "nothing was sent",
            ),
        ]
        yield Lines(rows=tuple(rows))
        yield Words(text=ACCEPTED_IS_NOT_READ)

    def _state(self) -> str:
        return (
            f"{self._known.message.state}; {self._board.state}"
            if self._board.state
            else self._board.message_state
        )

    def _last_hand(self) -> str:
        return self._known.handed_over[-1].submitted_by if self._known.handed_over else ""

    def _approved_by(self) -> str:
        approval = self._known.approval
        if approval is None:
            return "nobody"
        how = FACTORS.get(approval.factor, approval.factor) or f"(second factor {NOT_RECORDED})"
        return f"{approval.approved_by}, with {how}, {self._at(approval.approved_at)}"

    def _waits(self) -> list[tuple[datetime, datetime | None, str]]:
        """Each time that it waited for a decision: since when, until when, and what ended it."""
        found: list[tuple[datetime, datetime | None, str]] = []
        since: datetime | None = None
        for each in self._known.events:
            at = datetime.fromisoformat(each.at)
            if since is not None and each.act in ENDS_WAITING:
                found.append((since, at, each.act))
                since = None
            if each.act == "message_submitted":
                since = at
        return [*found, (since, None, "")] if since else found

    def _waited_in_short(self) -> str:
        waits = self._waits()
        if not waits:
            return "it was never handed over"
        return "; ".join(
            f"{(until - since).total_seconds():,.0f} seconds" if until else "still waiting"
            for since, until, _ in waits
        )

    def _first_accepted(self) -> str:
        seconds = [p.seconds for p in self._board.places if p.seconds is not None]
        return f"{min(seconds):.1f} seconds after release (public posts)" if seconds else NOT_RECORDED

    def _what_was_known(self) -> Iterator[Block]:
        k = self._known
        rows = [
            (str(w.no), self._begun(w.no), dict(w.lines).get("Who says so", NOT_RECORDED))
            for w in k.story.wordings
        ]
        yield table(
            "What each version names as its source",
            ("Version", "Written", "Who says so"),
            rows,
            parts=(1, 4, 6),
            nothing="No version was written.",
        )
        yield Lines(
            rows=(
                ("Kind of event", k.facts.event),
                ("Severity", str(k.facts.severity)),
                ("Urgency", str(k.facts.urgency)),
                ("Certainty", str(k.facts.certainty)),
                ("In force from", self._at(k.facts.starts)),
                ("In force until", self._at(k.facts.expires)),
                ("Calls, feeds, measurements", f"{NOT_RECORDED} here, but for what the decisions below say"),
            )
        )

    def _begun(self, version: int) -> str:
        return next((self._at(m.at) for m in self._known.story.moments if m.version == version), NOT_RECORDED)

    def _decisions(self) -> Iterator[Block]:
        rows = [self._row(e) for e in self._known.events if e.act in DECISIONS]
        yield table(
            "Decisions, in the order in which they were taken",
            ("When", "Event", "What"),
            rows,
            parts=(4, 2, 11),
            numbers=(1,),
            nothing="Nothing was decided about it yet.",
        )
        waits = [
            (
                self._at(since),
                f"{(until - since).total_seconds():,.1f}" if until else "still waiting",
                _ended_by(act),
            )
            for since, until, act in self._waits()
        ]
        yield table(
            "How long it waited for a second person",
            ("Handed over", "Seconds", "Ended by"),
            waits,
            parts=(5, 3, 8),
            numbers=(1,),
            nothing="It was never handed over, so it never waited.",
        )
        paged = f"Who was paged, who acknowledged, and whom it was escalated to: {NOT_RECORDED}."
        yield Points(
            items=("Where somebody approved under a delegation, the decision above names it.", paged)
        )

    def _versions(self) -> Iterator[Section]:
        story = self._known.story
        text = (
            f"{many(len(story.wordings), 'version')} {'was' if len(story.wordings) == 1 else 'were'} written."
        )
        yield Section(title="What was written, version by version", blocks=(Words(text=text),))
        for each in story.wordings:
            moments = [m.text for m in story.moments if m.version == each.no]
            blocks: list[Block] = [Words(text=" ".join(moments))] if moments else []
            blocks.append(Lines(rows=each.lines))
            if each.changes:
                blocks.append(Words(text="What changed since the version before:"))
                blocks.append(Points(items=tuple(f"{c.name}: {c.said}" for c in each.changes)))
            yield Section(title=f"Version {each.no}", blocks=tuple(blocks), level=2)


def _ended_by(act: str) -> str:
    return {
        "message_approved_and_released": "approval",
        "message_returned": "being given back",
        "message_rejected": "rejection",
        "message_edited": "a change of the message",
        "submission_expired": "nobody's answer in time",
        "": "nothing yet",
    }[act]
