"""What a platform tells us by itself: delivery receipts, and what people write. The other half of the contract in `base.py`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class ReceiptState(StrEnum):
    """What a delivery receipt says."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    ACCEPTED = "accepted"  #: the network has it; nothing more is known yet


@dataclass(frozen=True, kw_only=True)
class DeliveryReceipt:
    """Later truth from a gateway about one delivery. `code` is the gateway's own code or word.

    A gateway that does not carry our key back names the delivery by `platform_id`, as its Receipt did; `key` is empty then.
    """

    key: str
    state: ReceiptState
    code: str = ""
    platform_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What a person wrote to us. `platform_id` tells a repetition of it from a second message."""

    address: str
    text: str
    platform_id: str

    def __repr__(self) -> str:
        return f"Heard({self.platform_id})"  # address and text are personal data


class Unreadable(ValueError):
    """It is genuine, by its signature or token, and says nothing that is understood here: it is kept for a person."""


@runtime_checkable
class ReadsReceipts(Protocol):
    """Can read the callbacks of its platform."""

    def read_receipt(
        self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> DeliveryReceipt:
        """ValueError for anything that is not a genuine receipt for this account; Unreadable, where it is genuine."""
        ...


@runtime_checkable
class Hears(Protocol):
    """Can read the callbacks by which its platform brings what people write to us."""

    def hear(self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> Heard:
        """ValueError for anything that is not a genuine message to this account; Unreadable, where it is genuine."""
        ...


@runtime_checkable
class ConfirmsStop(Protocol):
    """Through which somebody who wrote STOP can be told that it was heard."""

    @property
    def confirms_stop(self) -> bool:
        """False where the gateway tells it by itself, or the account does not want it told."""
        ...


@runtime_checkable
class Listens(Protocol):
    """Is told of delivery receipts, and of what people write, over a line that it holds itself (SMPP)."""

    def listen(
        self, told: Callable[[Sequence[DeliveryReceipt | Heard]], None], running: Callable[[], bool]
    ) -> None:
        """Holds the line until `running` says no; raises a SendError when it breaks, and is then called again.

        `told` returns once they are stored, and raises where they are not: only what is stored is acknowledged.
        """
        ...
