"""Drills: planned by staff, begun by a person or at their time, measured by what the log and the platforms said.

A drill has an incident to which nothing live can belong, so that nothing written in it can reach a live account, whoever
chooses what on a form at 3 a.m.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from broadcaster.db import audit_log, drills, incidents, people, storm
from broadcaster.db.drills import Accepted, Done, Drill
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json, canonical
from broadcaster.domain.canonical import sha256 as digest
from broadcaster.domain.drill import (
    LONGEST,
    MOST_MONTHS,
    STALE_MONTHS,
    DrillState,
    Inject,
    Score,
    Step,
    bars_of,
    injects_of,
    months_later,
)
from broadcaster.domain.errors import Invalid, NotFound, Problem, Stale
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import MAY, Action, require
from broadcaster.render.notices import shipped_notices
from broadcaster.service.record import SYSTEM
from broadcaster.service.retired import refuse_retired
from broadcaster.service.table_file import row

log = structlog.get_logger()

MOST_CHARS, MOST_NAME, MOST_INJECTS = 5_000, 150, 50
SHOWN = 200
RELEASED = "message_approved_and_released"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What somebody fills in. `bars` in seconds, those that are not the usual ones."""

    name: str
    scenario: str
    template: str
    starts_at: datetime
    parts: Sequence[str]
    injects: Sequence[str] = ()
    every_months: int = 0
    asks_correction: bool = False
    bars: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A drill as of `at`. `said` are the injects whose time has come, `scores` what was done by now."""

    drill: Drill
    at: datetime
    said: tuple[tuple[datetime, Inject], ...]
    scores: tuple[Score, ...]
    messages: tuple[str, ...]

    @property
    def met(self) -> int:
        return sum(each.met for each in self.scores)


@dataclass(frozen=True, kw_only=True)
class Practice:
    """One of the staff: the drills that are over in which he took part, with his own steps. `stale` where the last is too
    long ago, or there was none."""

    person: str
    last: datetime | None
    stale: bool
    steps: tuple[tuple[Drill, Score], ...]

    @property
    def met(self) -> int:
        return sum(score.met for _, score in self.steps)


class Drills:
    def __init__(self, database: Database, *, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone

    # --- looking ------------------------------------------------------------------------------------------

    def listed(self, actor: Person) -> list[Drill]:
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return drills.listing(tx, limit=SHOWN)

    def seen(self, actor: Person, ref: str) -> Seen:
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return _seen(tx, drills.find(tx, ref))

    def of_person(self, actor: Person) -> list[Drill]:
        """Those that run now and this person takes part in."""
        with self._database.read() as tx:
            found = drills.listing(tx, limit=SHOWN)
        return [d for d in found if d.state is DrillState.RUNNING and actor.name in d.parts]

    def practice(self, actor: Person, *, months: int = STALE_MONTHS) -> list[Practice]:
        """Of everybody who writes or approves: who practised what, and who has not for so many months."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            over = [d for d in drills.listing(tx, limit=SHOWN) if d.state is DrillState.ENDED]
            seen = [_seen(tx, each) for each in over]
            since = months_later(tx.now(), -months, self._zone)
            return [_practice(name, seen, since) for name in _staff(tx)]

    # --- planning -----------------------------------------------------------------------------------------

    def plan(self, actor: Person, plan: Plan) -> str:
        """The reference of the drill. Invalid or NotFound where it cannot be; then nothing is kept."""
        require(actor.name, actor.roles, Action.DRILL)
        name, scenario = _said("name", plan.name, MOST_NAME), _said("scenario", plan.scenario, MOST_CHARS)
        bars, injects = bars_of(plan.bars or {}), injects_of(plan.injects)
        _check(plan, injects)
        with self._database.write() as tx:
            refuse_retired(tx, plan.template, self._zone)
            if plan.starts_at < tx.now() - timedelta(minutes=5):
                raise Invalid("That time is over. Give a later one. Nothing was changed.")
            values = {
                "name": " ".join(name.split()),
                "scenario": scenario,
                "template": plan.template,
                "asks_correction": int(plan.asks_correction),
                "bars": canonical({str(step): seconds for step, seconds in bars.items()}).decode(),
                "starts_at": plan.starts_at,
                "every_months": plan.every_months,
                "planned_by": actor.id,
            }
            ref = drills.insert(tx, values, _ids(tx, plan.parts), injects)
            payload: dict[str, Json] = {
                "name": str(values["name"]),
                "template": plan.template,
                "starts": plan.starts_at.isoformat(timespec="minutes"),
                "parts": sorted(plan.parts),
                "scenario_sha256": digest([scenario, [f"{e.after_minutes} {e.text}" for e in injects]]),
            }
            audit_log.append(tx, actor=actor.name, act="drill_planned", subject=ref, payload=payload)
        return ref

    def cancel(self, actor: Person, ref: str, reason: str) -> None:
        """One that has not begun."""
        require(actor.name, actor.roles, Action.DRILL)
        reason = _said("reason", reason, 500)
        with self._database.write() as tx:
            found = drills.find(tx, ref, lock=True)
            if not drills.move(tx, found, DrillState.CANCELLED, ended_at=tx.now(), end_reason=reason):
                raise Stale(f"The drill {found.ref} is {found.state} already. Nothing was changed.")
            audit_log.append(
                tx, actor=actor.name, act="drill_cancelled", subject=found.ref, payload={"reason": reason}
            )

    # --- running ------------------------------------------------------------------------------------------

    def start(self, actor: Person, ref: str) -> Drill:
        """Now, whatever its time. Its incident is in the hands of who starts it. Stale in a storm: nobody is to practise
        on people who are needed."""
        require(actor.name, actor.roles, Action.DRILL)
        with self._database.write() as tx:
            if storm.now(tx):
                raise Stale("Storm mode is on, so no drill begins. Nothing was changed.")
            return self._start(tx, drills.find(tx, ref, lock=True), actor)

    def end(self, actor: Person, ref: str, reason: str = "") -> None:
        require(actor.name, actor.roles, Action.DRILL)
        with self._database.write() as tx:
            self._end(tx, drills.find(tx, ref, lock=True), actor.name, reason.strip())

    def look(self) -> None:
        """Begin what is due and end what nobody ended. A step of the sweeper; in a storm what is due waits."""
        with self._database.read() as tx:
            due = [] if storm.now(tx) else drills.due(tx)
            forgotten = drills.running_since(tx, tx.now() - LONGEST)
        for ref in due:
            self._step(lambda tx, found: self._start(tx, found, None), ref)
        for ref in forgotten:
            self._step(lambda tx, found: self._end(tx, found, SYSTEM, "Nobody ended it."), ref)

    def _step(self, act: Callable[[Tx, Drill], object], ref: str) -> None:
        try:
            with self._database.write() as tx:
                act(tx, drills.find(tx, ref, lock=True))
        except Problem as problem:  # another sweeper, or a person, was quicker
            log.info("drill_left", drill=ref, why=type(problem).__name__)

    def _start(self, tx: Tx, found: Drill, by: Person | None) -> Drill:
        hands = by.name if by else found.planned_by
        opened = incidents.open_by_hand(tx, name=f"EXERCISE: {found.name}", lead_agency="", in_hands_of=hands)
        drills.keep_to_exercise(tx, opened.id)
        values = {"started_at": tx.now(), "started_by": by.id if by else None, "incident_id": opened.id}
        if not drills.move(tx, found, DrillState.RUNNING, **values):
            raise Stale(f"The drill {found.ref} is {found.state} already. Nothing was changed.")
        payload: dict[str, Json] = {"incident": opened.ref, "name": found.name}
        if found.every_months:
            payload["next"] = self._again(tx, found)
        actor = by.name if by else SYSTEM
        audit_log.append(tx, actor=actor, act="drill_started", subject=found.ref, payload=payload)
        return drills.find(tx, found.ref)

    def _again(self, tx: Tx, found: Drill) -> str:
        """The next one, on the same day of the month at the same time of the clock here."""
        starts_at = months_later(found.starts_at, found.every_months, self._zone)
        planner = people.known(tx, found.planned_by)
        assert planner
        values = {
            **{name: getattr(found, name) for name in ("name", "scenario", "template", "every_months")},
            "asks_correction": int(found.asks_correction),
            "bars": canonical({str(step): seconds for step, seconds in found.bars.items()}).decode(),
            "starts_at": starts_at,
            "planned_by": planner.person.id,
        }
        still_here = [name for name in found.parts if people.by_name(tx, name)]
        return drills.insert(tx, values, _ids(tx, still_here), found.injects)

    def _end(self, tx: Tx, found: Drill, actor: str, reason: str) -> None:
        scores = _seen(tx, found).scores
        if not drills.move(tx, found, DrillState.ENDED, ended_at=tx.now(), end_reason=reason):
            raise Stale(f"The drill {found.ref} is {found.state} and does not run. Nothing was changed.")
        drills.close_incident(tx, found.incident)
        payload: dict[str, Json] = {"reason": reason, "steps": len(scores), "met": sum(s.met for s in scores)}
        audit_log.append(tx, actor=actor, act="drill_ended", subject=found.ref, payload=payload)


# --- how it went ------------------------------------------------------------------------------------------


def _seen(tx: Tx, found: Drill) -> Seen:
    if found.started_at is None:
        return Seen(drill=found, at=tx.now(), said=(), scores=(), messages=())
    until = found.ended_at or tx.now()
    times = [(found.started_at + timedelta(minutes=e.after_minutes), e) for e in found.injects]
    acts = [each for each in drills.done(tx, found.incident) if each.at <= until]
    return Seen(
        drill=found,
        at=tx.now(),
        said=tuple((at, each) for at, each in times if at <= until),
        scores=tuple(_scores(tx, found, acts, until)),
        messages=tuple(dict.fromkeys(each.ref for each in acts)),
    )


def _scores(tx: Tx, found: Drill, acts: Sequence[Done], until: datetime) -> list[Score]:
    """Of the message that was released first, or where none was, of the first that was begun."""
    released = [each for each in acts if each.act == RELEASED]
    ref = next((each.ref for each in (*released, *acts)), "")
    of_it = {each.act: each for each in reversed(acts) if each.ref == ref}
    scores = [
        _score(found, Step.DRAFT, "First draft", of_it.get("message_drafted")),
        _score(found, Step.SUBMIT, "Handed over for approval", of_it.get("message_submitted")),
        _score(found, Step.APPROVE, "Approved", of_it.get(RELEASED)),
    ]
    taken = {
        (each.channel, each.account): each
        for each in drills.accepted(tx, found.incident)
        if each.ref == ref and each.at <= until
    }
    scores += [
        _score(found, Step.CHANNEL, f"Accepted by {channel} ({account})", taken.get((channel, account)))
        for channel, account in (drills.places(tx, ref) if released else ())
    ]
    correction = next((each for each in released if each.ref != ref), None)
    if found.asks_correction or correction:
        since = released[0].at if released else None
        scores.append(_score(found, Step.CORRECTION, "Correction approved", correction, since=since))
    return scores


def _score(
    found: Drill, step: Step, what: str, done: Done | Accepted | None, *, since: datetime | None = None
) -> Score:
    """Measured from the beginning of the drill, or `since`."""
    since = since or found.started_at
    seconds = (done.at - since).total_seconds() if done and since else None
    who = done.actor if isinstance(done, Done) else ""
    at = done.at if done else None
    return Score(step=step, what=what, who=who, at=at, seconds=seconds, bar_s=found.bars[step])


def table_of(found: Sequence[Seen], zone: ZoneInfo) -> str:
    """For a spreadsheet: a heading, and a line for each step of each drill. No cell is a formula."""
    rows = [["drill", "name", "step", "what", "who", "at", "seconds", "bar", "met"]]
    for seen in found:
        for s in seen.scores:
            at = f"{s.at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if s.at else ""
            took = f"{s.seconds:.1f}" if s.seconds is not None else ""
            cells = [seen.drill.ref, seen.drill.name, str(s.step), s.what, s.who, at, took, str(s.bar_s)]
            rows.append([*cells, "yes" if s.met else "no"])
    return "".join(row(cells) for cells in rows)


def table_of_people(found: Sequence[Practice], zone: ZoneInfo) -> str:
    rows: list[list[object]] = [["person", "last", "steps", "met", "out of practice"]]
    for p in found:
        last = f"{p.last.astimezone(zone):%Y-%m-%d %H:%M:%S}" if p.last else "never"
        rows.append([p.person, last, len(p.steps), p.met, "yes" if p.stale else "no"])
    return "".join(row(cells) for cells in rows)


def _practice(name: str, seen: Sequence[Seen], since: datetime) -> Practice:
    mine = [s for s in seen if name in s.drill.parts or any(each.who == name for each in s.scores)]
    acted = [s for s in mine if any(each.who == name for each in s.scores)]
    last = max((s.drill.started_at for s in acted if s.drill.started_at), default=None)
    steps = [(s.drill, each) for s in mine for each in s.scores if each.who == name]
    return Practice(person=name, last=last, stale=last is None or last < since, steps=tuple(steps))


def _staff(tx: Tx) -> list[str]:
    """Who writes or approves, as far as they are enabled."""
    wanted = MAY[Action.WRITE] | MAY[Action.APPROVE]
    return [k.person.name for k in people.everybody(tx) if k.disabled_at is None and wanted & k.person.roles]


def _check(plan: Plan, injects: Sequence[Inject]) -> None:
    names = sorted(shipped_notices())
    if plan.template not in names:
        raise NotFound(
            f'There is no notice template "{plan.template}".{did_you_mean(plan.template, names)} Nothing was changed.'
        )
    if not plan.parts:
        raise Invalid("Say who takes part: one who writes and one who approves. Nothing was changed.")
    if not 0 <= plan.every_months <= MOST_MONTHS:
        raise Invalid(f"Repeat it every 1 to {MOST_MONTHS} months, or 0 for not at all. Nothing was changed.")
    if len(injects) > MOST_INJECTS:
        raise Invalid(f"{MOST_INJECTS} injects are the most. Nothing was changed.")


def _ids(tx: Tx, names: Sequence[str]) -> list[int]:
    found = {name: people.by_name(tx, name) for name in dict.fromkeys(names)}
    for name, person in found.items():
        if person is None:
            known = _staff(tx)
            raise NotFound(
                f'There is no user "{name}" who could take part.{did_you_mean(name, known)} Nothing was changed.'
            )
    return [person.id for person in found.values() if person]


def _said(what: str, text: str, most: int) -> str:
    text = text.strip()
    if not text:
        raise Invalid(f"Give it a {what}. Nothing was changed.")
    if len(text) > most:
        raise Invalid(f"The {what}: {most:,} characters are the most. Nothing was changed.")
    return text
