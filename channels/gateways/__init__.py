"""SMS gateways: how one provider is asked and answers, as pure functions; `channels/gateways/wire.py` carries the bytes.

A provider is one module with a class as below, and one line in GATEWAYS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar, Protocol, Self, cast

from broadcaster.domain.errors import Invalid, SendError
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.post import Post
from channels.base import Account, DeliveryReceipt, Option, Parcel, Receipt


@dataclass(frozen=True, kw_only=True)
class GatewayRequest:
    """A POST to be made. Its headers and body hold a number and credentials, so its `repr` shows nothing."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return "GatewayRequest(***)"


@dataclass(frozen=True, kw_only=True)
class GatewayAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Gateway(Protocol):
    """One provider, for one account. No input or output."""

    options: ClassVar[tuple[Option, ...]]

    @classmethod
    def from_account(cls, account: Account) -> Self: ...

    def requests(self, post: Post, parcels: Sequence[Parcel]) -> list[GatewayRequest]:
        """One request per parcel, in their order, each carrying the parcel's key."""
        ...

    def outcome(self, answer: GatewayAnswer, post: Post, parcel: Parcel) -> Receipt | SendError:
        """What the provider's answer says about the parcel; nothing of post or number is quoted."""
        ...

    def read_receipt(
        self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> DeliveryReceipt:
        """ValueError for anything that is not a receipt of this provider."""
        ...


GATEWAYS = {"kannel": "channels.gateways.kannel:Kannel"}


def gateway_class(name: str) -> type[Gateway]:
    """The class of a gateway. Invalid, with the nearest name, where there is none."""
    if name not in GATEWAYS:
        raise Invalid(f'There is no SMS gateway "{name}".{did_you_mean(name, GATEWAYS)}')
    module, _, attribute = GATEWAYS[name].partition(":")
    return cast("type[Gateway]", getattr(import_module(module), attribute))
