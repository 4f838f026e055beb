"""Processes of a whole installation that are killed: at random (T1), and by one number that is deadly to send to (T12)."""

import json
import time
from collections.abc import Sequence
from random import Random

import requests
from sqlalchemy import Select, select

from broadcaster.db.key_files import load_or_create_key
from broadcaster.db.tables import batch, broadcast, delivery, intent_group, message, recipient
from broadcaster.db.vault import Vault
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import SETTLED, DeliveryState
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import house
from tests.faults.sending import (
    Brake,
    events,
    judge,
    kill_one_of,
    killed,
    taken,
    wait_until_over,
)
from tests.installation import Installation, wait_for

SENDERS = ("live-public-1", "live-bulk-1", "live-bulk-2", "live-pump")
SITES = 3
IN_FLIGHT_AT_MOST = 50  # what one process may leave unknown


def kill_at_random(
    place: Place,
    figures: Figures,
    *,
    texts: int,
    kills: int,
    every_s: float,
    of: Sequence[str],
    receipt_wait_s: float,
    unknown_percent: float,
    drain_s: float,
) -> None:
    dice = Random(place.seed)
    with house(place, sites=SITES, receipt_wait_s=receipt_wait_s) as here:
        found = here.found
        found.import_numbers(texts)
        brake = Brake(found, texts)
        brake.last_for(kills * every_s)
        ref = found.release()
        wait_for(lambda: taken(found) > 0)
        wait_for(lambda: kill_a_sender(found))  # by chance alone few kills may all meet the idle
        for left in range(kills - 1, 0, -1):
            brake.last_for(left * every_s)
            time.sleep(every_s)
            kill_one_of(found, of, dice)
        figures.add("kills", kills)
        figures.add("sent_before_last_kill", taken(found), at_most=texts - 1)
        found.clear_faults()
        figures.add("drain_s", wait_until_over(found, ref, within_s=max(120, drain_s)), at_most=drain_s)
        planned = texts + here.public
        judge(found, ref, figures, planned=planned, sent=False, in_process=bool(place.shared))
        left = [int(event["unknown"]) for event in events(found, "batch_taken_over", ref)]
        figures.add("unknown_per_kill", max(left, default=0), at_most=IN_FLIGHT_AT_MOST)
        figures.add("unknown_meanwhile", sum(left), at_least=1)  # else no kill met a sending worker
        share = 100 * figures.values["unknown"] / planned
        figures.add("unknown_percent", share, at_most=unknown_percent)


def one_deadly_number(
    place: Place, figures: Figures, *, texts: int, receipt_wait_s: float, quarantine_s: float
) -> None:
    """Whoever sends to it is killed in the call; the gateway never takes it."""
    with house(place, receipt_wait_s=receipt_wait_s) as here:
        found = here.found
        found.import_numbers(texts)
        number = deadly_number(found, texts // 2)
        found.fault(platform="sms", kind="silence", recipient=number)
        ref = found.release()
        met, deaths, first = 0, 0, 0.0
        deadline = time.monotonic() + 60 + 2 * quarantine_s
        while not found.status(ref).over:
            assert time.monotonic() < deadline, f"not over after {deaths} deaths: {found.status(ref).totals}"
            calls = fired(found)
            if calls > met:
                met = calls
                deaths += kill_sender_of(found, ref, texts // 2)
                first = first or time.monotonic()
            time.sleep(0.05)
        figures.add("calls", met, at_least=1, at_most=3)
        figures.add("deaths", deaths, at_least=1, at_most=3)
        figures.add("quarantine_s", time.monotonic() - first, at_most=quarantine_s)
        figures.add("state", state_of(found, ref, texts // 2), equals=DeliveryState.QUARANTINED.value)
        judge(found, ref, figures, planned=texts + here.public, sent=False, in_process=bool(place.shared))
        figures.add("ok", figures.values["ok"], equals=texts + here.public - 1)


def deadly_number(found: Installation, ordinal: int) -> str:
    """The number at this place of the audience, as the gateway gets it."""
    vault = Vault(load_or_create_key(found.settings.root / "keys" / "data.key"))
    with found.parts.database.read() as tx:
        newest = select(recipient).where(recipient.c.ordinal == ordinal).order_by(recipient.c.id.desc())
        row = tx.execute(newest.limit(1)).one()
    return vault.open(row.number_sealed, row.number_index)


def fired(found: Installation) -> int:
    (fault,) = requests.get(f"{found.sandbox}/_sandbox/faults", timeout=10).json()
    return int(fault["fired"])


def kill_a_sender(found: Installation) -> bool:
    """Kill -9 of a process that has texts under way. False where none has."""
    query = (
        select(intent_group.c.owner)
        .join(batch, batch.c.id == intent_group.c.batch_id)
        .where(intent_group.c.closed_at.is_(None), batch.c.lane == Lane.BULK)
        .order_by(intent_group.c.id.desc())
        .limit(1)
    )
    with found.parts.database.read() as tx:
        owner = tx.execute(query).scalar_one_or_none()
    return owner is not None and killed(pid_of(owner))


def pid_of(owner: str) -> int:
    return int(owner.rpartition("/")[2])


def kill_sender_of(found: Installation, ref: str, ordinal: int) -> bool:
    """Kill -9 of the process that has this recipient's delivery under way. False where none has it any more: on a
    machine that is slow by seconds its call may have timed out since it was seen."""
    query = (
        _delivery_to(ref, ordinal)
        .add_columns(intent_group.c.owner, intent_group.c.delivery_ids)
        .join(intent_group, intent_group.c.batch_id == delivery.c.batch_id)
        .where(intent_group.c.closed_at.is_(None))
    )
    with found.parts.database.read() as tx:
        owners = {r.owner for r in tx.execute(query) if r.id in json.loads(r.delivery_ids)}
    assert len(owners) <= 1, f"several processes have it in their hands: {owners}"
    return any(killed(pid_of(owner)) for owner in owners)


def _delivery_to(ref: str, ordinal: int) -> Select:
    return (
        select(delivery.c.id, delivery.c.state)
        .join(recipient, recipient.c.id == delivery.c.recipient_id)
        .join(broadcast, broadcast.c.id == delivery.c.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
        .where(recipient.c.ordinal == ordinal, message.c.ref == ref)
    )


def state_of(found: Installation, ref: str, ordinal: int) -> str:
    with found.parts.database.read() as tx:
        state = tx.execute(_delivery_to(ref, ordinal)).one().state
    assert DeliveryState(state) in SETTLED
    return str(state)


SCENARIOS = [
    Scenario(
        test="T1",
        title="processes killed at random in mid-send",
        run=kill_at_random,
        small={
            "texts": 600,
            "kills": 4,
            "every_s": 0.8,
            "of": SENDERS,  # the next sweeper leads only when the dead one's lease has run out, after 10 s
            "receipt_wait_s": 4.0,
            "unknown_percent": 10,
            "drain_s": 90,
        },
        full={
            "texts": 20_000,
            "kills": 100,
            "every_s": 2.0,
            "of": (*SENDERS, "sweeper"),
            "receipt_wait_s": 10.0,
            "unknown_percent": 2,
            "drain_s": 60,
        },
        n="texts",
        turn=13,
    ),
    Scenario(
        test="T12",
        title="one number kills whoever sends to it",
        run=one_deadly_number,
        small={"texts": 600, "receipt_wait_s": 3.0, "quarantine_s": 90},
        full={"texts": 20_000, "receipt_wait_s": 10.0, "quarantine_s": 60},
        n="texts",
        turn=12,
    ),
]
