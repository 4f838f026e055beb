"""What a message that follows another one says of it: which sentence names it, and on whose page both stand."""

from zoneinfo import ZoneInfo

from broadcaster.db import follow_ups, messages
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message
from broadcaster.domain.canonical import Json
from broadcaster.domain.follow_up import Follows, Purpose, lead
from broadcaster.domain.tongues import TONGUES
from broadcaster.render.posts import Story


def story_of(tx: Tx, row: Message, *, zone: ZoneInfo) -> Story:
    """Empty where it follows none."""
    if row.amends_id is None:
        return Story()
    purpose, said = Purpose(row.purpose), follow_ups.first_broadcast(tx, row.amends_id)
    first = messages.by_id(tx, follow_ups.story(tx, row.amends_id)[0])
    at = f"{said[1].astimezone(zone):%H:%M}" if said else ""
    words = (
        {code: lead(purpose, ref=said[0], at=at, tongue=TONGUES[code]) for code in TONGUES} if said else {}
    )
    return Story(lead=words.get("en", ""), leads=words, page=first.ref, purpose=purpose)


def told(tx: Tx, follows: Follows | None) -> dict[str, Json]:
    """What the audit log keeps of it."""
    if follows is None:
        return {}
    payload: dict[str, Json] = {
        "follows": messages.by_id(tx, follows.message_id).ref,
        "as": str(follows.purpose),
    }
    return {**payload, "reason": follows.reason} if follows.reason else payload
