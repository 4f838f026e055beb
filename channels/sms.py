"""Sends text messages to single recipients through a gateway. Knows counting and the fence; providers are in gateways/."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Self

from broadcaster.domain.errors import Refused, SendError
from broadcaster.domain.post import Post
from channels.base import Account, AfterUnknown, CheckProblem, DeliveryReceipt, Option, Parcel, Receipt
from channels.gateways import Gateway, GatewayAnswer, gateway_class
from channels.gateways.kannel import Kannel
from channels.gateways.wire import Wire
from channels.http import from_exception, require_allowed
from channels.options import option
from channels.text import sms_size

MAX_SEGMENTS = 6  # 918 GSM-7 characters, GOV.UK Notify's limit too: what networks deliver in one piece


class Sms:
    """One sender ID at one gateway."""

    name: ClassVar[str] = "sms"
    title: ClassVar[str] = "SMS"
    options: ClassVar[tuple[Option, ...]] = (
        Option(name="gateway", help="the provider: kannel", default="kannel"),
        *Kannel.options,
    )
    after_unknown: ClassVar[AfterUnknown] = AfterUnknown.BLIND

    def __init__(
        self,
        account: Account,
        *,
        wire: Wire | None = None,
        gateway: Callable[[Account], Gateway] | None = None,
    ) -> None:
        self._account = account
        self._sender = option(account, self.options, "sender")
        make = gateway or gateway_class(option(account, self.options, "gateway")).from_account
        self._gateway = make(account)
        self._wire = wire or Wire()

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        return f"sender {self._sender}"

    def check(self, post: Post) -> list[CheckProblem]:
        if not post.text.strip():
            return [CheckProblem(code="empty", text="The text message is empty. Write its text.")]
        size = sms_size(post.text)
        if size.segments <= MAX_SEGMENTS:
            return []
        text = f"The text message takes {size.segments} segments of at most {MAX_SEGMENTS}. Shorten it"
        if size.foreign:
            text += f", or replace what halves the room in each segment: {' '.join(size.foreign[:10])}"
        return [CheckProblem(code="too_long", text=text + ".")]

    def send(self, post: Post, key: str) -> Receipt:  # noqa: ARG002 - part of the contract of a channel
        """Always Refused: a sender ID has no public place. Recipients are what `send_many` is for."""
        raise Refused("needs_recipients", "Text messages go to an audience. Choose one for this message.")

    def send_many(self, post: Post, parcels: Sequence[Parcel]) -> list[Receipt | SendError]:
        """All parcels at once, so the caller bounds the group; at most 15 s. Threads may call side by side."""
        try:
            requests = self._gateway.requests(post, parcels)
            for url in {request.url for request in requests}:
                require_allowed(self._account, url)
        except SendError as exc:
            return [exc for _ in parcels]
        answers = self._wire.carry(requests)
        return [self._outcome(answer, post, parcel) for answer, parcel in zip(answers, parcels, strict=True)]

    def _outcome(self, answer: GatewayAnswer | Exception, post: Post, parcel: Parcel) -> Receipt | SendError:
        if isinstance(answer, GatewayAnswer):
            return self._gateway.outcome(answer, post, parcel)
        error = from_exception(answer)
        error.__cause__ = answer
        return error

    def read_receipt(
        self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> DeliveryReceipt:
        return self._gateway.read_receipt(query, body, headers)

    def close(self) -> None:
        """Ends the connections; the next group opens new ones."""
        self._wire.close()
