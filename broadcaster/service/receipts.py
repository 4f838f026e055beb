"""Later truth: delivery receipts are stored as they come and matched by the sweeper."""

from collections.abc import Mapping, Sequence

from broadcaster.db import accounts, broadcasts, receipts
from broadcaster.db.engine import Database
from broadcaster.db.receipts import Arrived
from broadcaster.domain.errors import NotFound
from broadcaster.domain.policy import RECEIPT_KEPT
from broadcaster.service.outcomes import CODE_CHARS, storable
from broadcaster.service.record import note
from channels.base import ChannelsOfMode, ReadsReceipts

AT_ONCE = 2_000  # receipts matched per transaction
KEY_CHARS = 36  # what its column holds: one that cannot be stored would take its whole group along


class Receipts:
    def __init__(self, database: Database, channels: ChannelsOfMode) -> None:
        self._database = database
        self._channels = channels
        self._account_ids: dict[tuple[str, str], int] = {}

    def read(
        self, mode: str, account: str, *, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Arrived:
        """The receipt in a callback, after `prepare`. NotFound for an account without receipts; ValueError for what is no receipt."""
        channel = self._channels.get(mode, {}).get(account)
        if channel is None or not isinstance(channel, ReadsReceipts):
            raise NotFound("No account here takes receipts at this address.")
        found = channel.read_receipt(query, body, headers)
        if not (found.key.isascii() and found.key.isprintable() and len(found.key) <= KEY_CHARS):
            raise ValueError("a receipt for a key that none of our deliveries has")
        return Arrived(
            account_id=self._account_ids[mode, account],
            delivery_uid=found.key,
            state=str(found.state),
            code=storable(found.code)[:CODE_CHARS],
        )

    def store(self, arrived: Sequence[Arrived]) -> None:
        """Keep them, in one transaction; only then may the gateway be told that they were received."""
        with self._database.write() as tx:
            receipts.store(tx, arrived)

    def apply_all(self) -> int:
        """Match every receipt that waits, a transaction at a time. How many were matched."""
        matched = 0
        while count := self.apply():
            matched += count
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
        """Learn the ids of the accounts that take receipts, so that reading one needs no database."""
        with self._database.write() as tx:
            for mode, configured in self._channels.items():
                for name, channel in configured.items():
                    if isinstance(channel, ReadsReceipts):
                        row = accounts.ensure(tx, mode=mode, channel=channel.name, name=name)
                        self._account_ids[mode, name] = row.id
