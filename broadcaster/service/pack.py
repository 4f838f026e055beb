"""The inquiry pack: all that an inquiry asks about a message, or about all messages of an incident, as one tagged PDF.

It tells what is recorded, and says of the rest that it is not. The log and its proof stay what proves it; the paper is for reading.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

from broadcaster.db import audit_log, incidents, messages
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Mode
from broadcaster.domain.paper import NOT_RECORDED, Block, Lines, Paper, Points, Section, Words
from broadcaster.domain.policy import Action, require
from broadcaster.render.press import Press
from broadcaster.service.board import Boards
from broadcaster.service.incidents import Whole, whole_of
from broadcaster.service.pack_decided import Decided
from broadcaster.service.pack_frame import in_full
from broadcaster.service.pack_incident import incident_chapter
from broadcaster.service.pack_known import Known, known_of
from broadcaster.service.pack_sent import Sent
from broadcaster.service.sealed import Sealed, SealState

MOST_MESSAGES = 40


@dataclass(frozen=True, kw_only=True)
class Pack:
    """`name` is what the file is called, `sha256` what the log says of it."""

    name: str
    content: bytes
    sha256: str


class InquiryPacks:
    def __init__(
        self,
        database: Database,
        boards: Boards,
        sealed: Sealed,
        press: Press,
        *,
        zone: ZoneInfo,
        organisation: str,
    ) -> None:
        self._database = database
        self._boards = boards
        self._sealed = sealed
        self._press = press
        self._zone = zone
        self._organisation = organisation

    def of(self, actor: Person, ref: str) -> Pack:
        """Of the message or the incident with this reference. NotFound where there is neither; Unavailable where it cannot
        be made now. That it was taken, with the digest of the file, is an event that is written before anybody has it."""
        require(actor.name, actor.roles, Action.AUDIT)
        with self._database.read() as tx:
            is_incident = messages.by_ref(tx, ref) is None and messages.incident_by_ref(tx, ref) is not None
        return self._of_incident(actor, ref.upper()) if is_incident else self._of_message(actor, ref)

    def _of_message(self, actor: Person, ref: str) -> Pack:
        known = self._known(ref)
        ref = known.message.ref
        around = incident_chapter(self._whole(known.incident), self._zone)
        sections = [*self._chapters(known), around, self._seal(actor, ref, [ref], known.events)]
        paper = self._paper(actor, ref, known.facts.headline, known.message.mode, sections, known.now)
        return self._taken(actor, ref, paper, known.now)

    def _of_incident(self, actor: Person, ref: str) -> Pack:
        whole = self._whole(ref)
        ref, refs = whole.incident.ref, [each.ref for each in whole.messages]
        if len(refs) > MOST_MESSAGES:
            raise Invalid(
                f"{ref} has {len(refs):,} messages; a pack takes {MOST_MESSAGES}. Take the packs of single messages instead."
            )
        sections, events = [incident_chapter(whole, self._zone)], self._events(ref)
        for known in map(self._known, refs):
            title = f"Message {known.message.ref}: {known.facts.headline}"
            sections += [Section(title=title, blocks=()), *self._chapters(known, deeper=1)]
            events += known.events
        sections.append(self._seal(actor, ref, refs, events))
        live = not whole.messages or any(each.mode == Mode.LIVE for each in whole.messages)
        mode = Mode.LIVE if live else Mode.EXERCISE
        paper = self._paper(actor, ref, whole.incident.name, mode, sections, whole.now)
        return self._taken(actor, ref, paper, whole.now)

    def _whole(self, ref: str) -> Whole:
        with self._database.read() as tx:
            return whole_of(tx, incidents.find(tx, ref))

    def _events(self, subject: str) -> list[AuditEvent]:
        with self._database.read() as tx:
            return list(audit_log.events(tx, subject=subject))

    def _known(self, ref: str) -> Known:
        with self._database.read() as tx:
            return known_of(tx, ref, self._zone)

    def _chapters(self, known: Known, *, deeper: int = 0) -> Iterator[Section]:
        board = self._boards.of(known.message.ref)
        frame = (known, board, self._zone)
        for each in chain(Decided(*frame).sections(), Sent(*frame).sections()):
            yield replace(each, level=each.level + deeper)

    def _paper(
        self, actor: Person, ref: str, subtitle: str, mode: str, sections: Sequence[Section], now: datetime
    ) -> Paper:
        return Paper(
            title=f"Inquiry pack {ref}",
            subtitle=subtitle,
            running=f"Inquiry pack {ref} · {self._organisation}",
            author=self._organisation,
            made=f"Made {in_full(now, self._zone)} by {actor.name}. Times are those of {self._zone.key}.",
            mode=mode,
            sections=tuple(sections),
        )

    def _taken(self, actor: Person, ref: str, paper: Paper, now: datetime) -> Pack:
        content = self._press.printed("pack", paper.to_json(), at=now)
        sha256 = hashlib.sha256(content).hexdigest()
        payload: dict[str, Json] = {"sha256": sha256, "bytes": len(content)}
        with self._database.write() as tx:
            audit_log.append(tx, actor=actor.name, act="inquiry_pack_exported", subject=ref, payload=payload)
        return Pack(name=f"inquiry-pack-{ref}.pdf", content=content, sha256=sha256)

    def _seal(self, actor: Person, ref: str, refs: Sequence[str], events: Sequence[AuditEvent]) -> Section:
        state = self._sealed.state(actor)
        waiting = sum(1 for e in events if e.no is None)
        rows = (
            (
                "Events about it",
                f"{len(events):,}, at these places of the log: {_places_in_the_log(events) or 'none yet'}",
            ),
            ("Not sealed yet", f"{waiting:,}"),
            ("Sealed up to", _laid(state, self._zone)),
            ("Laid down outside", _outside(state, self._zone)),
            ("Time stamps by others", f"up to event {state.stamped:,}" if state.stamped else "none"),
            ("Signed by", state.keys[-1] if state.keys else NOT_RECORDED),
        )
        blocks: list[Block] = [Lines(rows=rows)]
        if waiting:
            blocks.append(
                Words(text="Some of what is told here was not sealed yet when this was made.", strong=True)
            )
        blocks.append(Points(items=_proof(ref, refs)))
        return Section(title="The log, its seal, and the proof", blocks=tuple(blocks))


def _laid(state: SealState, zone: ZoneInfo) -> str:
    if state.newest is None:
        return "nothing is sealed yet"
    return f"event {state.newest.size:,}, signed {in_full(state.newest.at, zone)}"


def _outside(state: SealState, zone: ZoneInfo) -> str:
    if state.outside is None:
        return "nothing yet"
    return f"up to event {state.outside.size:,}, signed {in_full(state.outside.at, zone)}"


def _proof(ref: str, refs: Sequence[str]) -> tuple[str, ...]:
    proved = ", ".join(f"broadcaster audit prove {each}" for each in refs[:12]) or "broadcaster audit export"
    return (
        f"This paper is for reading and proves nothing by itself. The proof is taken with: {proved}.",
        "Anybody can check it on any machine with verify_audit.py and the key that he was given by another way than this paper.",
        f"That this paper was made, by whom, and the SHA-256 of the file, stands in the log under {ref}, as inquiry_pack_exported.",
        f"Costs that were billed, and how often pages were looked at: {NOT_RECORDED} here.",
    )


def _places_in_the_log(events: Sequence[AuditEvent]) -> str:
    """Their places in the log, as ranges: 10 to 15, 18."""
    found: list[list[int]] = []
    for no in sorted(e.no for e in events if e.no):
        if found and no == found[-1][-1] + 1:
            found[-1][1:] = [no]
        else:
            found.append([no])
    told = [str(r[0]) if len(r) == 1 else f"{r[0]:,} to {r[1]:,}" for r in found]
    return ", ".join(told[:60]) + (" and more" if len(told) > 60 else "")
