"""What a person must know without asking: found in the database each second, and kept until it is over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from broadcaster.db import (
    accounts,
    alarms,
    audit_log,
    authorities,
    feeds,
    readiness,
    reminders,
    sightings,
    storm,
    webhooks,
)
from broadcaster.db.alarms import Alarm
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.alarm import ACKNOWLEDGED_BY_A_PERSON, OF_AN_ACCOUNT, AlarmCode
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.message import Mode
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.readiness import ENDS_SOON, ReadinessState
from broadcaster.domain.storm import FORGOTTEN_AFTER
from broadcaster.service import findings
from broadcaster.service.alarm_pages import page_about, page_no_longer
from broadcaster.service.findings import Finding
from broadcaster.service.record import SYSTEM

log = structlog.get_logger()

UNKNOWN_WAITS_AFTER = timedelta(seconds=120)
NOBODY_SENDS_AFTER = timedelta(seconds=30)
NOBODY_SEALS_AFTER = timedelta(seconds=60)
FEED_FAILS_AFTER = timedelta(minutes=60)
WEBHOOK_FAILS_AFTER = timedelta(minutes=15)
#: The sweeper looks every second. Where it has not for so long, an empty list of alarms says nothing.
WATCHED_WITHIN = timedelta(seconds=60)
#: Long after the pump went away, which checks accounts every three minutes: until then its last answer stands.
CHECKED_WITHIN = timedelta(days=1)
MOST_SHOWN = 1_000
#: Found anew each second, and cleared when not found. Every other one stays until a person acknowledges it.
FOUND_BY_LOOKING = frozenset(AlarmCode) - {
    AlarmCode.COUNTS_DIFFER,
    AlarmCode.AUDIT_LOG_ALTERED,
    AlarmCode.RESTORED,
    AlarmCode.SCHEDULE_NOT_SENT,
    AlarmCode.NOBODY_ANCHORS,  # the sealer finds it, and takes it back
}


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Alarms, the newest first. Where nobody is watching there may be others; somebody did `until` then, or never."""

    alarms: tuple[Alarm, ...]
    watching: bool
    until: datetime | None


class Alarms:
    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self) -> None:
        """Raise what is new and clear what is over. Nothing is written while nothing changes."""
        with self._database.read() as tx:
            found = {f.key: f for f in _findings(tx)}
            known = {(a.code, a.subject): a for a in alarms.standing(tx) if a.code in FOUND_BY_LOOKING}
        grown = {key for key, a in known.items() if key in found and _has_grown(a, found[key])}
        over = [a for key, a in known.items() if key not in found or key in grown]
        new = [f for key, f in found.items() if key not in known or key in grown]
        if over or new:
            self._change(over, new)
        stays = {a.id: found[key] for key, a in known.items() if key in found and key not in grown}
        texts = {a.id: a.text for a in known.values()}
        self._say_anew({alarm_id: f for alarm_id, f in stays.items() if f.text != texts[alarm_id]})

    def _change(self, over: Sequence[Alarm], new: Sequence[Finding]) -> None:
        """Of two sweepers, the second sees what the first has raised."""
        with self._database.write() as tx:
            tx.alone("alarms")
            for each in over:
                _clear(tx, each)
            for finding in new:
                raise_alarm(tx, finding)

    def _say_anew(self, changed: dict[int, Finding]) -> None:
        """Of another number than a second ago. Not news, so not in the log."""
        if changed:
            with self._database.write() as tx:
                for alarm_id, finding in changed.items():
                    alarms.set_text(tx, alarm_id, text=finding.text, size=finding.size)

    def watch(self, *, past: bool = False) -> Watch:
        """What is open; with `past` the newest of all, also what is over or acknowledged."""
        with self._database.read() as tx:
            found = alarms.newest(tx, limit=MOST_SHOWN) if past else alarms.open_ones(tx)
            until = alarms.watched_until(tx)
            watching = until is not None and until > tx.now() - WATCHED_WITHIN
        return Watch(alarms=tuple(found), watching=watching, until=until)

    def of(self, ref: str) -> list[Alarm]:
        """What is open about one message."""
        with self._database.read() as tx:
            return [a for a in alarms.open_ones(tx) if a.subject == ref.strip().upper()]

    def number_open(self) -> int:
        with self._database.read() as tx:
            return alarms.number_open(tx)

    def acknowledge(self, actor: Person, code: str, subject: str, *, reason: str) -> Alarm:
        """A person has seen what may never be over by itself. NotFound where no such alarm is open."""
        require(actor.name, actor.roles, Action.DECIDE)
        _check(code, reason)
        with self._database.write() as tx:
            tx.alone("alarms")
            wanted = subject.strip().upper()
            found = [a for a in alarms.open_ones(tx) if a.code == code and a.subject.upper() == wanted]
            if not found:
                raise NotFound(
                    f"No alarm {code} of {subject} is open. Nothing was changed.",
                    command="See: broadcaster alarms",
                )
            alarms.acknowledge(tx, found[0].id)
            page_no_longer(tx, found[0].code, found[0].subject, "the alarm was acknowledged")
            if found[0].code not in FOUND_BY_LOOKING:
                alarms.clear(tx, found[0].id)
            payload = {"code": code, "subject": found[0].subject, "reason": reason}
            about = _about(found[0].code, found[0].subject)
            audit_log.append(tx, actor=actor.name, act="alarm_acknowledged", subject=about, payload=payload)
            return found[0]


def raise_alarm(tx: Tx, finding: Finding) -> None:
    """In the transaction of whoever found it. Once: while it stands, its text is brought up to date instead."""
    tx.alone("alarms")
    known = [a for a in alarms.standing(tx) if (a.code, a.subject) == finding.key]
    if known:
        alarms.set_text(tx, known[0].id, text=finding.text, size=finding.size)
        return
    alarms.insert(tx, code=finding.code, subject=finding.subject, text=finding.text, size=finding.size)
    _note(tx, "alarm_raised", finding.code, finding.subject)
    page_about(tx, finding.code, finding.subject)
    log.error("alarm_raised", code=str(finding.code), subject=finding.subject)


def take_back(tx: Tx, code: AlarmCode, subject: str) -> None:
    """It is over, says whoever raised it. Nothing happens where it does not stand."""
    tx.alone("alarms")
    for each in alarms.standing(tx):
        if (each.code, each.subject) == (code, subject):
            _clear(tx, each)


def _clear(tx: Tx, alarm: Alarm) -> None:
    if alarms.clear(tx, alarm.id):
        _note(tx, "alarm_cleared", alarm.code, alarm.subject)
        page_no_longer(tx, alarm.code, alarm.subject, "the alarm is over")


def _findings(tx: Tx) -> Iterator[Finding]:
    yield from map(findings.unknown_waits, alarms.unknown_longer_than(tx, UNKNOWN_WAITS_AFTER))
    undecided, quarantined = alarms.for_a_person(tx)
    yield from map(findings.unknown_undecided, undecided)
    yield from map(findings.quarantined, quarantined)
    yield from map(findings.post_not_seen, sightings.wrong(tx))
    yield from _of_accounts(tx)
    yield from map(findings.feed_failing, feeds.trouble(tx, failing_for=FEED_FAILS_AFTER))
    yield from map(findings.webhook_failing, webhooks.trouble(tx, tx.now() - WEBHOOK_FAILS_AFTER))
    overdue = (b for b in authorities.broken(tx, open_only=True) if b.is_overdue(tx.now()))
    yield from map(findings.break_glass_unreviewed, overdue)
    for mode in Mode:
        for lane in Lane:
            ref = _left_lying(tx, mode, lane)
            if ref:
                yield findings.nobody_sends(mode, lane, ref)
    yield from _of_storm_mode(tx)
    for due in reminders.updates_due(tx):
        if due.mode == Mode.LIVE:
            yield findings.next_update_due(due, overdue=due.at <= tx.now())
    since = audit_log.unsealed_since(tx)
    if since is not None and since < tx.now() - NOBODY_SEALS_AFTER:
        yield findings.nobody_seals()


def _of_accounts(tx: Tx) -> Iterator[Finding]:
    every = [row for mode in sorted(Mode) for row in accounts.every(tx, mode=mode)]
    yield from map(findings.account_paused, (row for row in every if row.paused_at))
    yield from map(findings.account_failing, (row for row in every if row.is_failing(tx.now())))
    # By the newest checks. Of an account whose file was taken away there are none any more.
    for probed in readiness.every(tx):
        if probed.at < tx.now() - CHECKED_WITHIN:
            continue
        ends = probed.readiness.valid_until
        if probed.state is ReadinessState.NOT_READY:
            yield findings.account_not_ready(probed)
        elif ends and ends <= tx.now() + ENDS_SOON:
            yield findings.credentials_end(probed, ends)


def _of_storm_mode(tx: Tx) -> Iterator[Finding]:
    on = storm.now(tx)
    if on is None:
        held = [each.ref for each in storm.items(tx)]
        if held:
            yield findings.held_undecided(held)
    elif on.on_at < tx.now() - FORGOTTEN_AFTER:
        yield findings.storm_mode_long(on)


def _left_lying(tx: Tx, mode: Mode, lane: Lane) -> str:
    """The message that waits for a worker in vain, or nothing. Texts by the hundred thousand wait their turn, which is
    no alarm while somebody sends; a public post that waits so long is one whoever is busy with what."""
    after = NOBODY_SENDS_AFTER
    ref = alarms.waiting_batch(tx, mode=mode, lane=lane, longer_than=after)
    if lane is Lane.PUBLIC:
        return ref
    ref = ref or alarms.waiting_plan(tx, mode=mode, longer_than=after)
    return "" if ref and alarms.somebody_works(tx, mode=mode, lane=lane, within=after) else ref


def _has_grown(known: Alarm, found: Finding) -> bool:
    """A person has acknowledged it, and it is of more than he has seen."""
    return known.acknowledged_at is not None and found.size > known.size


def _check(code: str, reason: str) -> None:
    if code not in frozenset(AlarmCode):
        raise NotFound(f'There is no alarm "{code}".{did_you_mean(code, AlarmCode)} Nothing was changed.')
    if code not in ACKNOWLEDGED_BY_A_PERSON:
        raise Invalid(
            f"{code} is over by itself once its cause is mended. Nothing was changed.",
            command="What to do about it: broadcaster alarms",
        )
    require_reason(reason)


def _about(code: AlarmCode, subject: str) -> str:
    """What the audit log keeps it under: an account is there by its name alone."""
    return subject.partition("/")[2] if code in OF_AN_ACCOUNT else subject


def _note(tx: Tx, act: str, code: AlarmCode, subject: str) -> None:
    payload = {"code": str(code), "subject": subject}
    audit_log.append(tx, actor=SYSTEM, act=act, subject=_about(code, subject), payload=payload)
