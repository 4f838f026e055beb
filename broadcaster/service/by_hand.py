"""What people did by hand for a message, attested by name: posted it themselves, or told it at doors or on the radio.

It never changes what is known of a delivery: what a channel refused stays refused in every count, and what is unknown
stays to be decided. It stands beside it and closes the need. One thing follows: what still waits for that channel is
cancelled with it, since a channel that is mended an hour later would post it a second time.
"""

import hashlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.db import audit_log, batches, broadcasts, by_hand, deliveries, messages
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.policy import Action, require
from broadcaster.domain.post import Post
from broadcaster.service.approved import Tampered, verified

MOST_WORDS = 1_000
CLOCKS_APART = timedelta(minutes=2)
#: May be there, or may still come: a post by hand beside it would be a second one.
NOT_YET = frozenset({DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL, DeliveryState.SENDING})
MAY_COME = "What was sent there may be there, or is being sent just now. Decide about it first, or wait a moment. Nothing was noted."
INSTEAD = "Somebody posted it by hand, so it is not sent any more."


class WorkByHand:
    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone

    def text(self, ref: str, target_id: int) -> Post:
        """What was approved for this public place, as it would have been sent."""
        with self._database.read() as tx:
            row = _released(tx, ref)
            place = _place(tx, row, target_id)
            approved = broadcasts.approved_post(tx, place.id)
        try:
            return verified(approved, row.mode, self._zone, through=place.account)
        except Tampered as altered:
            raise Stale(
                "What is stored is not what was approved. Do not post it; tell an administrator."
            ) from altered

    def posted(self, actor: Person, ref: str, target_id: int, *, at: datetime, link: str) -> None:
        """This person has posted the approved text on this channel, then and there."""
        require(actor.name, actor.roles, Action.DECIDE)
        if not link.startswith(("https://", "http://")):
            raise Invalid("Give the address of your post, beginning with https://. Nothing was noted.")
        with self._database.write() as tx:
            row = _released(tx, ref)
            _check_time(tx, row, at)
            place = _place(tx, row, target_id)
            _leave_it_to_people(tx, place.id)
            _note(tx, actor, row, target_id=place.id, way=place.channel, at=at, link=link)
            payload = {"broadcast": row.uid, "channel": place.channel, "account": place.account}
            payload |= {"at": at.isoformat(timespec="seconds"), "link": link}
            audit_log.append(tx, actor=actor.name, act="posted_by_hand", subject=row.ref, payload=payload)

    def told(self, actor: Person, ref: str, *, way: str, at: datetime, words: str) -> None:
        """People were told in another way: doors, radio, a loudspeaker van. The log holds the words' digest only, since
        somebody may write names into them."""
        require(actor.name, actor.roles, Action.DECIDE)
        way, words = way.strip(), words.strip()
        if not way or len(way) > 64:
            raise Invalid(
                "Say in which way people were told, in up to 64 characters: doors, radio. Nothing was noted."
            )
        if len(words) > MOST_WORDS:
            raise Invalid(f"Say it in up to {MOST_WORDS:,} characters. Nothing was noted.")
        with self._database.write() as tx:
            row = _released(tx, ref)
            _check_time(tx, row, at)
            _note(tx, actor, row, way=way, at=at, words=words)
            payload = {"broadcast": row.uid, "way": way, "at": at.isoformat(timespec="seconds")}
            payload |= {"words_sha256": hashlib.sha256(words.encode()).hexdigest()}
            audit_log.append(tx, actor=actor.name, act="told_by_hand", subject=row.ref, payload=payload)


def _released(tx: Tx, ref: str) -> Broadcast:
    message = messages.find(tx, ref)
    row = broadcasts.by_message(tx, message.id)
    if row is None:
        raise Stale(f"{message.ref} is {message.state}: nobody has approved it, so nobody may tell it yet.")
    return row


def _place(tx: Tx, row: Broadcast, target_id: int) -> Target:
    found = next((t for t in broadcasts.targets(tx, row.id) if t.id == target_id), None)
    if found is None or found.audience_version_id is not None:
        raise NotFound("There is no such public place of this message. Nothing was noted.")
    return found


def _note(
    tx: Tx,
    actor: Person,
    row: Broadcast,
    *,
    way: str,
    at: datetime,
    target_id: int | None = None,
    link: str = "",
    words: str = "",
) -> None:
    by_hand.insert(
        tx,
        broadcast_id=row.id,
        target_id=target_id,
        person_id=actor.id,
        way=way,
        at=at,
        link=link,
        words=words,
    )


def _leave_it_to_people(tx: Tx, target_id: int) -> None:
    """Nothing of ours comes after it. Stale where it may be there already, or is being sent at this moment."""
    mine = batches.of_target(tx, target_id)
    batches.lock(tx, mine)
    if batches.is_held(tx, mine) or NOT_YET & broadcasts.tally(tx, target_id).keys():
        raise Stale(MAY_COME)
    waits = deliveries.of_batches(mine)
    if deliveries.waiting_again(tx, mine):
        raise Stale(MAY_COME)
    if deliveries.move(tx, waits, DeliveryState.CANCELLED, code="posted_by_hand", text=INSTEAD):
        batches.finish(tx, mine)


def _check_time(tx: Tx, row: Broadcast, at: datetime) -> None:
    if at > tx.now() + CLOCKS_APART:
        raise Invalid("That time lies ahead. Say when it was done. Nothing was noted.")
    if at < row.released_at - CLOCKS_APART:
        raise Invalid("It was not approved yet at that time. Look at the time. Nothing was noted.")
