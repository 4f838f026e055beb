"""Holds the lines over which gateways tell of receipts and answers by themselves, and stores what they tell."""

from collections.abc import Callable, Sequence

import structlog

from broadcaster.domain.errors import SendError
from broadcaster.service.callbacks import Callbacks
from broadcaster.service.hearing import HeardAt, Hearing
from broadcaster.service.receipts import Receipts, arrived
from channels.base import ChannelsOfMode
from channels.incoming import ConfirmsStop, DeliveryReceipt, Heard, Listens

log = structlog.get_logger()


class Listening:
    def __init__(
        self, channels: ChannelsOfMode, brought: Callbacks, receipts: Receipts, hearing: Hearing
    ) -> None:
        self._channels = channels
        self._brought = brought
        self._receipts = receipts
        self._hearing = hearing

    def lines(self, mode: str) -> list[str]:
        """Names of the accounts of a mode that hold a line."""
        return [
            name for name, channel in self._channels.get(mode, {}).items() if isinstance(channel, Listens)
        ]

    def hold(self, mode: str, account: str, running: Callable[[], bool]) -> None:
        """Until `running` says no, or the line breaks; then it is held again by whoever calls this in a loop."""
        self._brought.prepare()
        channel, account_id = self._brought.account(mode, account)
        assert isinstance(channel, Listens)
        confirm = isinstance(channel, ConfirmsStop) and channel.confirms_stop

        def told(found: Sequence[DeliveryReceipt | Heard]) -> None:
            self._store(found, account_id, confirm=confirm)

        try:
            channel.listen(told, running)
        except SendError as error:
            log.warning("line_broken", account=account, code=error.code)

    def _store(self, found: Sequence[DeliveryReceipt | Heard], account_id: int, *, confirm: bool) -> None:
        """Raises where it is not stored. What says nothing that we could store is dropped: to raise would bring it again
        for ever."""
        receipts = []
        for each in found:
            if isinstance(each, DeliveryReceipt):
                try:
                    receipts.append(arrived(each, account_id))
                except ValueError:
                    log.warning("receipt_unreadable", account=account_id)
        messages = [
            HeardAt(account_id=account_id, message=each, confirm=confirm)
            for each in found
            if isinstance(each, Heard)
        ]
        if receipts:
            self._receipts.store(receipts)
        if messages:
            self._hearing.store(messages)
