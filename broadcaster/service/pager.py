"""Asking for a person: one call, in the transaction of whoever needs somebody. What becomes of it is `service/paging.py`'s.

    tell(tx, DutyRole.APPROVER, "The notice 'Water works' of 06:00 was not sent: its approval has ended.", subject="7F3K2M")

Whoever is on call in that role is paged within seconds, the next one after some minutes without an answer, then everybody.
The words go to telephones and to rooms of other firms: no name, number or address of a member of the public is in them.
"""

from datetime import timedelta

from broadcaster.db import paging
from broadcaster.db.engine import Tx
from broadcaster.domain.paging import RequestKind
from broadcaster.domain.rota import DutyRole

MOST_WORDS = 400


def tell(
    tx: Tx,
    role: DutyRole,
    words: str,
    *,
    subject: str,
    link: str = "/",
    kind: RequestKind = RequestKind.TOLD,
    first_after: timedelta = timedelta(),
) -> str:
    """The uid of the request. Once for a subject and a page: while people are being paged about it, no second time. `subject` is
    a message's reference, or whatever else names the thing in the audit log; `link` is a page of the console."""
    tx.alone("paging")
    for known in paging.open_requests(tx):
        if (known.kind, known.subject, known.role, known.link) == (kind, subject[:64], str(role), link):
            return known.uid
    return paging.insert_request(
        tx,
        kind=kind,
        subject=subject[:64],
        role=role,
        words=words[:MOST_WORDS],
        link=link,
        next_at=tx.now() + first_after,
    )


def no_longer(
    tx: Tx, subject: str, why: str, *, kind: RequestKind = RequestKind.TOLD, link: str = ""
) -> None:
    """It is over: nobody is paged about it any more; with a `link` only of what leads to that page."""
    for known in paging.of_subject(tx, subject, kind=kind):
        if link in {"", known.link}:
            paging.close(tx, known.id, why)
