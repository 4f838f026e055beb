"""Which numbers are left out, of what and why. Numbers come in here as their keyed index only.

Call `alone` first where something is changed: who was new among those that ask twice at once must be certain.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, delete, func, select

from broadcaster.db.engine import Tx
from broadcaster.db.routes import sent_through
from broadcaster.db.tables import audience_version, delivery, recipient, suppression, target
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.opt_out import OptOutCount, Reason

S = suppression.c
#: The code of a gateway's refusal of somebody who has opted out there.
OPTED_OUT = "opted_out"


def alone(tx: Tx) -> None:
    tx.alone("opt_outs")


def purposes(tx: Tx, index: bytes, account_id: int) -> list[str]:
    """What somebody who answers this account was sent through it. Where that is nothing, as where the answers to a name
    come through another account: all that the number is on a list for; and where it is on none, everything."""
    v, r = audience_version.c, recipient.c
    on_a_list = (r.number_index == index) & r.audience_version_id.in_(select(v.id))
    listed = select(v.purpose).join(recipient, r.audience_version_id == v.id).where(on_a_list).distinct()
    sent = listed.join(target, target.c.audience_version_id == v.id).where(sent_through(account_id))
    for query in (sent, listed):
        found = sorted(tx.execute(query).scalars())
        if found:
            return found
    return [""]


def add(tx: Tx, index: bytes, of: Collection[str], reason: Reason) -> int:
    """Leave this number out of these purposes from now on, also of what is being sent. To how many that was new."""
    known = set(tx.execute(select(S.purpose).where(S.number_index == index, S.purpose.in_(of))).scalars())
    new = [purpose for purpose in sorted(of) if purpose not in known]
    rows = [
        {"number_index": index, "purpose": purpose, "reason": reason, "created_at": tx.now()}
        for purpose in new
    ]
    if rows:
        tx.add_missing(suppression, rows)
    return len(new)


def end(tx: Tx, index: bytes, *, of: Collection[str] | None, reasons: Collection[str]) -> int:
    """Take opt-outs with these reasons back; of these purposes, or of all. How many there were."""
    mine: ColumnElement[bool] = (S.number_index == index) & S.reason.in_(reasons)
    if of is not None:
        mine &= S.purpose.in_(of)
    return tx.execute(delete(suppression).where(mine)).rowcount


def counts(tx: Tx) -> list[OptOutCount]:
    size, first, last = func.count(), func.min(S.created_at), func.max(S.created_at)
    query = select(S.purpose, S.reason, size.label("count"), first.label("since"), last.label("last"))
    rows = tx.execute(query.group_by(S.purpose, S.reason).order_by(S.purpose, S.reason))
    return [OptOutCount(**row._mapping) for row in rows]


def heed_refusals(tx: Tx, delivery_ids: Sequence[int]) -> int:
    """Numbers that the gateway refused since their people wrote STOP there are left out from now on. How many are new."""
    d, r, v = delivery.c, recipient.c, audience_version.c
    query = (
        select(r.number_index, v.purpose)
        .join(delivery, d.recipient_id == r.id)
        .join(audience_version, v.id == r.audience_version_id)
        .where(d.id.in_(delivery_ids), d.state == DeliveryState.FAILED, d.code == OPTED_OUT)
        .where(r.number_sealed != b"")
        .distinct()
    )
    return sum(add(tx, row.number_index, [row.purpose], Reason.GATEWAY) for row in tx.execute(query).all())
