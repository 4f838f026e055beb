"""T13: what must have one effect is done by two at once: two sweepers, two sealers, one plan twice."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from sqlalchemy import ScalarSelect, func, select, update

from broadcaster.db.tables import audit_event, broadcast, delivery, message, message_version, submission
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.message import Mode
from broadcaster.parts.shared import owner_name
from tests.faults.children import Children
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.judging import judge
from tests.faults.stage import Ground, Stage, StandIns, audience
from tests.installation import wait_for

AT_ONCE = 2
OVER_WITHIN_S = 60.0
TOGETHER_IN_S = 0.3
#: What happens once to a message, however many look at it.
ONCE = ("submission_expired", "broadcast_done", "deliveries_expired")


def two_of_each(place: Place, figures: Figures, *, rounds: int, texts: int) -> None:
    """In each round: a plan, a worker that died, refusals that are tried again, a text that nobody knows of, a submission
    that is too old, a broadcast that has ended."""
    problems: list[str] = []
    with Children(place.folder) as children:
        ground = Ground(place, [texts])
        with StandIns(children, place.folder / "stand-ins", ground.accounts) as stand_ins:
            stand_ins.forget()
            with ground.stage(stand_ins, max_in_flight=2, receipt_wait_s=1.0) as stage:
                with _everybody_twice(children, stage):
                    refs = [_round(children, stage, texts) for _ in range(rounds)]
                    wait_for(lambda: _unsealed(stage) == 0, within_s=OVER_WITHIN_S)
                _tell_of_the_log(figures, stage)  # before it is exported, which is an act too
                _tell(figures, stage, refs, texts, problems)
    figures.add("rounds", rounds)
    figures.add("invariants_broken", len(problems), equals=0)
    assert not problems, "\n".join(problems)


@contextmanager
def _everybody_twice(children: Children, stage: Stage) -> Iterator[None]:
    with ExitStack() as stack:
        for task in ("sweep_on", "seal_on") * AT_ONCE:
            child = children.start(task, settings=stage.settings.environment())
            stack.callback(child.end)
        yield


def _round(children: Children, stage: Stage, texts: int) -> dict[str, str]:
    """The references of what was sent, of what was too old, of what ended."""
    stage.stand_ins.clear_faults()
    stage.stand_ins.order(
        [
            {"platform": "sms", "kind": "accept_then_500", "count": 1},
            {"platform": "sms", "kind": "503", "count": 5},
        ]
    )
    sent = stage.submit(channels=("sms",), audience=audience(texts), life_safety=True)
    stage.approve(sent)
    _plan_together(children, stage, _broadcast_id(stage, sent.ref))
    _let_one_die(children, stage)
    old = stage.submit(channels=("website",), audience="", life_safety=False)
    ended = stage.submit(channels=("facebook",), audience="", life_safety=False)
    stage.approve(ended)
    with stage.parts.database.write() as tx:
        past = tx.now() - timedelta(seconds=1)
        tx.execute(
            update(submission).where(submission.c.id == submission_of(old.ref)).values(expires_at=past)
        )
        of_ended = select(message.c.id).where(message.c.ref == ended.ref).scalar_subquery()
        tx.execute(update(broadcast).where(broadcast.c.message_id == of_ended).values(expires_at=past))
    _work_until_over(stage, sent.ref, ended.ref)
    wait_for(lambda: _acts(stage, old.ref)["submission_expired"], within_s=OVER_WITHIN_S)
    return {"sent": sent.ref, "old": old.ref, "ended": ended.ref}


def _plan_together(children: Children, stage: Stage, broadcast_id: int) -> None:
    order = {"settings": stage.settings.environment(), "broadcast_id": broadcast_id}
    at = time.time() + TOGETHER_IN_S
    for child in [children.start("plan_at", at=at, **order) for _ in range(AT_ONCE)]:
        assert child.ended.wait(OVER_WITHIN_S)
        assert child.status == 0


def _let_one_die(children: Children, stage: Stage) -> None:
    """A worker that is killed with two texts under way; both sweepers, and whoever saw it die, take over at once."""
    fate = {"point": "after_intent", "channel": "sms", "note": str(stage.root / "note"), "group": 2}
    child = children.start(
        "work",
        settings=stage.settings.environment(),
        fate=fate,
        lane=Lane.BULK,
        for_s=20,
        groups=None,
    )
    assert child.ended.wait(OVER_WITHIN_S)
    assert child.killed
    stage.parts.reconcile.take_over(owner_name(child.pid))


def _work_until_over(stage: Stage, *refs: str) -> None:
    deadline = time.monotonic() + OVER_WITHIN_S
    while not all(stage.parts.report.status(ref).over for ref in refs):
        assert time.monotonic() < deadline, [stage.parts.report.status(ref).totals for ref in refs]
        stage.parts.deliver.work(Mode.LIVE, Lane.BULK, for_s=2)
        time.sleep(0.05)
    for ref in refs:
        wait_for(lambda ref=ref: _acts(stage, ref)["broadcast_done"], within_s=OVER_WITHIN_S)


def _tell(
    figures: Figures, stage: Stage, refs: list[dict[str, str]], texts: int, problems: list[str]
) -> None:
    for each in refs:
        for ref in (each["sent"], each["ended"]):
            problems += judge(stage, ref).problems
    acts = [(name, _acts(stage, ref)) for each in refs for name, ref in each.items()]
    for act in ONCE:
        counts = Counter(found[act] for _, found in acts if found[act])
        figures.add(f"{act}_events_each", sorted(counts), equals=[1])
    taken_over = [found["batch_taken_over"] for name, found in acts if name == "sent"]
    figures.add("taken_over_events_each", sorted(set(taken_over)), equals=[1])
    resent, given_up = _counted(stage, "unknown_sent_again"), _counted(stage, "unknown_left_to_a_person")
    unknown = 3 * len(refs)  # one of the answer that was lost, two of the worker that died
    figures.add("decided_once", resent + given_up, equals=unknown)
    figures.add("planned", _planned(stage), equals=texts * len(refs))
    taken = Counter(str(row["key"]) for row in stage.stand_ins.took("sms"))
    figures.add("taken_twice", sum(n > 1 for n in taken.values()), at_most=resent)


def _tell_of_the_log(figures: Figures, stage: Stage) -> None:
    ((count, last, sealed),) = stage.rows(
        select(func.count(), func.max(audit_event.c.no), func.count(audit_event.c.no))
    )
    figures.add("events", count)
    figures.add("sealed", sealed, equals=count)
    figures.add("last_number", last, equals=count)
    figures.add("verifiers_code", stage.parts.audit.verify().code, equals=0)


def _acts(stage: Stage, ref: str) -> Counter[str]:
    return Counter(
        row.act for row in stage.rows(select(audit_event.c.act).where(audit_event.c.subject == ref))
    )


def _counted(stage: Stage, act: str) -> int:
    rows = stage.rows(select(audit_event.c.payload).where(audit_event.c.act == act))
    return sum(int(json.loads(row.payload)["count"]) for row in rows)


def submission_of(ref: str) -> ScalarSelect[int]:
    """Its newest."""
    return (
        select(func.max(submission.c.id))
        .join(message_version, message_version.c.id == submission.c.message_version_id)
        .join(message, message.c.id == message_version.c.message_id)
        .where(message.c.ref == ref)
        .scalar_subquery()
    )


def _broadcast_id(stage: Stage, ref: str) -> int:
    query = select(broadcast.c.id).join(message, message.c.id == broadcast.c.message_id)
    ((found,),) = stage.rows(query.where(message.c.ref == ref))
    return int(found)


def _planned(stage: Stage) -> int:
    query = select(func.count()).where(
        delivery.c.recipient_id.is_not(None), delivery.c.state != DeliveryState.CANCELLED
    )
    ((count,),) = stage.rows(query)
    return int(count)


def _unsealed(stage: Stage) -> int:
    ((count,),) = stage.rows(select(func.count()).where(audit_event.c.no.is_(None)))
    return int(count)


SCENARIOS = [
    Scenario(
        test="T13",
        title="two sweepers, two sealers, one plan twice",
        run=two_of_each,
        small={"rounds": 1, "texts": 24},
        full={"rounds": 20, "texts": 200},
        n="rounds",
        pushed=False,
    ),
]
