"""T19: what was not answered is sent again only where that cannot double, or within bounds that are kept to the unit."""

import time
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from broadcaster.db.tables import broadcast
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.message import Mode
from tests.builders import NO_HURRY, a_world
from tests.fakes import FakeDeduplicating
from tests.faults.children import Children
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.judging import judge
from tests.faults.stage import Ground, Stage, StandIns, audience
from tests.integration.unknown_texts import SILENCE

RECEIPT_WAIT_S = 20.0
WORKS_S = 600.0


def blind(place: Place, figures: Figures, *, sizes: Sequence[tuple[int, int]]) -> None:
    """Of each size so many may be sent again: exactly that many are unknown, and then one more."""
    problems: list[str] = []
    with Children(place.folder) as children:
        ground = Ground(place, sorted({size for size, _ in sizes}))
        with StandIns(children, place.folder / "stand-ins", ground.accounts) as stand_ins:
            for size, most in sizes:
                for unknown in (most, most + 1):
                    again = most if unknown == most else 0
                    got = _sent_again(ground, stand_ins, size=size, unknown=unknown, problems=problems)
                    figures.add(f"sent_again_of_{size}_with_{unknown}_unknown", got, equals=again)
    figures.add("recipients", max(size for size, _ in sizes))
    figures.add("invariants_broken", len(problems), equals=0)
    assert not problems, "\n".join(problems)


def _sent_again(ground: Ground, stand_ins: StandIns, *, size: int, unknown: int, problems: list[str]) -> int:
    """How many texts the gateway took a second time, where it had answered to so many first ones with 500."""
    stand_ins.forget()
    with ground.stage(stand_ins, receipt_wait_s=RECEIPT_WAIT_S, max_in_flight=50) as stage:
        stand_ins.order([{"platform": "sms", "kind": "accept_then_500", "count": unknown}])
        submitted = stage.submit(channels=("sms",), audience=audience(size), life_safety=True)
        stage.approve(submitted)
        (row,) = stage.rows(select(broadcast.c.id))
        stage.parts.plan.plan(row.id)
        _until_over(stage, submitted.ref)
        taken = Counter(str(each["recipient"]) for each in stand_ins.took("sms"))
        found = judge(stage, submitted.ref)
        problems += found.problems
        states = stage.parts.report.status(submitted.ref).totals
    left = states.get(DeliveryState.UNKNOWN_FINAL, 0)
    twice = sum(count > 1 for count in taken.values())
    if len(taken) != size or max(taken.values()) > 2 or twice + left != unknown:
        problems.append(f"{size} texts, {unknown} unknown: {len(taken)} taken, {twice} twice, {left} left")
    return twice


def _until_over(stage: Stage, ref: str) -> None:
    deadline = time.monotonic() + WORKS_S
    while not stage.parts.report.status(ref).over:
        assert time.monotonic() < deadline, f"not over: {stage.parts.report.status(ref).totals}"
        stage.parts.deliver.work(Mode.LIVE, Lane.BULK, for_s=60)
        stage.clock.advance(RECEIPT_WAIT_S + 1)
        stage.parts.sweep.sweep()


def deduplicating(place: Place, figures: Figures, *, texts: int) -> None:
    """A gateway that refuses a repeated key takes every text, and half of them in silence. No gateway that we know of
    does, so this one is a fake."""
    gateway = FakeDeduplicating("gateway")
    with a_world(place.database_url, place.folder, receipt_wait_s=RECEIPT_WAIT_S, gateway=gateway) as world:
        gateway.answers.extend([SILENCE, None] * (texts // 2))
        released = world.release_texts(texts, **NO_HURRY)
        world.work_bulk()
        figures.add("unknown_at_first", world.totals(released.ref).get("unknown", 0), equals=texts // 2)
        for _ in range(3):
            world.clock.advance(1)
            world.parts.sweep.sweep()
            world.work_bulk()
        calls = Counter(key for called in gateway.calls for key in called)
        figures.add("accepted", world.totals(released.ref).get("accepted", 0), equals=texts)
        figures.add("tried_twice_under_their_key", sum(n == 2 for n in calls.values()), equals=texts // 2)
        figures.add("keys", len(calls), equals=texts)
        figures.add("sent_by_the_gateway", len(gateway.ledger), equals=texts)


SCENARIOS = [
    Scenario(
        test="T19",
        title="a gateway that knows a key again: retries keep it",
        pushed=False,
        run=deduplicating,
        small={"texts": 40},
        full={"texts": 2_000},
        n="texts",
    ),
    Scenario(
        test="T19",
        title="a gateway that tells nothing: the bounds of sending again",
        run=blind,
        small={"sizes": ((60, 3),)},
        full={"sizes": ((10_000, 500), (20_000, 1_000), (30_000, 1_000))},
        n="sizes",
        pushed=False,
    ),
]
