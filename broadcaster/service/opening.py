"""What a worker is about to send: a group of deliveries whose intent is committed before the first byte leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from broadcaster.db import batches, broadcasts, deliveries, routes, storm
from broadcaster.db.batches import Claimed
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.deliveries import Due
from broadcaster.db.engine import Tx
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.storm import Held
from broadcaster.domain.thread import Turn
from broadcaster.domain.ways import PROBE_EVERY, WAITS, WayNow, held_until
from broadcaster.service.ending import close_if_over, is_over
from broadcaster.service.pace import take_turn
from broadcaster.service.quiet import Quiet
from broadcaster.service.record import note
from broadcaster.service.recording import Group
from broadcaster.service.succession import must_not_begin
from broadcaster.service.threads import PartNow, part_now
from broadcaster.service.window import past_window
from channels.base import AfterUnknown, Channel

STALE = "This machine stood still just before sending, so it was not sent. It is tried again."
#: A process may be stopped (a paused machine, swap) between its intent and the first byte, for longer than its lease.
#: The fence keeps it from writing, but nothing keeps a platform from taking what another worker sent meanwhile: so an
#: intent older than this is not acted upon. Far below the lease.
INTENT_FRESH_S = 5.0
WHOLE_BATCH = 1_000  # more than a batch ever has
OUT_SINCE = "It may have been sent. The recipient opted out, or was erased, before it could be sent again."
WINDOW_OVER = (
    "It may have been sent. The platform would no longer notice that it is the same one, so it waits."
)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How this process opens groups. `owner` names it in leases, `lease_s` is how long it keeps a batch in silence."""

    owner: str
    lease_s: float
    quiet: Quiet = field(default_factory=Quiet)

    @staticmethod
    def is_stale(group: Group, now_s: float) -> bool:
        """Whether this process stood still since the group was opened. `now_s` is its own clock."""
        return now_s - group.opened_s > INTENT_FRESH_S

    def open(  # noqa: PLR0911 - each way out is another reason why nothing is sent now
        self,
        tx: Tx,
        claimed: Claimed,
        channel: Channel | None,
        *,
        most: int,
        opened_s: float,
        longer_s: float = 0,
        after: int = -1,
        parts: int = 1,
        others_open: bool = False,
        per_second: float = 0,
    ) -> Group | None:
        """Commit what is about to be sent, at most `most` deliveries behind the ordinal `after`. None where nothing of
        the batch can be: it is handed back then, unless other groups of it are still open (`others_open`). The lease is
        kept `longer_s` seconds more. Through the account leave `per_second` at most, or as many as can where that is 0.

        A group may be empty: everything due in it was suppressed, must not be sent again, or has to wait its turn.
        """
        if not batches.renew(tx, claimed, lease_s=self.lease_s + longer_s):
            return None
        row = _as_it_stays(tx, claimed)
        if others_open and is_over(tx, row):
            return None  # what is on its way may not be called cancelled; the batch ends when it is back
        if close_if_over(tx, row, [claimed.id]) or self._waits(
            tx, row, claimed, channel, others_open=others_open
        ):
            return None
        ways = routes.ways_now(tx, claimed.target_id)
        mine = next((w for w in ways if w.account_id == claimed.account_id and not w.paused), None)
        until = held_until(ways, mine, now=tx.now(), probe=claimed.probe) if mine else None
        if until is not None:
            return _wait(tx, claimed, until, opened_s, others_open=others_open)
        now = part_now(tx, row, claimed) if parts > 1 and mine else None
        due, kept = _due(tx, claimed, now, most, after) if mine else ([], False)  # paused since the claim
        if mine is None or not due:
            if not others_open:
                next_at = now.next_at if now else deliveries.next_due(tx, claimed.id)
                batches.release(tx, claimed, next_at=tx.now() + PROBE_EVERY if kept else next_at)
            return None
        if _suppressed(tx, row, due) or _past_window(tx, row, claimed, channel, due):
            return _nothing_yet(tx, opened_s)
        turn = now.turn if now else None
        return self._begin(tx, claimed, mine, due, turn, opened_s=opened_s, per_second=per_second)

    def _waits(
        self, tx: Tx, row: Broadcast, claimed: Claimed, channel: Channel | None, *, others_open: bool
    ) -> bool:
        """Whether a storm holds it, the night, or what was said later. Asked here, and not a minute ahead, so that nothing leaks."""
        if _put_aside(tx, row, claimed, others_open=others_open):
            return True
        quiet = self.quiet.hold(tx, row, channel)
        if quiet is not None:
            if not others_open:
                batches.release(tx, claimed, next_at=quiet)
            return True
        return must_not_begin(tx, row, claimed, others_open=others_open)

    def _begin(
        self,
        tx: Tx,
        claimed: Claimed,
        mine: WayNow,
        due: Sequence[Due],
        turn: Turn | None,
        *,
        opened_s: float,
        per_second: float,
    ) -> Group:
        wait_s = take_turn(tx, mine, len(due), per_second)
        if wait_s is None:
            return _nothing_yet(tx, opened_s, wait_s=len(due) / per_second)
        group_id = batches.open_group(tx, claimed, owner=self.owner, delivery_ids=[d.id for d in due])
        return Group(
            id=group_id,
            due=due,
            started_at=tx.now(),
            opened_s=opened_s,
            turn=turn,
            in_trouble=mine.in_trouble,
            wait_s=wait_s,
        )


def _nothing_yet(tx: Tx, opened_s: float, *, wait_s: float = 0) -> Group:
    return Group(id=0, due=(), started_at=tx.now(), opened_s=opened_s, wait_s=wait_s)


def _as_it_stays(tx: Tx, claimed: Claimed) -> Broadcast:
    """Of something routine, nobody switches storm mode on between this look and the commit of the intent: without that a
    text would leave a moment after everybody was told that none does."""
    if claimed.routine:
        storm.beside_the_switch(tx)
    return broadcasts.by_id(tx, claimed.broadcast_id)


def _put_aside(tx: Tx, row: Broadcast, claimed: Claimed, *, others_open: bool) -> bool:
    """Where storm mode holds it. What is on its way ends as what it is; then the batch is put aside."""
    if row.storm is Held.HELD and not others_open:
        batches.put_aside(tx, claimed)
    return row.storm is Held.HELD


def _wait(tx: Tx, claimed: Claimed, until: datetime, opened_s: float, *, others_open: bool) -> Group | None:
    """Nothing may begin through the account before then. Its turn, a moment later, is waited for; else the batch is
    handed back, for another account or for later."""
    if tx.now() < until <= tx.now() + WAITS:
        return _nothing_yet(tx, opened_s, wait_s=(until - tx.now()).total_seconds())
    if not others_open:
        batches.release(tx, claimed, next_at=until)
    return None


def _due(tx: Tx, claimed: Claimed, now: PartNow | None, most: int, after: int) -> tuple[Sequence[Due], bool]:
    """The next group: of a thread, the part whose turn it is. On a batch on which a worker died, what is sent again
    goes alone, after everything else: one of those made it die, and only that one may do so again.

    And whether there would be more, but for another account.
    """
    if now:
        return (deliveries.due(tx, claimed.id, limit=1) if now.turn else []), False
    once_died = claimed.deaths > 0
    limit = WHOLE_BATCH if claimed.keep or claimed.probe else most
    found = deliveries.due(tx, claimed.id, limit=limit, after=after, first_tries_first=once_died)
    due = _may_go_through(tx, claimed, found)
    kept = len(due) < len(found)
    if claimed.probe:
        return [d for d in due if _may_probe(claimed, d)][:1], False
    if once_died:
        due = [d for d in due if not d.resends] or due[:1]
    return due[:most], kept


def _may_probe(claimed: Claimed, due: Due) -> bool:
    """Nobody's text finds out twice whether a failing account works again: it would be tried there for ever. What has
    no other way does."""
    return due.attempts == 0 or (due.resends > 0 and claimed.account_id in claimed.keep)


def _may_go_through(tx: Tx, claimed: Claimed, due: Sequence[Due]) -> Sequence[Due]:
    """Without what another account may have taken already and would notice: this one would send it a second time."""
    again = [d.id for d in due if d.resends]
    if not (again and claimed.keep):
        return due
    last = routes.last_accounts(tx, again)
    elsewhere = {i for i in again if last[i] in claimed.keep and last[i] != claimed.account_id}
    return [d for d in due if d.id not in elsewhere]


def _suppressed(tx: Tx, row: Broadcast, due: Sequence[Due]) -> bool:
    """Take out who opted out or was erased. True where somebody did."""
    out = [d for d in due if d.suppressed or d.erased]
    if not out:
        return False
    again = deliveries.having_ids([d.id for d in out if d.resends])
    unknown = deliveries.move(tx, again, DeliveryState.UNKNOWN, code="not_resent", text=OUT_SINCE)
    _suppress(tx, [d.id for d in out if d.erased], "erased", "The recipient was erased.")
    _suppress(tx, [d.id for d in out if not d.erased], "opted_out", "The recipient opted out.")
    note(tx, row, "deliveries_suppressed", {"count": len(out) - unknown, "unknown": unknown})
    return True


def _suppress(tx: Tx, ids: Sequence[int], code: str, text: str) -> None:
    deliveries.move(tx, deliveries.having_ids(ids), DeliveryState.SUPPRESSED, code=code, text=text)


def _past_window(
    tx: Tx, row: Broadcast, claimed: Claimed, channel: Channel | None, due: Sequence[Due]
) -> bool:
    """Take out what waited so long for its second try that the platform may have forgotten the first. True where
    something did. What a person has sent again goes out all the same: a person has looked."""
    if channel is None or channel.after_unknown is not AfterUnknown.DEDUPLICATING:
        return False
    again = [d.id for d in due if d.resends and d.code != deliveries.AGAIN_BY_A_PERSON]
    late = past_window(tx, channel, batch_ids=[claimed.id], delivery_ids=again) if again else set()
    if not late:
        return False
    mine = deliveries.having_ids(sorted(late))
    unknown = deliveries.move(tx, mine, DeliveryState.UNKNOWN, code="not_resent", text=WINDOW_OVER)
    note(tx, row, "deliveries_not_resent", {"unknown": unknown, "reason": "window_over"})
    return True
