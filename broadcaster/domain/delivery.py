"""A delivery: one broadcast to one target or recipient. Its states, and the one table that says how they follow."""

from collections.abc import Mapping
from enum import StrEnum


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"  #: derived: it is in an open intent group. Stored rows say `pending` meanwhile
    ACCEPTED = "accepted"  #: the platform took it
    DELIVERED = "delivered"  #: a delivery receipt says that it arrived
    UNDELIVERED = "undelivered"  #: a delivery receipt says that it did not
    FAILED = "failed"  #: refused by the platform
    UNKNOWN = "unknown"  #: the platform may have taken it; being looked into
    UNKNOWN_FINAL = "unknown_final"  #: the platform may have taken it; a person decides
    CANCELLED = "cancelled"  #: stopped before it was sent
    EXPIRED = "expired"  #: its time was over before it was sent
    SUPPRESSED = "suppressed"  #: the recipient opted out
    QUARANTINED = "quarantined"  #: what is stored is not what was approved, or sending it kills workers


S = DeliveryState
_RECEIPT = frozenset({S.DELIVERED, S.UNDELIVERED})

#: Every change of a delivery's state that there is. Nothing else decides one.
DELIVERY_TRANSITIONS: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    # Failed without being sent is a part of a thread whose part before is missing. Unknown without being sent, as far as
    # is known here: a backup was restored, and it may have been sent in the time that was lost; or its first try is
    # unknown, and the second, for which it waited, will not be.
    S.PENDING: frozenset(
        {S.SENDING, S.UNKNOWN, S.FAILED, S.CANCELLED, S.EXPIRED, S.SUPPRESSED, S.QUARANTINED}
    ),
    S.SENDING: frozenset({S.PENDING, S.ACCEPTED, S.FAILED, S.UNKNOWN, S.QUARANTINED}) | _RECEIPT,
    S.UNKNOWN: frozenset({S.PENDING, S.ACCEPTED, S.UNKNOWN_FINAL, S.FAILED}) | _RECEIPT,
    S.UNKNOWN_FINAL: frozenset({S.PENDING, S.ACCEPTED}) | _RECEIPT,
    S.ACCEPTED: _RECEIPT,
    S.UNDELIVERED: frozenset({S.DELIVERED}),
    S.DELIVERED: frozenset(),
    # Only such a part, which was never sent, once a person has settled the part before; or what was refused, once a person
    # has it tried again: see `states_before`. Where a backup was restored, a person may have done so in the time that was
    # lost. What has expired stays so: it does only when its message has ended.
    S.FAILED: frozenset({S.PENDING, S.UNKNOWN_FINAL}),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
    S.SUPPRESSED: frozenset(),
    # Only what may have been sent: see `states_before`.
    S.QUARANTINED: frozenset({S.PENDING, S.ACCEPTED}) | _RECEIPT,
}

#: The platform took it, whatever a delivery receipt says further.
ARRIVED = frozenset({S.ACCEPTED}) | _RECEIPT

#: States in which nothing more will happen by itself.
SETTLED = frozenset(s for s in S) - {S.PENDING, S.SENDING, S.UNKNOWN}


def states_before(state: DeliveryState) -> frozenset[DeliveryState]:
    """The stored states from which `state` may be reached: `pending` stands for `sending` too, which is derived.

    Without `quarantined`: a post that was altered was never sent, so no answer and no receipt for it can be true.
    Only one that was sent before, and stopped workers, may leave it (`db.attempts.may_follow`). Without `failed`:
    only what was surely never taken may leave it, by a person (`db.deliveries.parts_again`, `try_again`).
    """
    sources = {before for before, after in DELIVERY_TRANSITIONS.items() if state in after}
    return frozenset(S.PENDING if s is S.SENDING else s for s in sources - {S.QUARANTINED, S.FAILED})


class Outcome(StrEnum):
    """How one attempt ended. Immutable."""

    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    NOT_CONFIGURED = "not_configured"
    UNKNOWN = "unknown"


#: The state an attempt's outcome leads to.
STATE_AFTER: Mapping[Outcome, DeliveryState] = {
    Outcome.ACCEPTED: S.ACCEPTED,
    Outcome.NOT_SENT: S.PENDING,
    Outcome.REFUSED: S.FAILED,
    Outcome.NOT_CONFIGURED: S.PENDING,  # the account is paused; it goes out when somebody has mended it in time
    Outcome.UNKNOWN: S.UNKNOWN,
}
