"""Sends one post to the many recipients of a target: while one group is under way, the next is opened.

One thread does it all. A transaction records the groups that are answered and opens the next one, so that the
gateway is never left without work, and no more than `max_in_flight` deliveries would become unknown with this process.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from broadcaster.db.batches import Claimed
from broadcaster.db.engine import Tx
from broadcaster.db.vault import Vault
from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused, SendError, Unavailable
from broadcaster.domain.post import Post
from broadcaster.logs import about
from broadcaster.service.opening import STALE, Opening
from broadcaster.service.pace import group_size
from broadcaster.service.recording import Finished, Group, Recording
from broadcaster.tracing import now, span
from channels.base import Channel, Parcel, Receipt, Sending

log = structlog.get_logger()

GROUPS = 2  # under way at the same time: one is at the gateway while the database is busy with the other
WAIT_S = 1.0  # for the next answer, before looking again whether to go on
ANSWERS_WITHIN_S = 20.0  # a channel that has not answered by then never will: its contract says 15 s

ALTERED = Refused("number_unreadable", "The stored number does not match its index; it was altered.")

Outcome = Receipt | SendError


@dataclass(kw_only=True)
class _Shift:
    """A batch that this worker holds: how far it has got, how many of its groups are under way."""

    claimed: Claimed
    after: int = -1
    under_way: int = 0
    opened: int = 0
    looked_through: bool = False

    @property
    def alone(self) -> bool:
        """A worker died on it: of what is sent again, only one at a time may make another one die."""
        return self.claimed.deaths > 0

    @property
    def probed(self) -> bool:
        """Its one delivery has gone to find out whether the account takes texts again."""
        return self.claimed.probe and self.opened > 0


@dataclass(kw_only=True)
class _UnderWay:
    shift: _Shift
    group: Group
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    began: int = field(default_factory=now)

    @property
    def answered(self) -> bool:
        return len(self.outcomes) == len(self.group.due)

    def finished(self) -> Finished:
        return Finished(
            claimed=self.shift.claimed,
            group=self.group,
            outcomes=[self.outcomes[due.uid] for due in self.group.due],
        )


class FanOut:
    """One run over batches of one target through one account, of which `first` is claimed. `per_second` is how many may
    leave in a second, 0 where nothing bounds it.

    `instead` is the outcome of every delivery where nothing can be sent at all, and `sending` is None then.
    `may_go_on` says whether more may be begun, and `claim` gives the lane's most urgent batch. Afterwards `attempted`
    deliveries were tried, and `other` is a batch that was claimed on the way and goes elsewhere, or None.
    """

    def __init__(
        self,
        opening: Opening,
        recording: Recording,
        vault: Vault,
        *,
        channel: Channel | None,
        post: Post,
        sending: Sending | None,
        instead: SendError | None,
        max_in_flight: int,
        monotonic: Callable[[], float],
        may_go_on: Callable[[], bool],
        claim: Callable[[], Claimed | None],
        per_second: float = 0,
    ) -> None:
        self._opening, self._recording, self._vault = opening, recording, vault
        self._channel, self._post, self._sending, self._instead = channel, post, sending, instead
        self._most = group_size(per_second, most=max(1, max_in_flight // GROUPS))
        self._groups = max_in_flight // self._most if per_second else GROUPS
        self._per_second, self._next_at_s = per_second, 0.0
        self._monotonic, self._may_go_on, self._claim = monotonic, may_go_on, claim
        self._shifts: list[_Shift] = []
        self._under_way: dict[int, _UnderWay] = {}
        self._group_of: dict[str, _UnderWay] = {}
        self.attempted = 0
        self.other: Claimed | None = None
        self._claims = True

    def run(self, first: Claimed) -> list[Claimed]:
        """Batches that are to be handed back, since there was no time for the rest of them.

        Unavailable where the database went away: everything that was answered is in the spill file then.
        """
        self._shifts = [_Shift(claimed=first)]
        self._claims = not first.probe
        try:
            while self._shifts and self._step():
                pass
        except Unavailable:
            self._spill_the_rest()
            raise
        return [shift.claimed for shift in self._shifts]

    def _step(self) -> bool:
        """False where nothing is under way and nothing more may be begun."""
        self._collect(0)
        finished = self._take_finished()
        wait_s = self._next_at_s - self._monotonic()
        may_open = wait_s <= 0 and self._room() and self._may_go_on()
        shift = self._next_to_open() if may_open else None
        if finished or shift:
            self._record_and_open(finished, shift)
        elif may_open and self._claims:
            self._claim_further()
        elif self._under_way:
            self._collect(min(WAIT_S, wait_s) if wait_s > 0 else WAIT_S)
        elif wait_s > 0 and self._may_go_on():
            time.sleep(min(WAIT_S, wait_s))
        else:
            return False
        return True

    def _room(self) -> bool:
        alone = any(shift.alone for shift in self._shifts)
        return len(self._under_way) < (1 if alone else self._groups)

    def _next_to_open(self) -> _Shift | None:
        """The first batch that may have something left. One that was looked through is looked at again when all of it
        is answered: some of it may be due again, and if not, it is handed back by that."""
        waiting = (shift for shift in self._shifts if not shift.probed)
        return next((shift for shift in waiting if not (shift.looked_through and shift.under_way)), None)

    def _record_and_open(self, finished: Sequence[_UnderWay], shift: _Shift | None) -> None:
        also = [shift.claimed.id] if shift else []
        if shift and not shift.under_way:
            shift.after = -1
        group = self._recording.record(
            [each.finished() for each in finished],
            then=(lambda tx: self._open(tx, shift)) if shift else None,
            also=also,
        )
        if shift is None:
            return
        if group:
            self._next_at_s = self._monotonic() + group.wait_s
        if group is None:
            shift.looked_through = True
            if not shift.under_way:
                self._shifts.remove(shift)
        elif group.due:
            self._begin(shift, group)

    def _open(self, tx: Tx, shift: _Shift) -> Group | None:
        return self._opening.open(
            tx,
            shift.claimed,
            self._channel,
            most=1 if shift.claimed.probe else self._most,
            opened_s=self._monotonic(),
            after=shift.after,
            others_open=shift.under_way > 0,
            per_second=self._per_second,
        )

    def _begin(self, shift: _Shift, group: Group) -> None:
        """The intent is committed: from here on each delivery of the group needs its outcome."""
        under_way = _UnderWay(shift=shift, group=group)
        shift.under_way += 1
        shift.opened += 1
        if not shift.alone:
            shift.after = max(due.ordinal for due in group.due)
        self._under_way[group.id] = under_way
        self._group_of |= dict.fromkeys((due.uid for due in group.due), under_way)
        self.attempted += len(group.due)
        with about(batch=shift.claimed.id, group=group.id):
            self._put(under_way)

    def _put(self, under_way: _UnderWay) -> None:
        parcels, outcomes = [], under_way.outcomes
        for due in under_way.group.due:
            if self._instead:
                outcomes[due.uid] = self._instead
                continue
            try:
                number = self._vault.open(due.number_sealed or b"", due.number_index or b"")
                parcels.append(Parcel(key=due.uid, address=number))
            except ValueError:
                outcomes[due.uid] = ALTERED
        if self._opening.is_stale(under_way.group, self._monotonic()):
            outcomes |= {parcel.key: NotSent("stale_intent", STALE) for parcel in parcels}
        elif parcels and self._sending:
            try:
                self._sending.put(parcels)
            except Exception as error:  # a bug in a channel must not leave deliveries without an outcome
                log.exception("channel_failed")
                self._end(under_way, type(error).__name__)

    def _collect(self, within_s: float) -> None:
        """What is answered by now. Where a channel keeps silent for too long, what it has is unknown."""
        if not (self._sending and self._under_way):
            return
        try:
            answers = self._sending.take(within_s)
        except Exception as error:  # as above; nothing more can be learned of any of them
            log.exception("channel_failed")
            for each in self._under_way.values():
                self._end(each, type(error).__name__)
            return
        for key, outcome in answers:
            if key in self._group_of:
                self._group_of[key].outcomes.setdefault(key, outcome)
        if within_s and not answers:
            self._end_silence()

    def _end_silence(self) -> None:
        for each in self._under_way.values():
            if self._monotonic() - each.group.opened_s > ANSWERS_WITHIN_S:
                log.error("channel_kept_silent", group=each.group.id)
                self._end(each, "no answer")

    def _end(self, under_way: _UnderWay, why: str) -> None:
        """What has no outcome yet may have been sent."""
        for due in under_way.group.due:
            under_way.outcomes.setdefault(due.uid, OutcomeUnknown("unforeseen", detail=why))

    def _take_finished(self) -> list[_UnderWay]:
        finished = [each for each in self._under_way.values() if each.answered]
        for each in finished:
            size, channel = len(each.group.due), self._post.channel
            with span("platform call", began=each.began, channel=channel, group=each.group.id, size=size):
                self._forget(each)
        return finished

    def _forget(self, under_way: _UnderWay) -> None:
        under_way.shift.under_way -= 1
        del self._under_way[under_way.group.id]
        for due in under_way.group.due:
            del self._group_of[due.uid]

    def _claim_further(self) -> None:
        """While the last groups of a batch are under way the next one begins, if it goes the same way."""
        claimed = self._claim()
        if claimed and not claimed.probe and _way(claimed) == _way(self._shifts[0].claimed):
            self._shifts.append(_Shift(claimed=claimed))
        else:
            self.other, self._claims = claimed, False

    def _spill_the_rest(self) -> None:
        """The database is away. What is under way is answered all the same, and worth having."""
        while self._under_way:
            self._recording.spill([each.finished() for each in self._take_finished()])
            self._collect(WAIT_S)


def _way(claimed: Claimed) -> tuple[int, int]:
    return claimed.target_id, claimed.account_id
