"""Step four: claim, verify, commit the intent, send with no transaction open, record what came of it.

The same code serves Celery's workers and the pump; whoever runs it decides nothing.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from broadcaster.db import batches, broadcasts, deliveries
from broadcaster.db.batches import Claimed
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.deliveries import Due
from broadcaster.db.engine import Database
from broadcaster.db.vault import Vault
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from broadcaster.domain.post import Post
from broadcaster.logs import about
from broadcaster.queue import Bells
from broadcaster.service.acting import Doing, acting, prepared
from broadcaster.service.approved import Tampered, verified, with_pictures
from broadcaster.service.fan_out import FanOut
from broadcaster.service.opening import STALE, Opening
from broadcaster.service.pace import rate_of
from broadcaster.service.quiet import Quiet
from broadcaster.service.record import note
from broadcaster.service.recording import Finished, Group, Recording
from broadcaster.service.threads import require_whole
from broadcaster.service.visibility import withheld
from broadcaster.tracing import now, span
from channels.base import (
    AfterUnknown,
    Channel,
    ChannelsOfMode,
    HasPages,
    Receipt,
    Sending,
    SendsMany,
    Threads,
)

log = structlog.get_logger()

CHECK_FAILED = "The post could not be checked, so it was not sent. It is tried again; tell an administrator."
ALTERED_SINCE = (
    "It may have been sent. What is stored is no longer what was approved, so it is not sent again."
)
MISSING = NotConfigured("account_missing", "This account is not set up on the machine that sends.")
NO_THREADS = "The approved post has several parts, and this channel sends no threads. Tell an administrator."
#: Pictures are uploaded before the post itself goes out: a worker that is busy with that is not taken for a dead one.
UPLOADS_S = 60.0
LOOK_AHEAD_S = 1.0  # a worker waits this long for a batch that is about to be due, rather than be rung again


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """One answer to a bell: how long it goes on, and where further batches come from."""

    mode: str
    may_go_on: Callable[[], bool]
    claim: Callable[[], Claimed | None]


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
        quiet: Quiet | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._channels = channels
        self._vault = vault
        self._bells = bells
        self._recording = recording
        self._zone = zone
        self._opening = Opening(owner=owner, lease_s=lease_s, quiet=quiet or Quiet())
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
        turn = _Turn(
            mode=mode,
            may_go_on=lambda: self._monotonic() < deadline and running(),
            claim=lambda: self._claim(mode, lane, waited_s),
        )
        self._recording.replay()  # raises, and so nothing is claimed, while the database is away
        claimed: Claimed | None = None
        while turn.may_go_on():
            began = now()
            claimed = claimed or turn.claim()
            if claimed:
                row = self._broadcast(claimed)
                with (
                    about(broadcast=row.uid, batch=claimed.id),
                    span("claim", row.ref, began=began, mode=mode, lane=lane, batch=claimed.id),
                ):
                    count, claimed = self._run(claimed, turn)
                    attempted += count
            elif waited_s or not self._wait_for_next(mode, lane):
                return attempted
        if claimed:
            self._hand_back(claimed)
        self._bells.ring(mode, lane)
        return attempted

    def _claim(self, mode: str, lane: Lane, waited_s: float) -> Claimed | None:
        owner, lease_s = self._opening.owner, self._opening.lease_s
        own = self._channels.get(mode, {})
        keeps = {n for n, c in own.items() if c.after_unknown is AfterUnknown.DEDUPLICATING}
        with self._database.write() as tx:
            return batches.claim(
                tx, mode=mode, lane=lane, owner=owner, lease_s=lease_s, waited_s=waited_s, keeps=keeps
            )

    def _wait_for_next(self, mode: str, lane: Lane) -> bool:
        """Sleep until the lane's next batch is due, if that is soon. False where it is not."""
        with self._database.read() as tx:
            at, now = batches.next_due(tx, mode=mode, lane=lane), tx.now()
        if at is None or at - now > timedelta(seconds=LOOK_AHEAD_S):
            return False
        time.sleep(max(0.01, (at - now).total_seconds()))
        return True

    def _broadcast(self, claimed: Claimed) -> Broadcast:
        with self._database.read() as tx:
            return broadcasts.by_id(tx, claimed.broadcast_id)

    def _run(self, claimed: Claimed, turn: "_Turn") -> tuple[int, Claimed | None]:
        """All groups of one claimed batch, and of further ones that go the same way. How many deliveries were attempted,
        and a batch that was claimed on the way and goes another."""
        try:
            post, doing = self._approved(claimed, turn.mode)
        except Tampered:
            self._quarantine(claimed)
            return 0, None
        channel = acting(self._database, self._channels.get(turn.mode, {}).get(claimed.account), doing)
        with about(channel=post.channel, account=claimed.account):
            if channel and isinstance(channel, SendsMany):
                instead = self._unsendable(channel, post)
                with nullcontext() if instead else channel.sending(post) as sending:
                    run = self._fan_out(channel, post, sending, instead, turn)
                    for left in run.run(claimed):
                        self._hand_back(left)
                return run.attempted, run.other
            return self._one_by_one(claimed, channel, post, turn), None

    def _fan_out(
        self, channel: Channel, post: Post, sending: Sending | None, instead: SendError | None, turn: "_Turn"
    ) -> FanOut:
        return FanOut(
            self._opening,
            self._recording,
            self._vault,
            channel=channel,
            post=post,
            sending=sending,
            instead=instead,
            max_in_flight=self._max_in_flight,
            monotonic=self._monotonic,
            may_go_on=turn.may_go_on,
            claim=turn.claim,
            per_second=rate_of(channel, post),
        )

    def _one_by_one(self, claimed: Claimed, channel: Channel | None, post: Post, turn: "_Turn") -> int:
        attempted, leads = 0, isinstance(channel, HasPages)
        while turn.may_go_on():
            group = self._open_group(claimed, channel, post)
            if group is None:
                return attempted
            if group.due:
                with about(group=group.id), span("group", group=group.id, size=len(group.due)):
                    with span("platform call", channel=post.channel):
                        outcomes = self._send(channel, post, group)
                    finished = Finished(claimed=claimed, group=group, outcomes=outcomes)
                    self._recording.record([finished], leads=leads)
                attempted += len(group.due)
        self._hand_back(claimed)
        return attempted

    def _approved(self, claimed: Claimed, mode: str) -> tuple[Post, Doing | None]:
        """What is sent, with its pictures: all is proved before the first byte goes out. Tampered where it is not."""
        with self._database.read() as tx:
            approved = broadcasts.approved_post(tx, claimed.target_id)
            post = verified(approved, mode, self._zone, through=claimed.account)
            if withheld(approved.manifest, self._channels.get(mode, {}).get(claimed.account)):
                raise Tampered
            if len(post.parts) > 1:
                require_whole(tx, claimed, post)
            post = with_pictures(tx, post)
        return prepared(self._database, post, approved.act, claimed.target_id)

    def _open_group(self, claimed: Claimed, channel: Channel | None, post: Post) -> Group | None:
        with self._database.write() as tx:
            return self._opening.open(
                tx,
                claimed,
                channel,
                most=self._max_in_flight,
                opened_s=self._monotonic(),  # not before: to wait long for one's turn to write is no danger
                longer_s=UPLOADS_S if post.images else 0,
                parts=len(post.parts),
            )

    def _send(self, channel: Channel | None, post: Post, group: Group) -> list[Receipt | SendError]:
        """One outcome per delivery of the group, whatever happens. No transaction is open."""
        instead = self._unsendable(channel, post)
        if instead or channel is None:
            return [instead or MISSING] * len(group.due)
        said = group.turn.part_of(post) if group.turn else post
        return [self._send_one(channel, said, d, group) for d in group.due]

    def _unsendable(self, channel: Channel | None, post: Post) -> SendError | None:
        """Why the post cannot go out through this channel at all; None where it can."""
        if channel is None:
            return MISSING
        if len(post.parts) > 1 and not isinstance(channel, Threads):
            return Refused("no_threads", NO_THREADS)  # its first part would be taken for the whole
        try:
            problems = channel.check(post)
        except Exception as error:  # a bug in a channel: nothing was sent, and the mended channel can send it
            log.exception("check_failed")
            return NotSent("check_failed", CHECK_FAILED, detail=type(error).__name__)
        return Refused(problems[0].code, problems[0].text) if problems else None

    def _send_one(self, channel: Channel, post: Post, due: Due, group: Group) -> Receipt | SendError:
        if self._opening.is_stale(group, self._monotonic()):
            return NotSent("stale_intent", STALE)
        try:
            return channel.send(post, due.uid)
        except SendError as error:
            return error
        except Exception as error:  # the one place where a bug in a channel becomes an outcome
            log.exception("channel_failed", delivery=due.uid, attempt=due.attempts + 1)
            return OutcomeUnknown("unforeseen", detail=type(error).__name__)

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
