"""Writing down what came of a group: in the database, or beside it until it is back."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import structlog

from broadcaster.db import attempts, batches, broadcasts, opt_outs
from broadcaster.db.attempts import AttemptResult
from broadcaster.db.batches import Claimed
from broadcaster.db.deliveries import Due
from broadcaster.db.engine import Database, Tx
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.canonical import Json
from broadcaster.domain.delivery import Outcome
from broadcaster.domain.errors import NotConfigured, SendError, Unavailable
from broadcaster.domain.thread import Turn
from broadcaster.logs import about
from broadcaster.queue import Bells
from broadcaster.service.outcomes import attempt_result, summary
from broadcaster.service.record import note, pause_account
from broadcaster.service.spill import Spill
from broadcaster.tracing import span
from channels.base import Receipt

log = structlog.get_logger()

PUBLIC_BELLS = 8
TIMES = ("started_at", "ended_at", "next_at")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Deliveries whose intent is committed: from here on a crash leaves them unknown.

    `opened_s` is this process's own clock before the commit, by which it tells that it was stopped since. `turn` is
    the part of a thread that it is, and None where the post is none. `in_trouble` says that the account had failed
    before it was opened. Nothing more is begun through the account for `wait_s` seconds.
    """

    id: int
    due: Sequence[Due]
    started_at: datetime
    opened_s: float
    turn: Turn | None = None
    in_trouble: bool = False
    wait_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A group of a batch with all its outcomes, one for each of its deliveries, in their order."""

    claimed: Claimed
    group: Group
    outcomes: Sequence[Receipt | SendError]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """All that is to be recorded of one group. `leads` is true for a page that other posts wait for."""

    claimed: Claimed
    group: int
    results: tuple[AttemptResult, ...]
    event: dict[str, Json]
    refusal: tuple[str, str] | None
    leads: bool

    def to_line(self) -> dict[str, Any]:
        """For the spill file: text and numbers only."""
        results = [result._asdict() for result in self.results]
        said = {**vars(self), "claimed": asdict(self.claimed), "results": results}
        line: dict[str, Any] = json.loads(json.dumps(said, default=lambda moment: moment.isoformat()))
        return line

    @classmethod
    def from_line(cls, line: dict[str, Any]) -> Self:
        results = tuple(
            AttemptResult(**{**r, "outcome": Outcome(r["outcome"])} | {n: _moment(r[n]) for n in TIMES})
            for r in line["results"]
        )
        refusal = tuple(line["refusal"]) if line["refusal"] else None
        return cls(**{**line, "claimed": Claimed(**line["claimed"]), "results": results, "refusal": refusal})


class Recording:
    """`learn` is told of each group, in the transaction that records it: what it says about its account."""

    def __init__(
        self,
        database: Database,
        bells: Bells,
        spill: Spill,
        *,
        lease_s: float,
        learn: Callable[[Tx, Finished], None],
    ) -> None:
        self._database = database
        self._learn = learn
        self._bells = bells
        self._spill = spill
        self._lease_s = lease_s

    def record(
        self,
        finished: Sequence[Finished],
        *,
        leads: bool = False,
        then: Callable[[Tx], T] | None = None,
        also: Sequence[int] = (),
    ) -> T | None:
        """Outcomes, by attempt, and one audit event for each group; and what `then` does, in the same transaction,
        which touches the batches `also` besides.

        Unavailable where the database cannot take them: they are in the spill file then, and nothing more is sent.
        """
        brought_forward = 0
        try:
            with span("record", size=len(finished)), self._database.write() as tx:
                touched = {*also, *(each.claimed.id for each in finished)}
                if len(touched) > 1:
                    batches.lock(tx, touched)
                for each in finished:
                    brought_forward += self._apply(tx, _answers(each, tx.now(), leads=leads))
                    self._learn(tx, each)
                after = then(tx) if then else None
        except Unavailable:
            # This machine's clock: the database's cannot be read, and the time of an answer is worth having.
            self.spill(finished, leads=leads)
            raise
        if brought_forward:
            self._ring(finished[0].claimed, brought_forward)
        return after

    def spill(self, finished: Sequence[Finished], *, leads: bool = False) -> None:
        """Write outcomes down beside the database, which is away."""
        for each in finished:
            self._spill.keep(_answers(each, datetime.now(UTC), leads=leads).to_line())
            log.error("outcomes_spilled", count=len(each.outcomes))

    def replay(self) -> int:
        """Bring in what was spilled. How many groups; Unavailable while the database is still away."""
        return self._spill.replay(self._bring_in)

    def _bring_in(self, line: dict[str, Any]) -> None:
        answers = Answers.from_line(line)
        with self._database.write() as tx:
            # it crashed after this very line was brought in
            known = attempts.has_attempts(tx, answers.group)
            brought_forward = 0 if known else self._apply(tx, answers)
            uid = broadcasts.by_id(tx, answers.claimed.broadcast_id).uid
        with about(broadcast=uid, batch=answers.claimed.id, group=answers.group):
            log.warning("spilled_outcomes_brought_in", count=len(answers.results))
        self._ring(answers.claimed, brought_forward)

    def _apply(self, tx: Tx, answers: Answers) -> int:
        """How many posts that waited for this one may go now."""
        claimed = answers.claimed
        if not batches.renew(tx, claimed, lease_s=self._lease_s):
            batches.lock(tx, [claimed.id])
        late = not batches.close_group(tx, answers.group)
        through = claimed.account_id if claimed.ways > 1 else None
        attempts.record(tx, answers.group, answers.results, late=late, through=through)
        refused = [r.delivery_id for r in answers.results if r.code == opt_outs.OPTED_OUT]
        if refused:
            opt_outs.heed_refusals(tx, refused)
        if late:  # what was surely not sent may be sent again
            batches.reopen(tx, [claimed.id])
        row = broadcasts.by_id(tx, claimed.broadcast_id)
        if answers.refusal:
            code, text = answers.refusal
            pause_account(tx, row, claimed.account_id, code=code, text=text)
        page_up = answers.leads and any(r.outcome is Outcome.ACCEPTED for r in answers.results)
        waiting = batches.bring_forward(tx, row.id, Lane.PUBLIC) if page_up else 0
        note(tx, row, "outcomes_recorded", answers.event)
        return waiting

    def _ring(self, claimed: Claimed, waiting: int) -> None:
        if waiting:
            with self._database.read() as tx:
                mode = broadcasts.by_id(tx, claimed.broadcast_id).mode
            self._bells.ring(mode, Lane.PUBLIC, wanted=min(waiting, PUBLIC_BELLS))


def _answers(finished: Finished, at: datetime, *, leads: bool) -> Answers:
    claimed, group, outcomes = finished.claimed, finished.group, finished.outcomes
    results = tuple(
        attempt_result(d, o, group.started_at, at) for d, o in zip(group.due, outcomes, strict=True)
    )
    refusal = next(((o.code, o.operator_text) for o in outcomes if isinstance(o, NotConfigured)), None)
    account = claimed.account if claimed.ways > 1 else ""
    event = summary(group.due, results, batch=claimed.id, group=group.id, account=account)
    return Answers(
        claimed=claimed, group=group.id, results=results, event=event, refusal=refusal, leads=leads
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
