"""Storm mode: one person switches it on at once; what it held goes out only by a person's decision about each.

The switch is asked where a group is opened (`service/opening.py`), in the transaction that commits its intent: whoever
looked a moment earlier, at claiming or at a screen, would send for as long as that look is old.
"""

from dataclasses import dataclass
from datetime import datetime

from broadcaster.db import audit_log, broadcasts, messages, storm
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.storm import HeldItem, Storm
from broadcaster.domain.broadcast import BroadcastState, Lane, on_unknown
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.message import Kind, MessageState, Severity, Urgency
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.storm import Decision, is_routine
from broadcaster.queue import Bells
from broadcaster.service.ending import close_ready

AT_ONCE = 2_000  # batches per transaction: other writers wait no longer than for a chunk of planning
MOST_REASON = 500
SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Weather:
    """As of `at`. `on` is None where storm mode is off; `held` is what waits for a decision, on or off; `past` is when it
    was on before, the newest first."""

    at: datetime
    on: Storm | None
    held: tuple[HeldItem, ...]
    past: tuple[Storm, ...]

    @property
    def kinds(self) -> list[str]:
        """Of more than one item, about which a person can decide with one word."""
        names = [each.template for each in self.held]
        return [name for name in dict.fromkeys(names) if names.count(name) > 1]


class StormMode:
    def __init__(self, database: Database, bells: Bells) -> None:
        self._database = database
        self._bells = bells

    # --- looking ------------------------------------------------------------------------------------------

    def on(self) -> Storm | None:
        """For the strip over every page."""
        with self._database.read() as tx:
            return storm.now(tx)

    def weather(self, actor: Person) -> Weather:
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            past = [each for each in storm.newest(tx, limit=SHOWN) if each.off_at]
            return Weather(at=tx.now(), on=storm.now(tx), held=tuple(storm.items(tx)), past=tuple(past))

    def waits(self, ref: str) -> str:
        """What an approver must know before he approves this message now, or nothing."""
        with self._database.read() as tx:
            row = messages.find(tx, ref)
            on = storm.now(tx)
            if on is None or row.state is MessageState.RELEASED:
                return ""
            facts = messages.current_version(tx, row).facts
            waits = storm.would_hold(
                tx,
                on_unknown=on_unknown(facts.severity, facts.urgency),
                kind=row.kind,
                incident_id=row.incident_id,
                mode=row.mode,
            )
        if not waits:
            return ""
        return f"Storm mode is on ({on.on_by}: {on.reason}), and this is routine: once approved it waits until somebody lets it go."

    def holds(self, ref: str) -> bool:
        """Whether something of this message waits for a decision."""
        with self._database.read() as tx:
            wanted = messages.find(tx, ref).ref
            return any(each.ref == wanted for each in storm.items(tx))

    # --- the switch ---------------------------------------------------------------------------------------

    def switch_on(self, actor: Person, reason: str) -> int:
        """From its commit on nothing routine is begun. How many broadcasts were being sent and are held now."""
        require(actor.name, actor.roles, Action.STORM)
        reason = _reason(reason)
        with self._database.write() as tx:
            storm.alone_at_the_switch(tx)
            before = storm.now(tx)
            if before:
                raise Stale(
                    f"Storm mode is on already: {before.on_by} switched it on ({before.reason}). Nothing was changed."
                )
            held = storm.switch_on(tx, by=actor.id, reason=reason)
            payload: dict[str, Json] = {"reason": reason, "held": held}
            audit_log.append(tx, actor=actor.name, act="storm_mode_on", payload=payload)
        self.tidy()
        return held

    def switch_off(self, actor: Person, reason: str) -> int:
        """What was held stays held. How many items wait for a decision."""
        require(actor.name, actor.roles, Action.STORM)
        reason = _reason(reason)
        with self._database.write() as tx:
            storm.alone_at_the_switch(tx)
            on = storm.now(tx)
            if on is None:
                raise Stale("Storm mode is off already. Nothing was changed.")
            storm.switch_off(tx, on.id, by=actor.id, reason=reason)
            waiting = len(storm.items(tx))
            payload: dict[str, Json] = {"reason": reason, "waiting": waiting}
            audit_log.append(tx, actor=actor.name, act="storm_mode_off", payload=payload)
        return waiting

    # --- what was held ------------------------------------------------------------------------------------

    def decide(self, actor: Person, ref: str, decision: str, reason: str = "") -> None:
        """About one item: `go-on` while its end has not come, `drop`, or `change`, which stops it so that it is written anew.
        Only going on needs no reason: that is what was approved."""
        require(actor.name, actor.roles, Action.STORM)
        chosen = _decision(decision)
        if chosen is not Decision.GO_ON:
            require_reason(reason)
        with self._database.write() as tx:
            message = messages.find(tx, ref, lock=True)
            item = next((each for each in storm.items(tx) if each.ref == message.ref), None)
            if item is None:
                raise Stale(f"Nothing of {message.ref} waits for a decision. Nothing was changed.")
            row = broadcasts.by_id(tx, item.broadcast_id)
            done = (
                storm.let_go(tx, row.id)
                if chosen is Decision.GO_ON
                else broadcasts.end(tx, row, BroadcastState.STOPPED, reason=reason.strip())
            )
            if not done:
                raise Stale(f"Somebody has just decided about {message.ref}. Nothing was changed.")
            payload: dict[str, Json] = {"broadcast": row.uid, "decision": chosen, "reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="held_decided", subject=message.ref, payload=payload)
            row = broadcasts.by_id(tx, row.id)
        if chosen is not Decision.GO_ON:
            close_ready(self._database, row)
            return
        self.tidy()
        for lane in Lane:
            self._bells.ring(row.mode, lane)
        self._bells.plan(row.id, row.mode)

    def decide_all(
        self, actor: Person, kind: str, decision: str, reason: str = ""
    ) -> tuple[list[str], list[str]]:
        """About all of one kind, which is the name of their notice template: one decision and one event for each, as if they
        were decided one by one. Those that were, and what hindered others."""
        found = [each.ref for each in self.weather(actor).held if each.template == kind]
        if not found:
            known = {each.template for each in self.weather(actor).held}
            raise NotFound(
                f'Nothing of the kind "{kind}" is held.{did_you_mean(kind, known)} Nothing was changed.'
            )
        decided, hindered = [], []
        for ref in found:
            try:
                self.decide(actor, ref, decision, reason)
                decided.append(ref)
            except (
                Stale
            ) as problem:  # the one that somebody else has decided meanwhile keeps none of the others
                hindered.append(problem.text)
        return decided, hindered

    def tidy(self) -> None:
        """Held batches go out of the workers' way, and those let go come back: what the switch and a decision began, and a
        process that died left undone. A step of the sweeper."""
        for way in (storm.ASIDE, storm.BACK):
            with self._database.read() as tx:
                left = storm.has_left(tx, way)
            while left:
                with self._database.write() as tx:
                    left = storm.move(tx, way, limit=AT_ONCE) == AT_ONCE


def held_back(tx: Tx, *, severity: Severity, urgency: Urgency, kind: Kind = Kind.ALERT) -> bool:
    """Whether storm mode holds what is like this, for whoever fires something by himself (a schedule): until the end of this
    transaction the answer stays true. What is fired all the same waits as anything routine does."""
    storm.beside_the_switch(tx)
    routine = is_routine(on_unknown=on_unknown(severity, urgency), kind=kind, follows_urgent=False)
    return routine and storm.now(tx) is not None


def _reason(reason: str) -> str:
    require_reason(reason)
    reason = " ".join(reason.split())
    if len(reason) > MOST_REASON:
        raise Invalid(f"The reason: {MOST_REASON} characters are the most. Nothing was changed.")
    return reason


def _decision(given: str) -> Decision:
    if given not in set(Decision):
        raise Invalid(f'"{given}" is no decision: choose {", ".join(Decision)}. Nothing was changed.')
    return Decision(given)
