"""Tells somebody who wrote STOP that it was heard: one text, once. What may have been sent is never sent again."""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from broadcaster.db import audit_log, heard
from broadcaster.db.engine import Database
from broadcaster.db.heard import Written
from broadcaster.db.vault import Vault
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused, SendError
from broadcaster.domain.message import Mode
from broadcaster.domain.opt_out import Reply
from broadcaster.domain.post import Post
from broadcaster.service.outcomes import CODE_CHARS, PLATFORM_ID_CHARS, storable
from broadcaster.service.record import SYSTEM
from channels.base import ChannelsOfMode, Parcel, Receipt, SendsMany

log = structlog.get_logger()

AT_ONCE = 20
ANSWER_WITHIN_S = 16.0  # a gateway has told by then, or never will
ABANDONED_AFTER = timedelta(seconds=60)  # whoever began to send it then is gone
FRESH_S = 5.0  # so old a claim is still acted upon: after a longer standstill somebody else may have taken it for unknown
#: A confirmation that comes an hour later would be about nothing.
CONFIRM_WITHIN = timedelta(hours=1)
TRY_AGAIN_AFTER = timedelta(seconds=30)
MOST_TRIES = 5
EXERCISE = "EXERCISE. {} EXERCISE"


class Confirming:
    """`text` is what is sent. `monotonic` is this process's own clock, in seconds."""

    def __init__(
        self,
        database: Database,
        channels: ChannelsOfMode,
        vault: Vault,
        *,
        text: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._channels = channels
        self._vault = vault
        self._text = text
        self._monotonic = monotonic

    def look(self, mode: str) -> int:
        """Send what is due in a mode. How many were tried."""
        tried = 0
        while found := self._claim(mode):
            claimed_s = self._monotonic()
            for each in found:
                fresh = self._monotonic() - claimed_s < FRESH_S
                self._record(each, self._send(each, mode) if fresh else NotSent("stale_intent"))
            tried += len(found)
        return tried

    def _claim(self, mode: str) -> list[Written]:
        """Committed before the first byte: a process that dies from here on leaves what may have been sent."""
        with self._database.write() as tx:
            lost = heard.give_up_sending(tx, tx.now() - ABANDONED_AFTER)
            found = heard.claim_due(tx, mode, limit=AT_ONCE)
            late = [w for w in found if w.received_at < tx.now() - CONFIRM_WITHIN]
            for each in late:
                heard.set_reply(tx, each.id, Reply.NOT_SENT, code="too_late")
            for outcome, count in ((Reply.UNKNOWN, lost), (Reply.NOT_SENT, len(late))):
                if count:
                    payload: dict[str, Json] = {"count": count, "outcome": str(outcome)}
                    audit_log.append(tx, actor=SYSTEM, act="opt_out_confirmed", payload=payload)
        return [w for w in found if w not in late]

    def _send(self, each: Written, mode: str) -> Receipt | SendError:
        channel = self._channels.get(mode, {}).get(each.account)
        if channel is None or not isinstance(channel, SendsMany):
            return Refused("account_missing")
        text = EXERCISE.format(self._text) if mode == Mode.EXERCISE else self._text
        post = Post(channel=channel.name, account=each.account, title="", text=text)
        try:
            parcel = Parcel(
                key=f"s{each.mark.hex()}", address=self._vault.open(each.number_sealed, each.number_index)
            )
        except ValueError:
            return Refused("number_unreadable")
        try:
            problems = channel.check(post)
            if problems:
                return Refused(problems[0].code, problems[0].text)
            return self._outcome(channel, post, parcel)
        except SendError as error:
            return error
        except Exception:  # a bug in a channel: it may have been sent
            log.exception("channel_failed")
            return OutcomeUnknown("unforeseen")

    def _outcome(self, channel: SendsMany, post: Post, parcel: Parcel) -> Receipt | SendError:
        ends = time.monotonic() + ANSWER_WITHIN_S
        with channel.sending(post) as sending:
            sending.put([parcel])
            while (left_s := ends - time.monotonic()) > 0:
                for _, outcome in sending.take(left_s):
                    return outcome
        return OutcomeUnknown("no_answer")

    def _record(self, each: Written, outcome: Receipt | SendError) -> None:
        reply, again = _reply(outcome, each.reply_attempts + 1)
        with self._database.write() as tx:
            if isinstance(outcome, Receipt):
                platform_id = storable(outcome.platform_id)[:PLATFORM_ID_CHARS]
                heard.set_reply(tx, each.id, reply, platform_id=platform_id)
            else:
                code = storable(outcome.code)[:CODE_CHARS]
                heard.set_reply(
                    tx, each.id, reply, code=code, at=tx.now() + TRY_AGAIN_AFTER if again else None
                )
            if not again:
                payload: dict[str, Json] = {"count": 1, "outcome": str(reply)}
                audit_log.append(tx, actor=SYSTEM, act="opt_out_confirmed", payload=payload)


def _reply(outcome: Receipt | SendError, attempts: int) -> tuple[Reply, bool]:
    """What became of it, and whether it is tried again: only where it was surely not sent."""
    match outcome:
        case Receipt():
            return Reply.ACCEPTED, False
        case NotSent():
            again = attempts < MOST_TRIES
            return (Reply.DUE, True) if again else (Reply.NOT_SENT, False)
        case Refused():
            return Reply.REFUSED, False
        case _:
            return Reply.UNKNOWN, False
