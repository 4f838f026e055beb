"""What staff are to have done before their first live message: the policy's versions, who read them, who took part in what."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import (
    approval,
    broadcast,
    message_version,
    person,
    policy_read,
    policy_text,
    submission,
)
from broadcaster.domain.broadcast import BroadcastState


@dataclass(frozen=True, kw_only=True)
class PolicyText:
    id: int
    no: int
    words: str
    sha256: str
    author: str
    created_at: datetime


def text_in_force(tx: Tx) -> PolicyText | None:
    """None where nobody has written any."""
    found = texts(tx, limit=1)
    return found[0] if found else None


def texts(tx: Tx, *, limit: int = 100) -> list[PolicyText]:
    """The newest first."""
    c = policy_text.c
    query = (
        select(c.id, c.no, c.words, c.sha256, person.c.name.label("author"), c.created_at)
        .join(person, person.c.id == c.author_id)
        .order_by(c.no.desc())
        .limit(limit)
    )
    return [PolicyText(**row._mapping) for row in tx.execute(query)]


def add_text(tx: Tx, *, no: int, words: str, sha256: str, author_id: int) -> None:
    row = {"no": no, "words": words, "sha256": sha256, "author_id": author_id, "created_at": tx.now()}
    tx.insert(policy_text, row)


def has_read(tx: Tx, person_id: int, policy_text_id: int) -> bool:
    c = policy_read.c
    query = select(c.id).where(c.person_id == person_id, c.policy_text_id == policy_text_id)
    return tx.execute(query).first() is not None


def set_read(tx: Tx, person_id: int, policy_text_id: int) -> None:
    tx.insert(policy_read, {"person_id": person_id, "policy_text_id": policy_text_id, "at": tx.now()})


def has_taken_part(tx: Tx, person_id: int, mode: str) -> bool:
    """Whether this person wrote, handed over or approved a message of this mode that was sent. An exercise counts once it
    is over; something live from its release on, since it is in the world then."""
    b, v, s, a = broadcast.c, message_version.c, submission.c, approval.c
    query = (
        select(b.id)
        .join(approval, a.id == b.approval_id)
        .join(submission, s.id == a.submission_id)
        .join(message_version, v.id == s.message_version_id)
        .where(b.mode == mode, or_(b.state == BroadcastState.DONE, b.mode == "live"))
        .where(or_(v.author_id == person_id, s.submitted_by == person_id, a.approver_id == person_id))
        .limit(1)
    )
    return tx.execute(query).first() is not None
