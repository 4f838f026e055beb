"""Platforms, a clock and a doorbell in memory, for tests of the services: each does what it is told, and remembers."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import Connection

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Refused, SendError
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness, ReadinessState
from broadcaster.domain.sight import Sight
from broadcaster.domain.ways import Way
from channels.base import Account, AfterUnknown, CheckProblem, Parcel, Receipt
from channels.incoming import DeliveryReceipt, ReceiptState


class WorkerDied(BaseException):
    """Stands for `kill -9`: nothing of ours catches it, so whatever was not committed is lost."""


def die(_keys: Sequence[str]) -> None:
    """For `on_call`: the worker dies just before the first byte."""
    raise WorkerDied


@dataclass(frozen=True)
class Took:
    """The platform takes the post, and then this happens on the way back."""

    error: BaseException


Answer = Receipt | BaseException | Took


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One line of a platform's own ledger."""

    key: str
    address: str
    post: Post


class FakePlatform:
    """A public place. `answers` are used up one by one, then `always`; None means that it takes the post.

    `on_call` runs first, with the keys, and may raise or wait: it is the moment just before the first byte.
    """

    options = ()

    def __init__(
        self, name: str, account: str, *, after_unknown: AfterUnknown = AfterUnknown.READABLE
    ) -> None:
        self.name, self.title, self.account = name, name.capitalize(), account
        self.after_unknown = after_unknown
        self.target = f"{name} {account}"
        self.problems: list[CheckProblem] = []
        self.answers: deque[Answer | None] = deque()
        self.always: Answer | None = None
        self.on_call: Callable[[Sequence[str]], object] = lambda _keys: None
        self.on_check: Callable[[], object] = lambda: None
        self.calls: list[tuple[str, ...]] = []
        self.ledger: list[Taken] = []
        self._lock = threading.Lock()

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account.channel, account.name)

    def check(self, post: Post) -> list[CheckProblem]:
        self.on_check()
        return self.problems

    def send(self, post: Post, key: str) -> Receipt:
        self._called([key])
        return self._answer(post, key, "", self._next())

    @property
    def keys(self) -> list[str]:
        """Keys of what it took, in the order in which it did."""
        return [taken.key for taken in self.ledger]

    def _called(self, keys: Sequence[str]) -> None:
        with self._lock:
            self.calls.append(tuple(keys))
        self.on_call(keys)

    def _next(self) -> Answer | None:
        with self._lock:
            return self.answers.popleft() if self.answers else self.always

    def _answer(self, post: Post, key: str, address: str, answer: Answer | None) -> Receipt:
        if isinstance(answer, BaseException):
            raise answer
        with self._lock:
            self.ledger.append(Taken(key=key, address=address, post=post))
        if isinstance(answer, Took):
            raise answer.error
        return answer or Receipt(
            platform_id=f"{self.name}-{len(self.ledger)}", link=f"https://{self.name}.test/1"
        )


class FakeProbed(FakePlatform):
    """A public place that can be checked: `readiness` is what a check finds, an error is raised. `on_probe` runs first."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(name, account)
        self.readiness: Readiness | Exception = found(ReadinessState.READY)
        self.on_probe: Callable[[], object] = lambda: None
        self.probes = 0

    def probe(self) -> Readiness:
        with self._lock:
            self.probes += 1
        self.on_probe()
        if isinstance(self.readiness, Exception):
            raise self.readiness
        return self.readiness


def found(state: ReadinessState, code: str = "", **more: Any) -> Readiness:
    """What a check says, in words that name the state."""
    return Readiness(state=state, code=code or str(state), operator_text=f"It is {state}.", **more)


class FakeReadable(FakePlatform):
    """A public place whose posts can be read back. `readings` are used up first: an error is raised, None shows nothing."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(name, account)
        self.readings: deque[SendError | None] = deque()
        self.reads = 0
        self.seen: deque[Sight | SendError] = deque()

    def read_back(self, post: Post, platform_id: str, since: datetime) -> Sight:
        """What a reader sees of a post that was accepted: `seen` is used up first."""
        if self.seen:
            sight = self.seen.popleft()
            if isinstance(sight, SendError):
                raise sight
            return sight
        return Sight.THERE if any(taken.post == post for taken in self.ledger) else Sight.ABSENT

    def find(self, post: Post, key: str, since: datetime) -> Receipt | None:
        self.reads += 1
        if self.readings:
            reading = self.readings.popleft()
            if reading:
                raise reading
            return None
        if not any(taken.post == post for taken in self.ledger):
            return None
        return Receipt(platform_id=f"{self.name}-found", link=f"https://{self.name}.test/found")


class FakeThreading(FakeReadable):
    """A public place whose posts may answer each other; what answers nothing that it has is refused. `ledger_ids` are
    its ids of what is in `ledger`, and reading back finds the text itself with its own id."""

    max_parts = 25

    @property
    def ledger_ids(self) -> list[str]:
        return [f"{1000 + no}" for no in range(1, len(self.ledger) + 1)]

    def _answer(self, post: Post, key: str, address: str, answer: Answer | None) -> Receipt:
        if not isinstance(answer, BaseException) and post.in_reply_to not in {"", *self.ledger_ids}:
            raise Refused("no_such_post", "There is no such post to answer.")
        super()._answer(post, key, address, answer)
        return self._receipt(self.ledger_ids[-1])

    def find(self, post: Post, key: str, since: datetime) -> Receipt | None:
        if super().find(post, key, since) is None:
            return None
        places = [no for no, taken in enumerate(self.ledger) if taken.post == post]
        return self._receipt(self.ledger_ids[places[-1]])

    def _receipt(self, platform_id: str) -> Receipt:
        return Receipt(platform_id=platform_id, link=f"https://{self.name}.test/{self.account}/{platform_id}")


class FakeSite(FakePlatform):
    """A public place whose pages have addresses beforehand."""

    def __init__(self, account: str) -> None:
        super().__init__("website", account, after_unknown=AfterUnknown.IDEMPOTENT)
        self.refreshes = 0
        self.refresh_error: SendError | None = None

    def refresh(self) -> None:
        self.refreshes += 1
        if self.refresh_error:
            raise self.refresh_error

    def page_address(self, reference: str) -> str:
        return f"https://site.test/{reference}"


class FakeGateway(FakePlatform):
    """Takes texts for single recipients; `by_address` answers for one number whatever the others get. `ways` are what
    its file would name, itself first; `rate` is how many texts may leave in a second, 0 for no bound."""

    def __init__(self, account: str, *, after_unknown: AfterUnknown = AfterUnknown.BLIND) -> None:
        super().__init__("sms", account, after_unknown=after_unknown)
        self.by_address: dict[str, Answer] = {}
        self.answer_count: int | None = None
        self.ways = (Way(account=account),)
        self.rate = 0.0
        self.on_silence: Callable[[float], object] = lambda _within_s: None

    @contextmanager
    def sending(self, post: Post) -> Iterator["FakeSending"]:
        yield FakeSending(self, post)

    def per_second(self, _post: Post) -> float:
        return self.rate

    def take_all(self, post: Post, parcels: Sequence[Parcel]) -> list[tuple[str, Receipt | SendError]]:
        self._called([parcel.key for parcel in parcels])
        outcomes = [(parcel.key, self._outcome(post, parcel)) for parcel in parcels]
        return outcomes[: self.answer_count]

    def read_receipt(
        self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> DeliveryReceipt:
        said = json.loads(body) if body else dict(query)
        return DeliveryReceipt(key=said["key"], state=ReceiptState(said["state"]), code=said.get("code", ""))

    @property
    def addresses(self) -> list[str]:
        return [taken.address for taken in self.ledger]

    def _outcome(self, post: Post, parcel: Parcel) -> Receipt | SendError:
        answer = self.by_address.get(parcel.address) or self._next()
        try:
            return self._answer(post, parcel.key, parcel.address, answer)
        except SendError as error:
            return error


class FakeSending:
    """Everything that is put has its outcome at once."""

    def __init__(self, gateway: FakeGateway, post: Post) -> None:
        self._gateway, self._post = gateway, post
        self._outcomes: list[tuple[str, Receipt | SendError]] = []

    def put(self, parcels: Sequence[Parcel]) -> None:
        self._outcomes += self._gateway.take_all(self._post, parcels)

    def take(self, within_s: float) -> list[tuple[str, Receipt | SendError]]:
        found, self._outcomes = self._outcomes, []
        if within_s and not found:
            self._gateway.on_silence(within_s)
        return found


class FakeQueryable(FakeGateway):
    """A gateway that can be asked about a key. `readings` are used up first, as of a place that can be read."""

    def __init__(self, account: str) -> None:
        super().__init__(account, after_unknown=AfterUnknown.QUERYABLE)
        self.readings: deque[SendError | None] = deque()
        self.asked: list[str] = []

    def find(self, post: Post, key: str, since: datetime) -> Receipt | None:
        self.asked.append(key)
        if self.readings:
            reading = self.readings.popleft()
            if reading:
                raise reading
            return None
        return Receipt(platform_id=f"sms-{key}") if key in self.keys else None


class FakeDeduplicating(FakeGateway):
    """A gateway that does not send again what it has the key of; after `forget()` it has none."""

    deduplicates_for_s = 60.0

    def __init__(self, account: str) -> None:
        super().__init__(account, after_unknown=AfterUnknown.DEDUPLICATING)
        self._remembered: set[str] = set()

    def forget(self) -> None:
        self._remembered.clear()

    def _answer(self, post: Post, key: str, address: str, answer: Answer | None) -> Receipt:
        if key in self._remembered:
            if isinstance(answer, Took):
                raise answer.error
            return Receipt(platform_id=f"sms-{key}")
        if not isinstance(answer, BaseException):
            self._remembered.add(key)
        return super()._answer(post, key, address, answer)


class FakeClock:
    """Goes on like any clock, and jumps when told to. `monotonic` is a process's own, which jumps along; `on_look` runs
    whenever a process looks at it."""

    def __init__(self) -> None:
        self.on_look: Callable[[], object] = lambda: None
        self._start, self._since, self._pace = datetime.now(UTC), time.monotonic(), 1.0
        self._ahead = 0.0

    def __call__(self, _connection: Connection) -> datetime:
        return self._start + timedelta(seconds=self._passed_s())

    def monotonic(self) -> float:
        self.on_look()
        return self._passed_s()

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def slow_down(self, times: float) -> None:
        """For what must not become due by the machine being slow."""
        self._ahead, self._since = self._passed_s(), time.monotonic()
        self._pace = 1 / times

    def _passed_s(self) -> float:
        return self._ahead + (time.monotonic() - self._since) * self._pace


class RecordingBells:
    """Remembers each ring; `on_ring` sees the world as it is at that moment."""

    def __init__(self) -> None:
        self.rung: list[tuple[Any, ...]] = []
        self.on_ring: Callable[[], object] = lambda: None

    def ring(self, mode: str, lane: Lane, wanted: int = 1) -> None:
        self.rung.append(("ring", mode, lane, wanted))
        self.on_ring()

    def plan(self, broadcast_id: int, mode: str) -> None:
        self.rung.append(("plan", broadcast_id, mode))
        self.on_ring()
