"""Incidents: opening and closing them, what was decided and why, who agreed, what is left to do, and handing over by name.

A decision not to warn is a decision like any other, and the one that an inquiry asks about first. Names of partners' people
and what they said stand in the database, where they can be redacted; the log has the agency, the way and a digest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broadcaster.db import audit_log, incidents, messages, people
from broadcaster.db.engine import Database, Tx
from broadcaster.db.incidents import Agreement, Decision, HandOver, Incident, Listed, OneMessage, ToDo
from broadcaster.db.people import Person
from broadcaster.db.tables import incident_action, incident_agreement, incident_decision, incident_hand_over
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.message import MessageState, Mode
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import MAY, Action, require, require_reason

KINDS: Mapping[str, str] = {
    "warn": "to warn",
    "not-to-warn": "not to warn",
    "other": "something else",
}
MOST_CHARS = 2_000
MOST_LISTED = 200
LINKABLE = frozenset({MessageState.DRAFT, MessageState.EXPIRED})


@dataclass(frozen=True, kw_only=True)
class Whole:
    """One incident with all that belongs to it. `may_take` are those to whom it can be handed over."""

    incident: Incident
    messages: tuple[OneMessage, ...]
    decisions: tuple[Decision, ...]
    agreements: tuple[Agreement, ...]
    to_do: tuple[ToDo, ...]
    hand_overs: tuple[HandOver, ...]
    may_take: tuple[str, ...]
    now: datetime

    @property
    def is_exercise(self) -> bool:
        """It is a drill's, or all that belongs to it was practised."""
        modes = {each.mode for each in self.messages}
        return self.incident.mode == Mode.EXERCISE or modes == {Mode.EXERCISE}

    @property
    def left_to_do(self) -> tuple[ToDo, ...]:
        return tuple(each for each in self.to_do if each.done_at is None)

    @property
    def offered(self) -> HandOver | None:
        return next((each for each in self.hand_overs if each.is_open), None)


class Incidents:
    def __init__(self, database: Database) -> None:
        self._database = database

    # --- looking ------------------------------------------------------------------------------------------

    def listed(
        self, actor: Person, *, closed: bool = False, limit: int = MOST_LISTED, before: int = 0
    ) -> list[Listed]:
        """The newest first; those `before` this id, where one is given."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return incidents.listing(tx, closed=closed, limit=limit, before=before)

    def whole(self, actor: Person, ref: str) -> Whole:
        """NotFound where there is no such incident."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return whole_of(tx, incidents.find(tx, ref))

    def of_message(self, actor: Person, message_ref: str) -> Incident:
        """The one that a message belongs to."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return incidents.of_message(tx, messages.find(tx, message_ref).incident_id)

    # --- from its opening to its end ----------------------------------------------------------------------

    def open(self, actor: Person, *, name: str, lead_agency: str = "") -> Incident:
        """A new one, in the hands of whoever opened it."""
        require(actor.name, actor.roles, Action.INCIDENT)
        name, lead_agency = _named(name), _short("The lead agency", lead_agency)
        with self._database.write() as tx:
            made = incidents.open_by_hand(tx, name=name, lead_agency=lead_agency, in_hands_of=actor.name)
            _note(tx, actor, made, "incident_opened", {"name": name, "lead_agency": lead_agency})
        return made

    def change(self, actor: Person, ref: str, *, name: str, lead_agency: str) -> None:
        """Another name, or another lead agency."""
        name, lead_agency = _named(name), _short("The lead agency", lead_agency)
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            if (found.name, found.lead_agency) == (name, lead_agency):
                return
            incidents.change(tx, found.id, {"name": name, "lead_agency": lead_agency})
            _note(tx, actor, found, "incident_changed", {"name": name, "lead_agency": lead_agency})

    def close(self, actor: Person, ref: str, *, reason: str) -> None:
        """Stale while something is left to do or is being handed over: whoever closes it says what becomes of that first."""
        require_reason(reason)
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            whole = whole_of(tx, found)
            if whole.left_to_do:
                raise Stale(
                    f"{len(whole.left_to_do)} of its actions are still open. Mark each of them as done first. Nothing was changed."
                )
            if whole.offered:
                raise Stale(
                    f"It is being handed over to {whole.offered.to}. Take that back first. Nothing was changed."
                )
            incidents.change(tx, found.id, {"closed_at": tx.now()})
            _note(tx, actor, found, "incident_closed", {"reason": reason.strip()})

    def reopen(self, actor: Person, ref: str, *, reason: str) -> None:
        require(actor.name, actor.roles, Action.INCIDENT)
        require_reason(reason)
        with self._database.write() as tx:
            found = incidents.find(tx, ref, lock=True)
            if found.closed_at is None:
                raise Stale(f"{found.ref} is open. Nothing was changed.")
            incidents.change(tx, found.id, {"closed_at": None})
            _note(tx, actor, found, "incident_reopened", {"reason": reason.strip()})

    def link(self, actor: Person, message_ref: str, ref: str) -> None:
        """A draft belongs to this incident from now on. Stale once it was handed over: what is approved names its incident."""
        require(actor.name, actor.roles, Action.WRITE)
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            message = messages.find(tx, message_ref, lock=True)
            if message.state not in LINKABLE:
                raise Stale(
                    f"{message.ref} is {message.state}: what is handed over or approved names its incident, so it stays where it "
                    "is. Nothing was changed."
                )
            if message.incident_id == found.id:
                return
            before = incidents.of_message(tx, message.incident_id)
            incidents.link(tx, message.id, found.id)
            left_empty = _is_empty(whole_of(tx, before))
            if left_empty:
                incidents.change(tx, before.id, {"closed_at": tx.now()})
            payload: dict[str, Json] = {
                "incident": found.ref,
                "before": before.ref,
                "closed_before": left_empty,
            }
            audit_log.append(
                tx, actor=actor.name, act="message_moved_to_incident", subject=message.ref, payload=payload
            )

    # --- what is decided and agreed -----------------------------------------------------------------------

    def decide(self, actor: Person, ref: str, *, kind: str, what: str, reason: str) -> None:
        """`kind` is warn, not-to-warn or other. With its reason: without it nobody could judge it afterwards."""
        if kind not in KINDS:
            raise Invalid(
                f'There is no kind of decision "{kind}": choose {", ".join(KINDS)}. Nothing was noted.'
            )
        what = _said("What was decided", what)
        require_reason(reason)
        reason = _said("The reason", reason)
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            row = {"incident_id": found.id, "person_id": actor.id, "kind": kind, "what": what}
            tx.insert(incident_decision, {**row, "reason": reason, "at": tx.now()})
            payload: dict[str, Json] = {"decision": kind, "reason": reason, "what_sha256": _digest(what)}
            _note(tx, actor, found, "incident_decided", payload)

    def agreed(
        self, actor: Person, ref: str, *, who: str, agency: str, way: str, about: str, at: datetime
    ) -> None:
        """Somebody of a partner agreed, then and in this way. Partners need no account: it is the word of who notes it."""
        who, agency = _short("Who agreed", who, needed=True), _short("The agency", agency, needed=True)
        way, about = _short("How", way, needed=True, most=64), _said("To what", about)
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            if at > tx.now():
                raise Invalid("That time lies ahead. Say when they agreed. Nothing was noted.")
            row = {"incident_id": found.id, "person_id": actor.id, "who": who, "agency": agency}
            row |= {"way": way, "about": about, "at": at, "noted_at": tx.now()}
            tx.insert(incident_agreement, row)
            payload: dict[str, Json] = {"agency": agency, "way": way, "at": at.isoformat(timespec="seconds")}
            payload["who_and_what_sha256"] = _digest(f"{who}\n{about}")
            _note(tx, actor, found, "incident_agreed", payload)

    # --- what is left to do -------------------------------------------------------------------------------

    def to_do(self, actor: Person, ref: str, *, what: str, who: str, until: datetime | None = None) -> None:
        what, who = _said("What is to be done", what), _short("Who does it", who, needed=True)
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            row = {"incident_id": found.id, "person_id": actor.id, "what": what, "who": who}
            made = tx.insert(incident_action, {**row, "until": until, "noted_at": tx.now()})
            ends = until.isoformat(timespec="seconds") if until else ""
            payload: dict[str, Json] = {
                "action": made,
                "until": ends,
                "what_sha256": _digest(f"{who}\n{what}"),
            }
            _note(tx, actor, found, "incident_action_noted", payload)

    def done(self, actor: Person, ref: str, action_id: int) -> None:
        """Stale where somebody has said so already."""
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            mine = next((each for each in incidents.to_do(tx, found.id) if each.id == action_id), None)
            if mine is None:
                raise NotFound(f"{found.ref} has no action {action_id}. Nothing was changed.")
            if mine.done_at:
                raise Stale(f"{mine.done_by} has marked it as done already. Nothing was changed.")
            incidents.finish(tx, mine.id, done_by_id=actor.id)
            _note(tx, actor, found, "incident_action_done", {"action": mine.id})

    # --- handing over -------------------------------------------------------------------------------------

    def offer(self, actor: Person, ref: str, *, to: str, words: str = "") -> None:
        """To one person, by name, who alone can accept it. Until then it stays where it is."""
        words = _said("What the next one must know", words, needed=False)
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            taker = _taker(tx, actor, to)
            offered = whole_of(tx, found).offered
            if offered:
                raise Stale(
                    f"It is being handed over to {offered.to} already. Take that back first. Nothing was changed."
                )
            row = {"incident_id": found.id, "from_id": actor.id, "to_id": taker.id, "words": words}
            tx.insert(incident_hand_over, {**row, "offered_at": tx.now()})
            payload: dict[str, Json] = {"to": taker.name, "words_sha256": _digest(words)}
            _note(tx, actor, found, "hand_over_offered", payload)

    def accept(self, actor: Person, ref: str) -> None:
        """From now on it is in the hands of this person. NotAllowed for anybody else than the one who was named."""
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            offered = _offered(tx, found)
            if offered.to != actor.name:
                raise NotAllowed(f"Only {offered.to} can accept it, who was named. Nothing was changed.")
            incidents.end_hand_over(tx, offered.id, "accepted_at")
            incidents.change(tx, found.id, {"in_hands_of": actor.name})
            _note(tx, actor, found, "hand_over_accepted", {"from": offered.offered_by})

    def take_back(self, actor: Person, ref: str) -> None:
        """By whoever offered it, or declined by the one who was named."""
        with self._database.write() as tx:
            found = _open(tx, actor, ref)
            offered = _offered(tx, found)
            if actor.name not in {offered.to, offered.offered_by}:
                raise NotAllowed(
                    f"Only {offered.offered_by}, who offered it, or {offered.to} can take that back. Nothing was changed."
                )
            incidents.end_hand_over(tx, offered.id, "withdrawn_at")
            _note(tx, actor, found, "hand_over_withdrawn", {"from": offered.offered_by, "to": offered.to})


def whole_of(tx: Tx, found: Incident) -> Whole:
    return Whole(
        incident=found,
        messages=tuple(incidents.its_messages(tx, found.id)),
        decisions=tuple(incidents.decisions(tx, found.id)),
        agreements=tuple(incidents.agreements(tx, found.id)),
        to_do=tuple(incidents.to_do(tx, found.id)),
        hand_overs=tuple(incidents.hand_overs(tx, found.id)),
        may_take=tuple(_takers(tx)),
        now=tx.now(),
    )


def _is_empty(whole: Whole) -> bool:
    """It came with a message that has left it, and nobody ever did anything with it: a list of such ones helps nobody."""
    done = (whole.messages, whole.decisions, whole.agreements, whole.to_do, whole.hand_overs)
    return not any(done) and not whole.incident.in_hands_of


def _open(tx: Tx, actor: Person, ref: str) -> Incident:
    """Locked until the transaction ends. Stale where it is closed."""
    require(actor.name, actor.roles, Action.INCIDENT)
    found = incidents.find(tx, ref, lock=True)
    if found.closed_at is not None:
        raise Stale(f"{found.ref} is closed. Open it again first. Nothing was changed.")
    return found


def _offered(tx: Tx, found: Incident) -> HandOver:
    offered = whole_of(tx, found).offered
    if offered is None:
        raise Stale(f"{found.ref} is not being handed over to anybody. Nothing was changed.")
    return offered


def _takers(tx: Tx) -> list[str]:
    return [
        each.person.name
        for each in people.everybody(tx)
        if each.disabled_at is None and MAY[Action.INCIDENT] & each.person.roles
    ]


def _taker(tx: Tx, actor: Person, name: str) -> Person:
    if name == actor.name:
        raise Invalid("Hand it over to somebody else than yourself. Nothing was changed.")
    names = _takers(tx)
    found = people.by_name(tx, name) if name in names else None
    if found is None:
        raise NotFound(f'"{name}" cannot take it: no officer or approver.{did_you_mean(name, names)}')
    return found


def _note(tx: Tx, actor: Person, found: Incident, act: str, payload: dict[str, Json]) -> None:
    audit_log.append(tx, actor=actor.name, act=act, subject=found.ref, payload=payload)


def _named(name: str) -> str:
    return _short("The name", name, needed=True)


def _short(what: str, text: str, *, needed: bool = False, most: int = 200) -> str:
    text = " ".join(text.split())
    if needed and not text:
        raise Invalid(f"{what}: say it in a few words. Nothing was changed.")
    if len(text) > most:
        raise Invalid(f"{what}: {most} characters are the most. Nothing was changed.")
    return text


def _said(what: str, text: str, *, needed: bool = True) -> str:
    text = text.strip()
    if needed and not text:
        raise Invalid(f"{what}: say it. Nothing was noted.")
    if len(text) > MOST_CHARS:
        raise Invalid(f"{what}: {MOST_CHARS:,} characters are the most. Nothing was noted.")
    return text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
