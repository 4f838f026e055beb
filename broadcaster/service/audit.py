"""Reading the audit log: showing it, handing it out, proving one message, and checking all of it."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from broadcaster.audit import export
from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import size_and_root
from broadcaster.audit.verifier.proof import PROOF_FORMAT
from broadcaster.audit.verifier.reading import verify
from broadcaster.audit.verifier.verdict import Verdict
from broadcaster.db import audit_log, broadcasts, messages, redactions, submissions
from broadcaster.db import evidence as stored
from broadcaster.db.audit_log import Checkpoint
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.audit import AuditEvent, event_json
from broadcaster.domain.errors import Stale
from broadcaster.domain.evidence_facts import Evidence, LogFacts
from broadcaster.domain.policy import Action, require
from broadcaster.domain.tree import paths

RECORDED = "outcomes_recorded"
Watched = Callable[[Iterator[str]], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which events are to be shown. Empty: all. `last` is how many at most, the newest; 0 is no limit."""

    ref: str = ""
    by: str = ""
    act: str = ""
    since: datetime | None = None
    until: datetime | None = None
    last: int = 0

    def matches(self, event: AuditEvent) -> bool:
        return (
            self.by in ("", event.actor)
            and self.act in event.act
            and (self.since is None or event.at >= _iso(self.since))
            and (self.until is None or event.at < _iso(self.until))
        )


def _iso(moment: datetime) -> str:
    """As the events have it, so that texts compare as times do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Audit:
    def __init__(self, database: Database, anchors: AnchorFolder) -> None:
        self._database = database
        self._anchors = anchors

    def events(self, actor: Person, wanted: Wanted | str = "") -> list[AuditEvent]:
        """The events that are wanted (a text: those of this message), in the order in which they were written."""
        require(actor.name, actor.roles, Action.AUDIT)
        wanted = Wanted(ref=wanted) if isinstance(wanted, str) else wanted
        with self._database.read() as tx:
            subject = messages.find(tx, wanted.ref).ref if wanted.ref else ""
            found = (e for e in audit_log.events(tx, subject=subject) if wanted.matches(e))
            return list(
                deque(found, maxlen=wanted.last or None)
            )  # of a long log, no more in memory than is shown

    def waits_for_seal(self) -> bool:
        """There is an event that has no place in the tree yet."""
        with self._database.read() as tx:
            return audit_log.unsealed_since(tx) is not None

    def export(self, actor: Person) -> Iterator[str]:
        """The whole log as lines that verify_audit.py checks without this system. Of one moment, and never all of it in
        memory. That it was taken is an event, the last of it or nearly so."""
        require(actor.name, actor.roles, Action.AUDIT)
        with self._database.write() as tx:
            audit_log.append(tx, actor=actor.name, act="audit_log_exported")
        return self._lines(actor.name)

    def verify(
        self,
        *,
        keys: Sequence[str] = (),
        anchors: Sequence[str] = (),
        tsa_ca: str = "",
        watched: Watched = lambda lines: lines,
    ) -> Verdict:
        """Whether the log as it stands in the database is whole: by what checks an export elsewhere. The lines pass through
        `watched`, which may count them, and may end it all by raising."""
        lines = (f"{line}\n".encode("utf-8", "surrogatepass") for line in watched(self._lines("verify")))
        return verify(lines, keys=list(keys), anchors=list(anchors), tsa_ca=tsa_ca)

    def first_bad_event(self) -> int | None:
        """The number of the first event that nobody can trust, or None."""
        return self.verify().first_bad

    def evidence(self, actor: Person, ref: str) -> Evidence:
        """What our database and the log say of a broadcast, for comparing with what the platforms took. Stale where
        nothing was released. All of it in memory: for a look at one broadcast, not for a page."""
        require(actor.name, actor.roles, Action.AUDIT)
        problems = tuple(f"event {no}: {what}" for no, what in self.verify().problems)
        with self._database.read() as tx:
            row = broadcasts.by_message(tx, messages.find(tx, ref).id)
            if row is None:
                raise Stale(f"{ref} was not released, so there is nothing to compare.")
            log = LogFacts(events=tuple(audit_log.events(tx)), problems=problems)
            return stored.of_broadcast(tx, row.id, ref=row.ref, log=log)

    def prove(self, actor: Person, ref: str, *, texts: bool = True) -> dict[str, Any]:
        """That the events of one message stand in the signed log, without the rest of it. `texts` adds manifest and posts,
        whose digests the events name. Stale while its last event is not sealed, for a quarter of a second."""
        require(actor.name, actor.roles, Action.AUDIT)
        with self._database.read() as tx:
            found = messages.find(tx, ref)
            proof = self._proof(tx, found.ref)
            documents = _documents(tx, found.id) if texts else []
            told = redactions.of_message(tx, found.id)
        payload = {"checkpoint": proof["size"], "texts": texts}
        with self._database.write() as tx:
            audit_log.append(tx, actor=actor.name, act="message_proved", subject=found.ref, payload=payload)
        redacted = [{"code": r.code, "at": _iso(r.at), "digests": list(r.digests)} for r in told]
        return {**proof, "documents": documents, **({"redacted": redacted} if redacted else {})}

    def _proof(self, tx: Tx, ref: str) -> dict[str, Any]:
        mine = list(audit_log.events(tx, subject=ref))
        last = audit_log.last_checkpoints(tx)
        if not last or any(e.no is None or e.no > last[0].size for e in mine):
            raise Stale(
                f"The newest events of {ref} are not sealed yet. Try again in a second; if it stays so, no sealer is running."
            )
        size = size_and_root(last[0].note)[0]
        leaves = [bytes.fromhex(leaf) for leaf in audit_log.leaves(tx)][:size]
        ways = paths(leaves, [(e.no or 0) - 1 for e in mine])
        rows = audit_log.outcomes(tx, _groups(mine))
        return {
            "format": PROOF_FORMAT,
            "message": ref,
            "size": size,
            "checkpoint": last[0].note,
            "keys": self._anchors.keys(),
            "events": [
                {
                    "no": e.no,
                    "event": event_json(e),
                    "path": [step.hex() for step in ways[(e.no or 0) - 1]],
                    **({"outcomes": rows[_group(e)]} if e.act == RECORDED else {}),
                }
                for e in mine
            ],
        }

    def _lines(self, who: str) -> Iterator[str]:
        with self._database.read() as tx:
            audit_log.size(tx)  # SQLite's moment is that of the first look into a table
            yield export.header_line(exported_at=tx.now(), exported_by=who, keys=self._anchors.keys())
            yield from map(export.anchor_line, self._anchors.notes())
            events = last = checkpoints = 0
            stamps = dict(self._anchors.stamped())
            for page in audit_log.sealed(tx):
                signed = list(audit_log.checkpoints(tx, after=last, up_to=page[-1].no))
                yield from _page(tx, page, signed, stamps)
                last, events, checkpoints = page[-1].no or 0, events + len(page), checkpoints + len(signed)
            beyond = list(audit_log.checkpoints(tx, after=last))  # of events that somebody took out
            yield from _page(tx, [], beyond, stamps)
            yield from (export.timestamp_line(size, token) for size, token in stamps.items())
            yield from map(export.event_line, audit_log.unsealed(tx))
            yield export.end_line(events=events, checkpoints=checkpoints + len(beyond))


def _page(
    tx: Tx, page: Sequence[AuditEvent], signed: Sequence[Checkpoint], stamps: dict[int, bytes]
) -> Iterator[str]:
    """Events in their order, each followed by the outcomes that it vouches for and by the checkpoint that ends with it."""
    rows = audit_log.outcomes(tx, _groups(page))
    waiting = deque(signed)
    for event in page:
        while waiting and waiting[0].size < (event.no or 0):
            yield from _signed(waiting.popleft(), stamps)
        yield export.event_line(event)
        if event.act == RECORDED:
            yield export.outcomes_line(event.no or 0, rows.get(_group(event), []))
    for checkpoint in waiting:
        yield from _signed(checkpoint, stamps)


def _signed(checkpoint: Checkpoint, stamps: dict[int, bytes]) -> Iterator[str]:
    """With its time stamp, which is taken out of `stamps`: what is left there belongs to no checkpoint any more."""
    yield export.checkpoint_line(checkpoint.size, checkpoint.note)
    if checkpoint.size in stamps:
        yield export.timestamp_line(checkpoint.size, stamps.pop(checkpoint.size))


def _groups(events: Sequence[AuditEvent]) -> list[int]:
    return [_group(event) for event in events if event.act == RECORDED]


def _group(event: AuditEvent) -> int:
    """0, which no group has, where somebody altered the event so that nobody can tell."""
    try:
        found = json.loads(event.payload)["group"]
    except (ValueError, KeyError, TypeError):
        return 0
    return found if isinstance(found, int) else 0


def _documents(tx: Tx, message_id: int) -> list[dict[str, str]]:
    """What was approved last: the manifest and its posts, to the letter. A post that was redacted since is left out: its
    digest stands in the manifest still."""
    found = submissions.latest_for(tx, message_id)
    if found is None:
        return []
    redacted = {digest for each in redactions.of_message(tx, message_id) for digest in each.digests}
    posts = [
        {"name": f"post for {post.account}", "text": post.content.decode()}
        for post in submissions.posts(tx, found.id)
        if post.sha256 not in redacted
    ]
    return [{"name": "manifest", "text": found.manifest.decode()}, *posts]
