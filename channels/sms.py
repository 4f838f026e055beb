"""Sends text messages to single recipients through a gateway. Knows counting and the fence; providers are in gateways/."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar, cast

import requests

from broadcaster.domain.errors import Invalid, Refused, SendError
from broadcaster.domain.post import Post
from broadcaster.domain.quiet import QuietHours
from broadcaster.domain.readiness import Readiness
from channels.base import Account, AfterUnknown, CheckProblem, Holds, Option, Parcel, Receipt, Sending
from channels.gateways import (
    Ask,
    CanBeAsked,
    Gateway,
    GatewayAnswer,
    GatewayRequest,
    HasOwnLine,
    OverHttp,
    TakesMany,
    gateway_class,
)
from channels.gateways.wire import Line, Wire
from channels.http import (
    DEFAULT_TIMEOUTS,
    FencedSession,
    Timeouts,
    from_exception,
    open_session,
    require_allowed,
)
from channels.incoming import DeliveryReceipt, Heard, Hears, Listens
from channels.options import option
from channels.probing import PROBE_TIMEOUTS, PROBE_WITHIN_S, failed
from channels.spares import WAY_OPTIONS, per_second_of, ways_of
from channels.tariff import TARIFF_OPTIONS, tariff_of
from channels.text import graphemes, sms_size

MAX_SEGMENTS = 6  # 918 GSM-7 characters, GOV.UK Notify's limit too: what networks deliver in one piece
DEFAULT_GATEWAY = "kannel"


class Sms:
    """One sender ID at one gateway."""

    name: ClassVar[str] = "sms"
    title: ClassVar[str] = "SMS"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            name="gateway",
            help="the provider: kannel, notify, sinch, smpp or twilio",
            default=DEFAULT_GATEWAY,
        ),
        Option(
            name="confirm_stop",
            help="yes or no: whether we tell somebody who writes STOP that it was heard; else as the provider needs it",
        ),
        Option(
            name="quiet_hours",
            help="local times between which routine texts wait, like 21:00-08:00, or none; else those of the installation",
        ),
        *TARIFF_OPTIONS,
        *WAY_OPTIONS,
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
        make = gateway or _gateway_of(account).from_account
        self._gateway = make(account)
        self._wire = wire or Wire()
        self.tariff = tariff_of(account)
        self.ways = ways_of(account)
        self.quiet_hours = _quiet_hours(account)
        self._segments_per_second = per_second_of(account)
        self.confirms_stop = _confirms_stop(account, self._gateway)

    @classmethod
    def from_account(cls, account: Account) -> "Sms":
        """The account's gateway decides whether it can be asked about an unknown outcome, or is listened to."""
        gateway = _gateway_of(account)
        if issubclass(gateway, CanBeAsked):
            return AskableSms(account)
        return ListeningSms(account) if issubclass(gateway, Listens) else Sms(account)

    @classmethod
    def options_for(cls, given: Mapping[str, object]) -> tuple[Option, ...]:
        """What an account's file with this content may say: a Notify account is not asked for Kannel's password.

        Invalid, with the nearest name, where it names a gateway that does not exist.
        """
        return (*cls.options, *gateway_class(str(given.get("gateway") or DEFAULT_GATEWAY)).options)

    @property
    def target(self) -> str:
        return self._gateway.target

    def check(self, post: Post) -> list[CheckProblem]:
        if not post.text.strip():
            return [CheckProblem(code="empty", text="The text message is empty. Write its text.")]
        return [*_too_long(post), *self._gateway.check(post)]

    def per_second(self, post: Post) -> float:
        """Networks and providers count segments, whatever they call them."""
        return self._segments_per_second / max(1, sms_size(post.text).segments)

    def send(self, post: Post, key: str) -> Receipt:  # noqa: ARG002 - part of the contract of a channel
        """Always Refused: a sender ID has no public place. Recipients are what `sending` is for."""
        raise Refused("needs_recipients", "Text messages go to an audience. Choose one for this message.")

    @contextmanager
    def sending(self, post: Post) -> Iterator[Sending]:
        """A text on its way to many; any number of threads may each have one."""
        if isinstance(self._gateway, HasOwnLine):
            with self._gateway.sending(post) as own:
                yield own
        else:
            with self._wire.line() as line:
                yield _HttpSending(self._account, cast("OverHttp", self._gateway), post, line)

    def read_receipt(
        self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> DeliveryReceipt:
        self._require_verifying()
        return self._gateway.read_receipt(query, body, headers)

    def _require_verifying(self) -> None:
        """A gateway without its secret could not tell what is genuine."""
        if self._account.holds is Holds.NOTHING:
            raise ValueError("this process holds nothing that could verify a callback")

    def hear(self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> Heard:
        self._require_verifying()
        if not isinstance(self._gateway, Hears):
            raise ValueError(  # noqa: TRY004 - what the contract says of a callback
                "nothing that people write comes from this gateway by HTTP"
            )
        return self._gateway.hear(query, body, headers)

    def probe(self) -> Readiness:
        with (
            open_session(self._account, timeout=PROBE_TIMEOUTS) as session,
            session.within(PROBE_WITHIN_S),
        ):
            try:
                return self._gateway.probe(_asking(session))
            except SendError as exc:
                return failed("The SMS gateway", exc, certain=exc.code == "host_not_allowed")

    def close(self) -> None:
        """Ends the connections; the next group opens new ones."""
        self._wire.close()
        if isinstance(self._gateway, HasOwnLine):
            self._gateway.close()


class AskableSms(Sms):
    """At a gateway that can be asked about our keys, so that an unknown outcome need not wait for its receipt."""

    after_unknown: ClassVar[AfterUnknown] = AfterUnknown.QUERYABLE

    def __init__(
        self,
        account: Account,
        *,
        wire: Wire | None = None,
        gateway: Callable[[Account], Gateway] | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        super().__init__(account, wire=wire, gateway=gateway)
        self._timeouts = timeouts

    def find(self, post: Post, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - the key is enough
        """What the gateway has under this key. Raises a SendError where it did not say."""
        gateway = cast("CanBeAsked", self._gateway)
        question = gateway.question(key)
        try:
            with open_session(self._account, timeout=self._timeouts) as session:
                response = session.get(question.url, headers=dict(question.headers))
            answer = GatewayAnswer(
                status=response.status_code, headers=response.headers, body=response.content
            )
            return gateway.found(answer, key)
        except (requests.RequestException, ValueError) as exc:  # what cannot be read proves nothing
            raise from_exception(exc) from exc


class _HttpSending:
    """One text through one line of connections."""

    def __init__(
        self, account: Account, gateway: OverHttp, post: Post, line: "Line[Sequence[Parcel]]"
    ) -> None:
        self._account, self._gateway, self._post, self._line = account, gateway, post, line
        self._takes_many = (
            gateway if isinstance(gateway, TakesMany) else None
        )  # asked for once: it takes 30 us
        self._at_once = self._takes_many.most_at_once if self._takes_many else 1
        self._allowed: set[str] = set()
        self._not_begun: list[tuple[str, Receipt | SendError]] = []

    def put(self, parcels: Sequence[Parcel]) -> None:
        try:
            asked = self._gateway.requests(self._post, parcels)
            for url in {request.url for request in asked} - self._allowed:
                require_allowed(self._account, url)
                self._allowed.add(url)
        except SendError as exc:
            self._not_begun += [(parcel.key, exc) for parcel in parcels]
            return
        covered = (parcels[i : i + self._at_once] for i in range(0, len(parcels), self._at_once))
        for request, theirs in zip(asked, covered, strict=True):
            self._line.begin(theirs, request)
        self._line.push()

    def take(self, within_s: float) -> list[tuple[str, Receipt | SendError]]:
        found, self._not_begun = self._not_begun, []
        for parcels, answer in self._line.answers(0 if found else within_s):
            outcomes = self._outcomes(answer, parcels)
            found += [(parcel.key, each) for parcel, each in zip(parcels, outcomes, strict=True)]
        return found

    def _outcomes(
        self, answer: GatewayAnswer | SendError, parcels: Sequence[Parcel]
    ) -> list[Receipt | SendError]:
        if isinstance(answer, SendError):
            return [answer] * len(parcels)
        if self._takes_many:
            return self._takes_many.outcomes(answer, self._post, parcels)
        return [self._gateway.outcome(answer, self._post, parcel) for parcel in parcels]


class ListeningSms(Sms):
    """At a gateway that brings receipts, and what people write, over a line that we hold."""

    def listen(
        self, told: Callable[[Sequence[DeliveryReceipt | Heard]], None], running: Callable[[], bool]
    ) -> None:
        cast("Listens", self._gateway).listen(told, running)


def _asking(session: FencedSession) -> Ask:
    def ask(request: GatewayRequest, *, method: str = "GET") -> GatewayAnswer:
        try:
            response = session.request(
                method, request.url, headers=dict(request.headers), data=request.body or None
            )
        except (requests.RequestException, ValueError) as exc:
            raise from_exception(exc) from exc
        return GatewayAnswer(status=response.status_code, headers=response.headers, body=response.content)

    return ask


def _confirms_stop(account: Account, gateway: Gateway) -> bool:
    said = option(account, Sms.options, "confirm_stop")
    if said not in {"", "yes", "no"}:
        raise Invalid(f'The account "{account.name}": confirm_stop must be "yes" or "no".')
    return said == "yes" if said else not getattr(gateway, "answers_stop", False)


def _quiet_hours(account: Account) -> QuietHours | None:
    said = option(account, Sms.options, "quiet_hours")
    try:
        return QuietHours.read(said) if said else None
    except ValueError as error:
        raise Invalid(f'The account "{account.name}": {error}.') from None


def _gateway_of(account: Account) -> type[Gateway]:
    return gateway_class(option(account, Sms.options, "gateway"))


def _too_long(post: Post) -> list[CheckProblem]:
    size = sms_size(post.text)
    if size.segments <= MAX_SEGMENTS:
        return []
    text = f"The text message takes {size.segments} segments of at most {MAX_SEGMENTS}. {_cure(post.text, size.foreign)}"
    return [CheckProblem(code="too_long", text=text)]


def _cure(text: str, foreign: str) -> str:
    """Nobody is asked to replace a letter: another letter makes another word, and Welsh without its signs is misspelt."""
    costly = [piece for piece in graphemes(text) if any(char in foreign for char in piece)]
    letters = [piece for piece in costly if any(char.isalpha() for char in piece)]
    if letters:
        room = f"{_listed(letters)} halves the room in each segment, but stays as it is:"
        return f"Shorten it. {room} without it the word would be another."
    if not costly:
        return "Shorten it."
    plain = "".join("-" if piece in costly else piece for piece in graphemes(text))
    enough = sms_size(plain).segments <= MAX_SEGMENTS
    joint = ", or" if enough else " and"
    return f"Shorten it{joint} replace what halves the room in each segment: {_listed(costly)}."


def _listed(pieces: Sequence[str]) -> str:
    """The first ten, each once; what cannot be seen by its number."""
    shown = [piece if _is_visible(piece) else f"U+{ord(piece[0]):04X}" for piece in dict.fromkeys(pieces)]
    return " ".join(shown[:10])


def _is_visible(piece: str) -> bool:
    return any(char.isprintable() and not char.isspace() for char in piece)
