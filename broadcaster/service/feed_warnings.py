"""What watched feeds warn of, before the officers: look at it, write from it, or dismiss it and say why.

Who writes from it is the author of what comes of it, and so cannot approve it. To dismiss it is a decision not to warn, and
stands among those of an incident.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.db import audit_log, feed_warnings, incidents, messages
from broadcaster.db.engine import Database, Tx
from broadcaster.db.feed_warnings import FeedWarning, WarningState
from broadcaster.db.incidents import Incident
from broadcaster.db.people import Person
from broadcaster.db.tables import incident_decision
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.message import Mode
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.watching import Filled, filled_from
from broadcaster.service.compose import Compose
from broadcaster.service.proof import Proof
from broadcaster.service.templates import Templates

MOST_LISTED = 100
MOST_REASON_CHARS = 2_000
_BECAME: Mapping[WarningState, str] = {
    WarningState.NOTED: "concerns nobody here",
    WarningState.WRITTEN: "was written from already, by {who}",
    WarningState.DISMISSED: "was dismissed already, by {who}",
    WarningState.REPLACED: "was replaced by its source meanwhile",
    WarningState.LAPSED: "has ended",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A warning, what of it goes into the blanks of its template, and what its source said before and after it."""

    warning: FeedWarning
    template: NoticeTemplate | None
    filled: Filled
    others: tuple[FeedWarning, ...]
    now: datetime

    @property
    def about(self) -> tuple[str, ...]:
        """References of the messages that were written from what it refers to."""
        return tuple(dict.fromkeys(each.ref for each in self.others if each.ref))


class FeedWarnings:
    def __init__(self, database: Database, templates: Templates, compose: Compose, *, zone: ZoneInfo) -> None:
        self._database = database
        self._templates = templates
        self._compose = compose
        self._zone = zone

    # --- looking ------------------------------------------------------------------------------------------

    def waiting(self, actor: Person) -> list[FeedWarning]:
        """What nobody has decided about, the newest first."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return feed_warnings.waiting(tx)

    def newest(self, actor: Person) -> list[FeedWarning]:
        """All that concerned us, whatever became of it."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return feed_warnings.newest(tx, limit=MOST_LISTED)

    def one(self, actor: Person, uid: str) -> Shown:
        """NotFound where there is none."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            found = _find(tx, uid)
            others = tuple(e for e in feed_warnings.chain(tx, found.first_id) if e.id != found.id)
            now = tx.now()
        template, filled = None, Filled(values={}, unfit=())
        if found.rule:
            template = self._templates.one(found.template).template
            filled = filled_from(template, found.rule, found.alert, zone=self._zone, now=now)
        return Shown(warning=found, template=template, filled=filled, others=others, now=now)

    def of_message(self, actor: Person, ref: str) -> tuple[FeedWarning, ...]:
        """What a message was written from, and all that its source has said since, the oldest first."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            mine = feed_warnings.of_message(tx, messages.find(tx, ref).id)
            later = [
                e for first in sorted({m.first_id for m in mine}) for e in feed_warnings.chain(tx, first)
            ]
            oldest = min((each.id for each in mine), default=0)
            return tuple(each for each in later if each.id >= oldest)

    # --- writing from it ----------------------------------------------------------------------------------

    def begin(self, actor: Person, uid: str, *, sheet: str) -> None:
        """Somebody writes from it, in this worksheet. It waits until there is a draft; others see who is at it."""
        require(actor.name, actor.roles, Action.WRITE)
        with self._database.write() as tx:
            found = _waiting(tx, uid)
            feed_warnings.change(tx, found.id, {"sheet": sheet, "decided_by": actor.id})

    def written(self, actor: Person, sheet: str, ref: str) -> None:
        """What was written in this worksheet is a message now. Nothing happens where it came from no warning, or somebody else
        was quicker."""
        with self._database.write() as tx:
            for each in feed_warnings.with_sheet(tx, sheet):
                if each.state is WarningState.WAITING and each.decided_by == actor.name:
                    _link(tx, actor, each, ref)

    def take(
        self,
        actor: Person,
        uid: str,
        *,
        values: Mapping[str, str],
        channels: Sequence[str] = (),
        audience: str = "",
        mode: Mode = Mode.LIVE,
        incident: str = "",
    ) -> Proof:
        """A draft at once, with these values over what the source says. Invalid, with all that is missing, where that is not
        enough; then it still waits."""
        require(actor.name, actor.roles, Action.WRITE)
        shown = self.one(actor, uid)
        if shown.template is None:
            raise Stale("No rule says which template it is written from. Nothing was changed.")
        with self._database.read() as tx:
            _waiting(tx, uid, lock=False)
        proof = self._compose.draft(
            actor,
            template=shown.template,
            values={**shown.filled.values, **values},
            channels=channels,
            audience=audience,
            mode=mode,
            incident=incident,
        )
        with self._database.write() as tx:
            found = feed_warnings.by_uid(tx, uid, lock=True)
            if found and found.state is WarningState.WAITING:
                _link(tx, actor, found, proof.ref)
        return proof

    # --- deciding against it ------------------------------------------------------------------------------

    def dismiss(self, actor: Person, uid: str, *, reason: str, incident: str = "") -> str:
        """The reference of the incident where that stands: the one named, the one that its source's former words belong to, or
        one of its own, which is closed at once."""
        require(actor.name, actor.roles, Action.INCIDENT)
        require_reason(reason)
        reason = reason.strip()
        if len(reason) > MOST_REASON_CHARS:
            raise Invalid(
                f"reason: make it shorter than {MOST_REASON_CHARS:,} characters. Nothing was changed."
            )
        with self._database.write() as tx:
            found = _waiting(tx, uid)
            others = feed_warnings.chain(tx, found.first_id)
            record = _record(tx, actor, found, others, incident)
            about = next((each.ref for each in others if each.ref), "")
            kind, what = _decision(found, about)
            row = {"incident_id": record.id, "person_id": actor.id, "kind": kind, "what": what}
            tx.insert(incident_decision, {**row, "reason": reason, "at": tx.now()})
            values = {"state": WarningState.DISMISSED, "decided_by": actor.id, "decided_at": tx.now()}
            feed_warnings.change(tx, found.id, {**values, "reason": reason, "incident_id": record.id})
            payload: dict[str, Json] = {"warning": found.uid, "feed": found.feed, "kind": found.kind}
            payload |= {"reason": reason, "decision": kind}
            audit_log.append(
                tx, actor=actor.name, act="warning_dismissed", subject=record.ref, payload=payload
            )
        return record.ref


def _decision(found: FeedWarning, about: str) -> tuple[str, str]:
    """What an inquiry reads: a warning that nobody was told of, or news about a message that was left as it is."""
    said = found.said[:500]
    if found.kind == "Cancel":
        return "other", f"No message after {found.feed} cancelled: {said}" + (f" ({about})" if about else "")
    if about:
        return "other", f"{about} left as it is after {found.feed} changed its warning: {said}"
    return "not-to-warn", f"Not to warn of what {found.feed} has issued: {said}"


def _record(tx: Tx, actor: Person, found: FeedWarning, others: Sequence[FeedWarning], ref: str) -> Incident:
    """Where the decision stands."""
    if ref:
        named = incidents.find(tx, ref, lock=True)
        if named.closed_at is not None:
            raise Stale(f"{named.ref} is closed. Open it again first. Nothing was changed.")
        return named
    known = next((each.incident for each in reversed(others) if each.incident), "")
    if known:
        return incidents.find(tx, known)
    name = f"{found.feed}: {found.said}"[:200]
    made = incidents.open_by_hand(tx, name=name, lead_agency="", in_hands_of=actor.name)
    incidents.change(tx, made.id, {"closed_at": tx.now()})
    return made


def _link(tx: Tx, actor: Person, found: FeedWarning, ref: str) -> None:
    message = messages.find(tx, ref)
    values = {"state": WarningState.WRITTEN, "decided_by": actor.id, "decided_at": tx.now()}
    links = {"message_id": message.id, "incident_id": message.incident_id}
    feed_warnings.change(tx, found.id, {**values, **links})


def _waiting(tx: Tx, uid: str, *, lock: bool = True) -> FeedWarning:
    """Stale, saying what became of it, where it does not wait any more."""
    found = feed_warnings.by_uid(tx, uid, lock=lock)
    if found is None:
        raise NotFound("There is no such warning. See Home for what waits.")
    if found.state is not WarningState.WAITING:
        became = _BECAME[found.state].format(who=found.decided_by)
        raise Stale(f"This warning {became}. Nothing was changed.")
    return found


def _find(tx: Tx, uid: str) -> FeedWarning:
    found = feed_warnings.by_uid(tx, uid)
    if found is None:
        raise NotFound("There is no such warning. See Home for what waits.")
    return found
