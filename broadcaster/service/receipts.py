"""Later truth: delivery receipts are stored as they come and matched by the sweeper."""

from collections.abc import Mapping, Sequence

from broadcaster.db import broadcasts, callbacks, receipts
from broadcaster.db.engine import Database
from broadcaster.db.receipts import Arrived
from broadcaster.domain.errors import NotFound
from broadcaster.domain.policy import RECEIPT_KEPT
from broadcaster.service.callbacks import Callbacks, Unread, raw_of
from broadcaster.service.outcomes import CODE_CHARS, PLATFORM_ID_CHARS, storable
from broadcaster.service.record import note
from channels.incoming import DeliveryReceipt, ReadsReceipts, Unreadable

AT_ONCE = 2_000  # receipts matched per transaction
KEY_CHARS = 36  # what its column holds: one that cannot be stored would take its whole group along


class Receipts:
    def __init__(self, database: Database, brought: Callbacks) -> None:
        self._database = database
        self._brought = brought

    def read(
        self, mode: str, account: str, *, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Arrived | Unread:
        """The receipt in a callback, after `prepare`. NotFound for an account without receipts; ValueError for what is
        not genuine: nothing of that is kept."""
        channel, account_id = self._brought.account(mode, account)
        if not isinstance(channel, ReadsReceipts):
            raise NotFound("No account here takes receipts at this address.")
        try:
            found = channel.read_receipt(query, body, headers)
        except Unreadable:
            return Unread(account_id=account_id, raw=raw_of(query, body, headers))
        return arrived(found, account_id, raw=raw_of(query, body, headers))

    def store(self, brought: Sequence[Arrived | Unread]) -> None:
        """Keep them, in one transaction; only then may the gateway be told that they were received."""
        found = [each for each in brought if isinstance(each, Arrived)]
        with self._database.write() as tx:
            receipts.store(tx, found)
            self._brought.keep(tx, callbacks.RECEIPT, ((a.account_id, a.raw) for a in found))
            self._brought.keep_unread(tx, (each for each in brought if isinstance(each, Unread)))

    def apply_all(self) -> int:
        """Match every receipt that waits, a transaction at a time; those that are about nothing known wait longer. How
        many were matched."""
        matched = 0
        while count := self.apply():
            matched += count
        with self._database.write() as tx:
            receipts.put_off(tx, received_after=tx.now() - RECEIPT_KEPT)
        return matched

    def apply(self) -> int:
        """Match some waiting receipts to their deliveries, and lift those. How many were matched."""
        with self._database.write() as tx:
            found = receipts.matches(tx, limit=AT_ONCE)
            if not found:
                return 0
            moved = receipts.apply(tx, found)
            for broadcast_id in {key[0] for key in moved}:
                row = broadcasts.by_id(tx, broadcast_id)
                counts = {
                    f"{before}->{after}": n for (b, before, after), n in moved.items() if b == broadcast_id
                }
                note(tx, row, "receipts_applied", {"counts": counts})
        return len(found)

    def forget_old(self) -> int:
        """Drop receipts whose delivery did not turn up in their time: forged, or of another installation. How many."""
        with self._database.write() as tx:
            return receipts.forget(tx, tx.now() - RECEIPT_KEPT)

    def prepare(self) -> None:
        """Learn the ids of the accounts, so that reading a receipt needs no database."""
        self._brought.prepare()


def arrived(found: DeliveryReceipt, account_id: int, *, raw: str = "") -> Arrived:
    """As it is stored. ValueError for a key or an id that nothing of ours has."""
    named = found.key or found.platform_id
    most = KEY_CHARS if found.key else PLATFORM_ID_CHARS
    if not (named and named.isascii() and named.isprintable() and len(named) <= most):
        raise ValueError("a receipt for a key that none of our deliveries has")
    return Arrived(
        account_id=account_id,
        delivery_uid=found.key,
        platform_id="" if found.key else found.platform_id,
        state=str(found.state),
        code=storable(found.code)[:CODE_CHARS],
        raw=raw,
    )
