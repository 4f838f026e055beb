"""T8: a worker stands still for longer than its lease and then goes on. Another one takes over, and the one that wakes up
writes nothing but late truth."""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from queue import SimpleQueue
from typing import Any

from sqlalchemy import func, select

from broadcaster.db.tables import attempt, audit_event, broadcast, intent_group
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import Outcome
from broadcaster.parts.shared import owner_name
from tests.faults.children import Child, Children
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.judging import judge
from tests.faults.recovering import recover
from tests.faults.stage import Ground, Stage, StandIns, audience, notes
from tests.installation import wait_for

MOMENTS = ("after_claim", "after_intent", "before_byte")
CHANNELS = ("website", "facebook", "x", "sms")
RECIPIENTS, IN_FLIGHT = 40, 2  # 5 %: what is unknown of a life-safety message is sent again
STOPS_WITHIN_S, ENDS_WITHIN_S = 60.0, 60.0
WAKES_FOR_S = (15.0, 600.0)  # how long its bell lasts: it is over when it wakes up, or goes on
TAKEOVER_S = 75.0


@dataclass(frozen=True, kw_only=True)
class Case:
    moment: str
    channel: str
    seed: int

    @property
    def life_safety(self) -> bool:
        return bool(self.seed // 2 % 2)

    @property
    def for_s(self) -> float:
        return WAKES_FOR_S[self.seed // 4 % 2]

    def __str__(self) -> str:
        return f"{self.moment} x {self.channel} x seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Ran:
    """`takeover_s` runs from its stop to the moment when its batch was free again; `posted` after it woke up, under the
    claim that it had lost, and `opened` the intents it committed under that."""

    case: Case
    stopped: bool
    takeover_s: float
    posted: int
    opened: int
    problems: tuple[str, ...]
    counts: Counter[str]


def run(
    place: Place, figures: Figures, *, runs: int, channels: Sequence[str], stop_s: float, lease_s: float
) -> None:
    """So many runs of the three moments in turn, 20 at a time, each with its own database and platforms."""
    chosen = [
        Case(
            moment=MOMENTS[n % len(MOMENTS)],
            channel=channels[n // len(MOMENTS) % len(channels)],
            seed=place.seed + n // len(MOMENTS),
        )
        for n in range(runs)
    ]
    at_once = min(20, runs)
    with ExitStack() as stack:
        children = stack.enter_context(Children(place.folder))
        ground = Ground(place, [RECIPIENTS])
        free: SimpleQueue[StandIns] = SimpleQueue()

        def open_one(n: int) -> None:
            folder = place.folder / f"stand-ins-{n}"
            free.put(stack.enter_context(StandIns(children, folder, ground.accounts)))

        def one(case: Case) -> Ran:
            stand_ins = free.get(timeout=ENDS_WITHIN_S)
            try:
                return _run(ground, stand_ins, children, case, stop_s=stop_s, lease_s=lease_s)
            finally:
                free.put(stand_ins)

        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(open_one, range(at_once)))
            ran = list(pool.map(one, chosen))
    _tell(figures, place, ran)


def _tell(figures: Figures, place: Place, ran: Sequence[Ran]) -> None:
    totals = sum((r.counts for r in ran), Counter())
    early = [r for r in ran if r.case.moment != "before_byte"]
    figures.add("runs", len(ran))
    figures.add("stopped_at_their_moment", sum(r.stopped for r in ran), equals=len(ran))
    figures.add("runs_held", sum(not r.problems for r in ran), equals=len(ran))
    figures.add("takeover_s", max(r.takeover_s for r in ran), at_most=TAKEOVER_S)
    figures.add("posts_by_woken", sum(r.posted for r in early), equals=0)
    figures.add("late_posts_before_byte", sum(r.posted for r in ran) - sum(r.posted for r in early))
    figures.add("intents_by_woken", sum(r.opened for r in ran), equals=0)
    for name in ("lost", "unexpected", "duplicated"):
        figures.add(name, totals[name], equals=0)
    for name in ("planned", "ok", "unknown", "duplicated_after_unknown"):
        figures.add(name, totals[name])
    broken = [f"{place.database}: {r.case}: {problem}" for r in ran for problem in r.problems]
    assert not broken, "\n".join(broken)


def _run(
    ground: Ground, stand_ins: StandIns, children: Children, case: Case, *, stop_s: float, lease_s: float
) -> Ran:
    stand_ins.forget()
    with ground.stage(stand_ins, max_in_flight=IN_FLIGHT, lease_s=lease_s) as stage:
        ref = _release(stage, case)
        worker = children.start("work", **_order(stage, case))
        stopped = worker.stopped.wait(STOPS_WITHIN_S)
        assert stopped, f"{case}: it ended with {worker.status} instead of standing still"
        second = children.start("carry_on", settings=stage.settings.environment())
        noted = notes(stage.root / "note")
        time.sleep(stop_s)
        wait_for(
            lambda: _takeover_s(stage, noted) < inf, within_s=TAKEOVER_S
        )  # until then nothing is lost to it
        woke_at = time.time()
        worker.signal(signal.SIGCONT)
        ended = worker.ended.wait(ENDS_WITHIN_S)
        noted = notes(stage.root / "note")
        worker.end()
        second.end()
        over = recover(stage, ref, receipts=False)
        found = judge(stage, ref)
        takeover_s = _takeover_s(stage, noted)
        opened = _opened(stage, worker, noted)
        problems = [*found.problems, *_of_the_woken(stage, case, worker, noted, woke_at)]
    if found.counts["duplicated_after_unknown"] and not case.life_safety:
        problems.append("it was sent twice, and policy does not allow that")
    problems += [] if ended and worker.status == 0 else [f"the woken worker ended with {worker.status}"]
    problems += [] if over else ["the broadcast does not come to an end"]
    there = stopped and [n["point"] for n in noted if "point" in n] == [case.moment]
    problems += [] if there else [f"it did not stop at its moment: {noted}"]
    return Ran(
        case=case,
        stopped=there,
        takeover_s=takeover_s,
        posted=_posted(noted),
        opened=opened,
        problems=tuple(problems),
        counts=found.counts,
    )


def _release(stage: Stage, case: Case) -> str:
    submitted = stage.submit(
        channels=(case.channel,),
        audience=audience(RECIPIENTS) if case.channel == "sms" else "",
        life_safety=case.life_safety,
    )
    stage.approve(submitted)
    (row,) = stage.rows(select(broadcast.c.id))
    stage.parts.plan.plan(row.id)
    return submitted.ref


def _order(stage: Stage, case: Case) -> dict[str, Any]:
    lane = Lane.BULK if case.channel == "sms" else Lane.PUBLIC
    return {
        "settings": stage.settings.environment(),
        "lane": lane,
        "for_s": case.for_s,
        "fate": {
            "point": case.moment,
            "channel": case.channel,
            "how": "stop",
            "note": str(stage.root / "note"),
        },
    }


# --- what the woken one did ---------------------------------------------------------------------------------


def _posted(noted: Sequence[dict[str, Any]]) -> int:
    """How many posts it handed to a platform under the claim that it had lost."""
    return sum(note.get("called", 0) for note in noted)


def _stop(noted: Sequence[dict[str, Any]]) -> datetime:
    return datetime.fromtimestamp(next(n["at"] for n in noted if "point" in n), tz=UTC)


def _takeover_s(stage: Stage, noted: Sequence[dict[str, Any]]) -> float:
    """Infinite where nobody took over."""
    query = select(func.min(audit_event.c.at)).where(
        audit_event.c.act == "batch_taken_over", audit_event.c.at > _stop(noted)
    )
    ((at,),) = stage.rows(query)
    return (at - _stop(noted)).total_seconds() if at else inf


def _opened(stage: Stage, worker: Child, noted: Sequence[dict[str, Any]]) -> int:
    """Intents under the first claim of the one that stood still, committed after it did."""
    c = intent_group.c
    mine = c.owner == owner_name(worker.pid)
    query = select(func.count()).where(mine, c.fence == 1, c.opened_at > _stop(noted))
    ((opened,),) = stage.rows(query)
    return opened


def _of_the_woken(
    stage: Stage, case: Case, worker: Child, noted: Sequence[dict[str, Any]], woke_at: float
) -> list[str]:
    """What it recorded under its old claim must be an outcome of the call it had begun: nothing else is true."""
    c, woke = intent_group.c, datetime.fromtimestamp(woke_at, tz=UTC)
    query = (
        select(attempt.c.outcome)
        .join(intent_group, c.id == attempt.c.intent_group_id)
        .where(c.owner == owner_name(worker.pid), c.fence == 1, attempt.c.ended_at >= woke)
    )
    wrote = Counter(row.outcome for row in stage.rows(query))
    allowed = {"after_claim": 0, "after_intent": IN_FLIGHT, "before_byte": IN_FLIGHT}[case.moment]
    problems = []
    if wrote.total() > allowed:
        problems.append(f"the woken worker recorded {dict(wrote)}")
    if case.moment == "after_intent" and set(wrote) - {Outcome.NOT_SENT}:
        problems.append(f"the woken worker recorded {dict(wrote)} of what it must not have sent")
    if not any("woken" in note for note in noted):
        problems.append("the worker did not wake up")
    return problems


SCENARIOS = [
    Scenario(
        test="T8",
        title="a worker stands still, another takes over, the first wakes up",
        run=run,
        small={"runs": 6, "channels": ("sms", "facebook"), "stop_s": 6.0, "lease_s": 1.5},
        full={"runs": 60, "channels": CHANNELS, "stop_s": 90.0, "lease_s": 20.0},
        n="runs",
        patient=True,
    ),
]
