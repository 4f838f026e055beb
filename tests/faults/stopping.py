"""T32: a broadcast is stopped at random moments of a send, from its release to its last text."""

import time
from collections.abc import Mapping
from datetime import datetime
from random import Random

from sqlalchemy import select

from broadcaster.db.tables import broadcast, message
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import Stale
from broadcaster.domain.evidence import check
from tests.faults.evidence import gather
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import House, house
from tests.faults.sending import acceptances, wait_until_over
from tests.installation import Installation, wait_for

OVER_WITHIN_S = 180
STOPPED_WITHIN_S = 5.0
UNDER_WAY = {DeliveryState.PENDING, DeliveryState.SENDING}


def stopped_at_random(place: Place, figures: Figures, *, texts: int, rounds: int, delay_s: float) -> None:
    """One send goes to its end first, to know how long that takes."""
    dice = Random(place.seed)
    with house(place) as here:
        found = here.found
        found.import_numbers(texts)
        _afresh(here, delay_s)
        started = time.monotonic()
        wait_until_over(found, found.release(), within_s=OVER_WITHIN_S + texts)
        lasts_s = time.monotonic() - started
        stopped, too_late = [], 0
        while len(stopped) < rounds and too_late < 3 * rounds:
            after_s = dice.uniform(0, 0.8 * lasts_s)
            row = _stopped(here, after_s, delay_s, texts)
            if row:
                stopped.append(row)
            else:  # so long it takes only where this machine has to do something else
                too_late, lasts_s = too_late + 1, min(lasts_s, after_s)
    figures.add("rounds", rounds)
    figures.add("stopped_in_time", len(stopped), equals=rounds)
    figures.add("too_late", too_late)
    figures.add("in_mid_send", sum(0 < row["sent"] < texts for row in stopped), at_least=rounds // 2)
    figures.add("last_byte_s", max(row["late_s"] for row in stopped), at_most=STOPPED_WITHIN_S)
    figures.add("sums_that_differ", sum(row["sum"] != texts for row in stopped), equals=0)
    for name in ("lost", "unexpected", "duplicated", "broken"):
        figures.add(name, sum(row[name] for row in stopped), equals=0)
    for name in ("sent", "cancelled", "unknown"):
        figures.add(name, sum(row[name] for row in stopped))


def _afresh(here: House, delay_s: float) -> None:
    here.make_ready()
    here.found.fault(platform="sms", kind="delay", seconds=delay_s)


def _stopped(here: House, after_s: float, delay_s: float, texts: int) -> dict[str, float]:
    """What became of one broadcast; nothing where it was over before it could be stopped."""
    found = here.found
    _afresh(here, delay_s)
    ref = found.release()
    time.sleep(after_s)
    officer = found.parts.people.who(found.people["officer"])
    try:
        found.parts.recall.stop(officer, ref, "Sent in error")
    except Stale:
        return {}
    wait_for(
        lambda: not UNDER_WAY & {s for s, n in _of_texts(found, ref).items() if n}, within_s=OVER_WITHIN_S
    )
    of_texts = _of_texts(found, ref)
    findings = check(gather(found, ref, in_process=True))
    sent = sum(of_texts.get(s, 0) for s in (DeliveryState.ACCEPTED, DeliveryState.DELIVERED))
    unknown = sum(of_texts.get(s, 0) for s in (DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL))
    cancelled = of_texts.get(DeliveryState.CANCELLED, 0)
    return {
        "late_s": _last_byte_s(found, ref),
        "sent": sent,
        "cancelled": cancelled,
        "unknown": unknown,
        "sum": sent + cancelled + unknown,
        "broken": len(findings.broken),
        **{name: findings.counts[name] for name in ("lost", "unexpected", "duplicated")},
    }


def _of_texts(found: Installation, ref: str) -> Mapping[DeliveryState, int]:
    return next(t for t in found.status(ref).targets if t.channel == "sms").states


def _last_byte_s(found: Installation, ref: str) -> float:
    """From the stop to the last text that the gateway took; 0 where none came after it."""
    query = select(broadcast.c.ended_at).join(message, message.c.id == broadcast.c.message_id)
    with found.parts.database.read() as tx:
        stopped: datetime = tx.execute(query.where(message.c.ref == ref)).scalar_one()
    taken = acceptances(found)
    return max(0.0, (taken[-1] - stopped).total_seconds()) if taken else 0.0


SCENARIOS = [
    Scenario(
        test="T32",
        title="a broadcast is stopped at random moments",
        run=stopped_at_random,
        small={"texts": 500, "rounds": 4, "delay_s": 0.5},
        full={"texts": 20_000, "rounds": 50, "delay_s": 0.02},
        n="rounds",
        pushed=False,
    ),
]
