"""What became of deliveries by our database: states, tries and times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select

from broadcaster.db.engine import Database
from broadcaster.db.tables import attempt, broadcast, delivery, message, target
from broadcaster.domain.delivery import DeliveryState


@dataclass(frozen=True, kw_only=True)
class Life:
    """What became of one delivery, by our database. `tries` are outcomes, in their order."""

    uid: str
    ref: str
    channel: str
    state: str
    code: str
    platform_id: str
    resends: int
    tries: tuple[str, ...]
    unknown_at: datetime | None
    accepted_at: datetime | None
    settled_at: datetime | None
    absent_since: datetime | None

    @property
    def settled_s(self) -> float:
        """From when its outcome became unknown until nothing more happened by itself."""
        assert self.unknown_at, f"{self.ref} on {self.channel} was never unknown: {self.state} {self.tries}"
        assert self.settled_at, f"{self.ref} on {self.channel} is still {self.state}"
        return (self.settled_at - self.unknown_at).total_seconds()

    @property
    def live_s(self) -> float:
        """From when its outcome became unknown until a platform answered that it has it."""
        assert self.unknown_at, f"{self.ref} on {self.channel} was never unknown: {self.state} {self.tries}"
        assert self.accepted_at, f"{self.ref} on {self.channel} was never accepted: {self.state} {self.tries}"
        return (self.accepted_at - self.unknown_at).total_seconds()


def lives_of(database: Database, refs: Iterable[str] | None = None) -> list[Life]:
    """One for each delivery of these messages, or of all."""
    wanted = _DELIVERIES if refs is None else _DELIVERIES.where(message.c.ref.in_(list(refs)))
    with database.read() as tx:
        rows = list(tx.execute(wanted))
        tries: dict[int, list[tuple[str, datetime]]] = {row.id: [] for row in rows}
        for row in tx.execute(_ATTEMPTS.where(attempt.c.delivery_id.in_(list(tries)))):
            tries[row.delivery_id].append((row.outcome, row.ended_at))
    return [_life(row, tries[row.id]) for row in rows]


_DELIVERIES = (
    select(delivery, target.c.channel, message.c.ref)
    .join(target, target.c.id == delivery.c.target_id)
    .join(broadcast, broadcast.c.id == delivery.c.broadcast_id)
    .join(message, message.c.id == broadcast.c.message_id)
    .order_by(delivery.c.id)
)
_ATTEMPTS = select(attempt.c.delivery_id, attempt.c.outcome, attempt.c.ended_at).order_by(attempt.c.id)


def _life(row: Row, tries: Sequence[tuple[str, datetime]]) -> Life:
    """`unknown_at` is when the first outcome became unknown."""

    def first(outcome: str) -> datetime | None:
        return next((at for found, at in tries if found == outcome), None)

    names = ("uid", "ref", "channel", "code", "platform_id", "resends", "settled_at", "absent_since")
    return Life(
        **{name: getattr(row, name) for name in names},
        state=DeliveryState(row.state),
        tries=tuple(outcome for outcome, _ in tries),
        unknown_at=first("unknown"),
        accepted_at=first("accepted"),
    )
