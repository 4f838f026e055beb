"""What a message begins from: as one that nobody has kept yet, in its incident; and what the log keeps of how it is said."""

from collections.abc import Mapping
from datetime import datetime

from broadcaster.db import messages
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.follow_up import Follows
from broadcaster.domain.languages import TRANSLATOR, Spoken
from broadcaster.domain.message import Kind, MessageState, Mode, Visibility
from broadcaster.service.proof import Proof

NO_REFERENCE = "XXXXXX"  # of a message that nobody has kept yet


def unwritten(mode: Mode, actor: Person, now: datetime, follows: Follows | None) -> Message:
    """A message that is not there yet; its reference is as long as any."""
    return Message(
        id=0,
        uid="",
        ref=NO_REFERENCE,
        incident_id=0,
        mode=mode,
        kind=follows.kind if follows else Kind.ALERT,
        purpose=follows.purpose if follows else "",
        amends_id=follows.message_id if follows else None,
        visibility=Visibility.PUBLIC,
        state=MessageState.DRAFT,
        version=0,
        author_id=actor.id,
        created_at=now,
    )


def incident_for(tx: Tx, ref: str, name: str) -> int:
    if not ref:
        return messages.open_incident(tx, name)
    found = messages.incident_by_ref(tx, ref)
    if found is None:
        raise NotFound(f'There is no incident "{ref}". Leave it out to open a new one.')
    if messages.is_incident_closed(tx, found):
        raise Stale(
            f"The incident {ref.upper()} is closed. Open it again, or leave it out to open a new one."
        )
    return found


def told(spoken: Spoken, values: Mapping[str, str]) -> dict[str, Json]:
    """What the audit log keeps of the languages, and of who translated what was typed; nothing of one alone."""
    said: dict[str, Json] = {"languages": list(spoken.order)} if spoken.order else {}
    by = {code: name for code in spoken.facts if (name := values.get(f"{TRANSLATOR}.{code}", ""))}
    said |= {"translated_by": dict(by)} if by else {}
    return {**said, "languages_later": dict(spoken.later)} if spoken.later else said


def past(tx: Tx, proof: Proof) -> tuple[str, ...]:
    if datetime.fromisoformat(proof.expires) <= tx.now():
        return (f"It expired at {proof.expires}. Give a later end.",)
    return ()
