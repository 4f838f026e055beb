"""SMS gateways: how one provider is asked and answers.

A provider is one module with a class as below, and one line in GATEWAYS.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import ClassVar, Protocol, Self, cast, runtime_checkable

from broadcaster.domain.errors import Invalid, SendError
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from channels.base import Account, CheckProblem, Option, Parcel, Receipt, Sending
from channels.incoming import DeliveryReceipt


@dataclass(frozen=True, kw_only=True)
class GatewayRequest:
    """A POST to be made, or the GET of a question. Its headers and body hold a number and credentials, so its `repr` shows nothing."""

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


class Ask(Protocol):
    """Carries one question of a check. Raises a SendError where no answer came."""

    def __call__(self, request: GatewayRequest, *, method: str = "GET") -> GatewayAnswer: ...


class Gateway(Protocol):
    """One provider, for one account: also OverHttp, or HasOwnLine."""

    options: ClassVar[tuple[Option, ...]]

    @classmethod
    def from_account(cls, account: Account) -> Self: ...

    @property
    def target(self) -> str:
        """Whom the account speaks as, for the approver."""
        ...

    def check(self, post: Post) -> list[CheckProblem]:
        """What this provider alone would do to the post's text; counting is the channel's business."""
        ...

    def read_receipt(
        self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> DeliveryReceipt:
        """ValueError for anything that is not a receipt of this provider."""
        ...

    def probe(self, ask: Ask) -> Readiness:
        """Whether the provider would take a text now, found out without sending one. May raise what `ask` raises."""
        ...


@runtime_checkable
class OverHttp(Protocol):
    """A provider that is asked over HTTP. No input or output: `channels/gateways/wire.py` carries the bytes."""

    def requests(self, post: Post, parcels: Sequence[Parcel]) -> list[GatewayRequest]:
        """One request per parcel, in their order, each carrying the parcel's key."""
        ...

    def outcome(self, answer: GatewayAnswer, post: Post, parcel: Parcel) -> Receipt | SendError:
        """What the provider's answer says about the parcel; nothing of post or number is quoted."""
        ...


@runtime_checkable
class TakesMany(Protocol):
    """A provider that takes many recipients in one request, and gives one answer about all of them.

    Its `requests` makes one request for every `most_at_once` parcels, in their order.
    """

    most_at_once: ClassVar[int]

    def outcomes(
        self, answer: GatewayAnswer, post: Post, parcels: Sequence[Parcel]
    ) -> list[Receipt | SendError]:
        """One per parcel of the request, in their order: named ones by their code, unnamed ones unknown."""
        ...


@runtime_checkable
class HasOwnLine(Protocol):
    """A provider that is not spoken to over HTTP, and carries its texts itself (SMPP)."""

    def sending(self, post: Post) -> AbstractContextManager[Sending]:
        """What has no outcome yet when the context is left stays without one: the caller takes it for unknown."""
        ...

    def close(self) -> None:
        """Ends the lines that nobody uses."""
        ...


@runtime_checkable
class CanBeAsked(Protocol):
    """A provider that can be asked what became of one of our keys. No input or output either."""

    def question(self, key: str) -> GatewayRequest:
        """A GET, without a body."""
        ...

    def found(self, answer: GatewayAnswer, key: str) -> Receipt | None:
        """None where the provider clearly does not know the key. Raises a SendError where it did not say."""
        ...


GATEWAYS = {
    "kannel": "channels.gateways.kannel:Kannel",
    "notify": "channels.gateways.notify:Notify",
    "sinch": "channels.gateways.sinch:Sinch",
    "smpp": "channels.gateways.smpp:Smpp",
    "twilio": "channels.gateways.twilio:Twilio",
}


def gateway_class(name: str) -> type[Gateway]:
    """The class of a gateway. Invalid, with the nearest name, where there is none."""
    if name not in GATEWAYS:
        raise Invalid(f'There is no SMS gateway "{name}".{did_you_mean(name, GATEWAYS)}')
    return cast("type[Gateway]", resolve_name(GATEWAYS[name]))
