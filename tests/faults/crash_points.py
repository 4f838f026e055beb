"""T2: a process dies at each of seven moments, for each kind of channel, and nothing is lost or doubled unrecorded."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from broadcaster.db.tables import attempt, batch, broadcast, delivery, intent_group, target
from broadcaster.domain.broadcast import BatchState
from broadcaster.parts.shared import owner_name
from tests.faults.children import Child, Children
from tests.faults.crash_cases import SIZES, SLOW_S, Case, cases
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.judging import judge
from tests.faults.recovering import recover
from tests.faults.stage import Ground, Stage, StandIns, audience, notes, web_process

DIES_WITHIN_S, WORKS_S = 30.0, 20.0


@dataclass(frozen=True, kw_only=True)
class Ran:
    """`problems` say what was not as it must be, `counts` what the checker counted."""

    case: Case
    died_there: bool
    problems: tuple[str, ...]
    counts: Counter[str]


def run(place: Place, figures: Figures, *, seeds: int, share: int) -> None:
    """All points and channels with so many seeds; where `share` is 2, each database takes a half of them."""
    part = 0 if place.database == "sqlite" else 1
    chosen = list(cases(range(place.seed, place.seed + seeds), share=share, part=part))
    with Children(place.folder) as children:
        ground = Ground(place, SIZES)
        with StandIns(children, place.folder / "stand-ins", ground.accounts) as stand_ins:
            ran = [_run(ground, stand_ins, children, case) for case in chosen]
    _tell(figures, place, ran)


def _tell(figures: Figures, place: Place, ran: Sequence[Ran]) -> None:
    totals = sum((r.counts for r in ran), Counter())
    figures.add("runs", len(ran))
    figures.add("died_at_their_point", sum(r.died_there for r in ran), equals=len(ran))
    figures.add("sound", sum(not r.problems for r in ran), equals=len(ran))
    for name in ("lost", "unexpected", "duplicated"):
        figures.add(name, totals[name], equals=0)
    for name in ("planned", "ok", "unknown", "duplicated_after_unknown"):
        figures.add(name, totals[name])
    broken = [f"{place.database}: {r.case}: {problem}" for r in ran for problem in r.problems]
    assert not broken, "\n".join(broken)


def _run(ground: Ground, stand_ins: StandIns, children: Children, case: Case) -> Ran:
    stand_ins.forget()
    with ground.stage(stand_ins, max_in_flight=case.in_flight) as stage:
        with web_process(children, stage) if case.receipts else nullcontext():
            submitted = stage.submit(
                channels=case.channels,
                audience=audience(case.texts.recipients) if case.texts else "",
                life_safety=case.life_safety,
            )
            child = _die(stage, children, case, submitted)
            if case.slow:
                time.sleep(
                    SLOW_S + 0.05
                )  # nobody waits for the answer any more, and it is taken all the same
            left = _left(stage, child, case, submitted.ref)
            there, why = _died_there(stage, child, case, left)
            stand_ins.clear_faults()
            if case.supervised:
                stage.parts.reconcile.take_over(owner_name(child.pid))
            over = recover(stage, submitted.ref, receipts=case.receipts)
        found = judge(stage, submitted.ref)
    problems = [*found.problems, *_too_much(case, left, found.counts)]
    problems += [] if over else ["the broadcast does not come to an end"]
    problems += [] if there else [f"it did not die at its point: {why}"]
    return Ran(case=case, died_there=there, problems=tuple(problems), counts=found.counts)


def _too_much(case: Case, left: Mapping[str, int], counts: Counter[str]) -> Iterator[str]:
    """An unknown outcome excuses neither a second post that nothing allowed, nor a question that could be answered."""
    if counts["duplicated_after_unknown"] > case.may_double:
        yield f"{counts['duplicated_after_unknown']} were sent twice, and policy allows {case.may_double}"
    if counts["unknown"] > case.may_stay_unknown(left):
        yield f"{counts['unknown']} stay unknown, and only {case.may_stay_unknown(left)} cannot be proved"


def _die(stage: Stage, children: Children, case: Case, submitted: Any) -> Child:
    """The process that dies, once it is dead. Whatever leads up to its task is done here."""
    order: dict[str, Any] = {}
    if case.task == "approve":
        order = {"token": stage.tokens["approver"], "ref": submitted.ref, "sha256": submitted.manifest_sha256}
    else:
        stage.approve(submitted)
        (row,) = stage.rows(select(broadcast.c.id))
        if case.task == "plan":
            order = {"broadcast_id": row.id}
        else:
            stage.parts.plan.plan(row.id)
            if case.leads:
                _keep_waiting(stage)
            order = {"lane": case.lane, "for_s": WORKS_S, "groups": case.groups}
    stage.stand_ins.order(case.faults)
    child = children.start(case.task, settings=stage.settings.environment(), fate=_fate(stage, case), **order)
    if not child.ended.wait(DIES_WITHIN_S):
        child.end()
    return child


def _keep_waiting(stage: Stage) -> None:
    """A longer head start for the page: on a busy machine it would be over before the worker has begun."""
    with stage.parts.database.write() as tx:
        later = tx.now() + timedelta(seconds=60)
        pages = select(target.c.id).where(target.c.channel == "website")
        tx.execute(update(batch).where(batch.c.target_id.not_in(pages)).values(next_at=later))


def _fate(stage: Stage, case: Case) -> dict[str, Any]:
    return {
        "point": case.point,
        "channel": case.channel,
        "note": str(stage.root / "note"),
        "group": case.group,
        "delay_s": case.delay_s,
        "sandbox": stage.stand_ins.url,
        "fault": dict(case.fault),
        "arrived": case.arrived,
        "files": case.files,
        "bell": case.bell,
    }


# --- whether it died where it was to die --------------------------------------------------------------------


def _died_there(stage: Stage, child: Child, case: Case, left: Mapping[str, int]) -> tuple[bool, str]:
    """By the kernel, by its own last note, and by what it left in the database and at the platform."""
    noted = [note.get("point") for note in notes(stage.root / "note")]
    there = child.killed and noted == [case.point] and _fits(case, left)
    return there, f"status {child.status}, noted {noted}, left {left}"


def _left(stage: Stage, child: Child, case: Case, ref: str) -> dict[str, int]:
    """`size`, `recorded` and `taken` are of all groups that are open; of the newest where none is."""
    owner = owner_name(child.pid)
    groups = stage.rows(select(intent_group).where(intent_group.c.owner == owner).order_by(intent_group.c.id))
    opened = [g for g in groups if g.closed_at is None]
    taken = [_taken(stage, case, ref, g) for g in groups]
    recorded = [_recorded(stage, g) for g in groups]
    sizes = [len(json.loads(g.delivery_ids)) for g in groups]
    meant = [n for n, g in enumerate(groups) if g.closed_at is None] or list(range(len(groups)))[-1:]
    held = select(func.count()).where(batch.c.owner == owner, batch.c.state == BatchState.LEASED)
    return {
        "broadcasts": stage.rows(select(func.count(broadcast.c.id)))[0][0],
        "planned": stage.rows(select(func.count(delivery.c.id)))[0][0],
        "held": stage.rows(held)[0][0],
        "groups": len(groups),
        "open": len(opened),
        "size": sum(sizes[n] for n in meant),
        "recorded": sum(recorded[n] for n in meant),
        "taken": sum(taken[n] for n in meant),
        "taken_of_newest": taken[-1] if taken else 0,
        "answered": sum(taken[n] == sizes[n] for n in meant),
        "closed_whole": sum(
            g.closed_at is not None and recorded[n] == sizes[n] for n, g in enumerate(groups)
        ),
    }


def _recorded(stage: Stage, group: Any) -> int:
    return int(stage.rows(select(func.count()).where(attempt.c.intent_group_id == group.id))[0][0])


def _taken(stage: Stage, case: Case, ref: str, group: Any) -> int:
    """How many posts of the group the platform has."""
    if case.channel == "website":
        return int((stage.settings.site_dir / "alerts" / ref.lower() / "index.html").exists())
    rows = stage.stand_ins.took(case.channel)
    if case.texts:
        ids = json.loads(group.delivery_ids)
        keys = {r.uid for r in stage.rows(select(delivery.c.uid).where(delivery.c.id.in_(ids)))}
        return len({row["key"] for row in rows} & keys)
    return sum(f"Ref {ref}" in row["text"] for row in rows)


def _fits(case: Case, left: Mapping[str, int]) -> bool:
    """What only a process that died at this very point leaves behind."""
    if case.point == "before_bell":
        return _fits_bell(case, left)
    if case.point == "after_claim":
        return left["held"] == 1 and left["open"] == 0
    if case.point == "after_commit":
        return left["held"] == 1 and left["closed_whole"] > 0
    waits = left["held"] == 1 and left["open"] > 0 and left["recorded"] == 0 < left["size"]
    if case.point == "after_intent":
        return waits and left["taken_of_newest"] == 0
    if case.point == "after_first_byte":
        return waits and left["taken"] > 0
    refusing = any(fault["kind"] == "503" for fault in case.faults)
    return waits and (refusing or left["answered"] > 0)


def _fits_bell(case: Case, left: Mapping[str, int]) -> bool:
    if case.task == "approve":
        return left["broadcasts"] == 1 and left["groups"] == 0
    if case.task == "plan":
        return left["planned"] == case.texts.recipients and left["groups"] == 0
    return left["open"] == 0 and left["recorded"] == left["size"] > 0


SCENARIOS = [
    Scenario(
        test="T2",
        title="a process dies at each crash point, on each kind of channel",
        run=run,
        small={"seeds": 1, "share": 2},
        full={"seeds": 5, "share": 1},
        n="seeds",
    ),
]
