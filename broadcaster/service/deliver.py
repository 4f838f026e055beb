"""Step four: claim, verify, commit the intent, send with no transaction open, record what came of it.

The same code serves Celery's workers and the pump; whoever runs it decides nothing.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from broadcaster.db import accounts, batches, broadcasts, deliveries
from broadcaster.db.batches import Claimed
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.deliveries import Due
from broadcaster.db.engine import Database, Tx
from broadcaster.db.vault import Vault
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from broadcaster.domain.post import Post
from broadcaster.logs import about
from broadcaster.queue import Bells
from broadcaster.service.approved import Tampered, verified, with_pictures
from broadcaster.service.ending import close_if_over
from broadcaster.service.record import note
from broadcaster.service.recording import Group, Recording
from broadcaster.service.threads import PartNow, part_now, require_whole
from broadcaster.service.visibility import withheld
from broadcaster.service.window import past_window
from channels.base import (
    AfterUnknown,
    Channel,
    ChannelsOfMode,
    HasPages,
    Parcel,
    Receipt,
    SendsMany,
    Threads,
)

log = structlog.get_logger()

CHECK_FAILED = "The post could not be checked, so it was not sent. It is tried again; tell an administrator."
OUT_SINCE = "It may have been sent. The recipient opted out, or was erased, before it could be sent again."
ALTERED_SINCE = (
    "It may have been sent. What is stored is no longer what was approved, so it is not sent again."
)
WINDOW_OVER = (
    "It may have been sent. The platform would no longer notice that it is the same one, so it waits."
)
NO_THREADS = "The approved post has several parts, and this channel sends no threads. Tell an administrator."
STALE = "This machine stood still just before sending, so it was not sent. It is tried again."
#: A process may be stopped (a paused machine, swap) between its intent and the first byte, for longer than its lease.
#: The fence keeps it from writing, but nothing keeps a platform from taking what another worker sent meanwhile: so an
#: intent older than this is not acted upon. Far below the lease.
INTENT_FRESH_S = 5.0
#: Pictures are uploaded before the post itself goes out: a worker that is busy with that is not taken for a dead one.
UPLOADS_S = 60.0
LOOK_AHEAD_S = 1.0  # a worker waits this long for a batch that is about to be due, rather than be rung again


class Deliver:
    """`owner` names this process in leases. `lease_s` is how long a silent process keeps a batch. `monotonic` is this
    process's own clock, in seconds; it goes on while the process is stopped."""

    def __init__(
        self,
        database: Database,
        channels: ChannelsOfMode,
        vault: Vault,
        bells: Bells,
        recording: Recording,
        *,
        zone: ZoneInfo,
        owner: str,
        lease_s: float,
        max_in_flight: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._channels = channels
        self._vault = vault
        self._bells = bells
        self._recording = recording
        self._zone = zone
        self._owner = owner
        self._lease_s = lease_s
        self._max_in_flight = max_in_flight
        self._monotonic = monotonic

    def work(
        self,
        mode: str,
        lane: Lane,
        *,
        for_s: float,
        waited_s: float = 0,
        running: Callable[[], bool] = lambda: True,
    ) -> int:
        """Send batch after batch of a lane until `for_s` seconds have passed or nothing is left.

        How many deliveries were attempted. `waited_s` leaves alone what workers may still be about to claim.
        """
        deadline, attempted = self._monotonic() + for_s, 0
        self._recording.replay()  # raises, and so nothing is claimed, while the database is away
        while self._monotonic() < deadline and running():
            with self._database.write() as tx:
                claimed = batches.claim(
                    tx, mode=mode, lane=lane, owner=self._owner, lease_s=self._lease_s, waited_s=waited_s
                )
            if claimed:
                with about(broadcast=self._uid(claimed), batch=claimed.id):
                    attempted += self._run(claimed, mode, deadline, running)
            elif waited_s or not self._wait_for_next(mode, lane):
                return attempted
        self._bells.ring(mode, lane)
        return attempted

    def _wait_for_next(self, mode: str, lane: Lane) -> bool:
        """Sleep until the lane's next batch is due, if that is soon. False where it is not."""
        with self._database.read() as tx:
            at, now = batches.next_due(tx, mode=mode, lane=lane), tx.now()
        if at is None or at - now > timedelta(seconds=LOOK_AHEAD_S):
            return False
        time.sleep(max(0.01, (at - now).total_seconds()))
        return True

    def _uid(self, claimed: Claimed) -> str:
        """How logs and the audit log call the broadcast."""
        with self._database.read() as tx:
            return broadcasts.by_id(tx, claimed.broadcast_id).uid

    def _run(self, claimed: Claimed, mode: str, deadline: float, running: Callable[[], bool]) -> int:
        """All groups of one claimed batch."""
        try:
            post = self._approved(claimed, mode)
        except Tampered:
            self._quarantine(claimed)
            return 0
        channel = self._channels.get(mode, {}).get(post.account)
        attempted = 0
        while self._monotonic() < deadline and running():
            group = self._open_group(claimed, channel, post)
            if group is None:
                return attempted
            if group.due:
                with about(channel=post.channel, account=post.account, group=group.id):
                    outcomes = self._send(channel, post, group)
                    self._recording.record(claimed, group, outcomes, leads=isinstance(channel, HasPages))
                attempted += len(group.due)
        self._hand_back(claimed)
        return attempted

    def _approved(self, claimed: Claimed, mode: str) -> Post:
        """What is sent, with its pictures: all is proved before the first byte goes out. Tampered where it is not."""
        with self._database.read() as tx:
            approved = broadcasts.approved_post(tx, claimed.target_id)
            post = verified(approved, mode, self._zone)
            if withheld(approved.manifest, self._channels.get(mode, {}).get(approved.account)):
                raise Tampered
            if len(post.parts) > 1:
                require_whole(tx, claimed, post)
            return with_pictures(tx, post)

    def _open_group(self, claimed: Claimed, channel: Channel | None, post: Post) -> Group | None:
        """Commit what is about to be sent. None where the batch is finished, lost or stopped; it is handed back then.

        A group may be empty: everything due in it was suppressed, or must not be sent again.
        """
        lease_s = self._lease_s + (UPLOADS_S if post.images else 0)
        with self._database.write() as tx:
            opened_s = self._monotonic()  # not before: to wait long for one's turn to write is no danger
            if not batches.renew(tx, claimed, lease_s=lease_s):
                return None
            row = broadcasts.by_id(tx, claimed.broadcast_id)
            if close_if_over(tx, row, [claimed.id]):
                return None
            paused = accounts.is_paused(tx, claimed.account_id)  # since the claim: not one more call with it
            now = part_now(tx, row, claimed) if len(post.parts) > 1 and not paused else None
            due = [] if paused else self._due(tx, claimed, now)
            if not due:
                next_at = now.next_at if now else deliveries.next_due(tx, claimed.id)
                batches.release(tx, claimed, next_at=next_at)
                return None
            if _suppressed(tx, row, due) or _past_window(tx, row, claimed, channel, due):
                return Group(id=0, due=(), started_at=tx.now(), opened_s=opened_s)
            group_id = batches.open_group(tx, claimed, owner=self._owner, delivery_ids=[d.id for d in due])
            turn = now.turn if now else None
            return Group(id=group_id, due=due, started_at=tx.now(), opened_s=opened_s, turn=turn)

    def _due(self, tx: Tx, claimed: Claimed, now: PartNow | None) -> Sequence[Due]:
        """The next group: of a thread, the part whose turn it is. On a batch on which a worker died, what is sent again
        goes alone, after everything else: one of those made it die, and only that one may do so again."""
        if now:
            return deliveries.due(tx, claimed.id, limit=1) if now.turn else []
        once_died = claimed.deaths > 0
        due = deliveries.due(tx, claimed.id, limit=self._max_in_flight, first_tries_first=once_died)
        if not once_died:
            return due
        return [d for d in due if not d.resends] or due[:1]

    def _is_stale(self, group: Group) -> bool:
        return self._monotonic() - group.opened_s > INTENT_FRESH_S

    def _send(self, channel: Channel | None, post: Post, group: Group) -> list[Receipt | SendError]:
        """One outcome per delivery of the group, whatever happens. No transaction is open."""
        if channel is None:
            missing = NotConfigured(
                "account_missing", "This account is not set up on the machine that sends."
            )
            return [missing] * len(group.due)
        if len(post.parts) > 1 and not isinstance(channel, Threads):
            # its first part would be taken for the whole
            return [Refused("no_threads", NO_THREADS)] * len(group.due)
        try:
            problems = channel.check(post)
        except Exception as error:  # a bug in a channel: nothing was sent, and the mended channel can send it
            log.exception("check_failed")
            return [NotSent("check_failed", CHECK_FAILED, detail=type(error).__name__)] * len(group.due)
        if problems:
            return [Refused(problems[0].code, problems[0].text)] * len(group.due)
        if isinstance(channel, SendsMany):
            return self._send_many(channel, post, group)
        said = group.turn.part_of(post) if group.turn else post
        return [self._send_one(channel, said, d, group) for d in group.due]

    def _send_many(self, channel: SendsMany, post: Post, group: Group) -> list[Receipt | SendError]:
        due = group.due
        altered = Refused("number_unreadable", "The stored number does not match its index; it was altered.")
        parcels = {i: parcel for i, d in enumerate(due) if (parcel := self._parcel(d))}
        if self._is_stale(group):
            return [NotSent("stale_intent", STALE)] * len(due)
        try:
            answers = channel.send_many(post, list(parcels.values())) if parcels else []
            outcomes_by_place = dict(zip(parcels, answers, strict=True))
        except Exception as error:  # the one place where a bug in a channel becomes an outcome
            log.exception("channel_failed")
            unforeseen: SendError = OutcomeUnknown("unforeseen", detail=type(error).__name__)
            outcomes_by_place = dict.fromkeys(parcels, unforeseen)
        return [outcomes_by_place.get(i, altered) for i in range(len(due))]

    def _send_one(self, channel: Channel, post: Post, due: Due, group: Group) -> Receipt | SendError:
        if self._is_stale(group):
            return NotSent("stale_intent", STALE)
        try:
            return channel.send(post, due.uid)
        except SendError as error:
            return error
        except Exception as error:  # the one place where a bug in a channel becomes an outcome
            log.exception("channel_failed", delivery=due.uid, attempt=due.attempts + 1)
            return OutcomeUnknown("unforeseen", detail=type(error).__name__)

    def _parcel(self, due: Due) -> Parcel | None:
        if due.number_sealed is None or due.number_index is None:
            return None
        try:
            return Parcel(key=due.uid, address=self._vault.open(due.number_sealed, due.number_index))
        except ValueError:
            return None

    def _quarantine(self, claimed: Claimed) -> None:
        with self._database.write() as tx:
            row = broadcasts.by_id(tx, claimed.broadcast_id)
            again = deliveries.sent_before([claimed.id])
            deliveries.move(tx, again, DeliveryState.UNKNOWN, code="not_resent", text=ALTERED_SINCE)
            count = deliveries.move(
                tx,
                deliveries.of_batch(claimed.id),
                DeliveryState.QUARANTINED,
                code="not_what_was_approved",
                text="What is stored is not what was approved, so nothing was sent. Tell an administrator.",
            )
            batches.release(tx, claimed, next_at=None)
            note(tx, row, "deliveries_quarantined", {"count": count, "reason": "not_what_was_approved"})
        log.error("post_is_not_what_was_approved", target=claimed.target_id)

    def _hand_back(self, claimed: Claimed) -> None:
        with self._database.write() as tx:
            batches.release(tx, claimed, next_at=deliveries.next_due(tx, claimed.id))


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
