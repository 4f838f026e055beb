"""What the sections measure, as plain values: the page and the bars are made of nothing else."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

ONE, MANY = "one recipient a request", "many recipients a request"
DATABASES = {"postgres": "PostgreSQL", "sqlite": "SQLite"}
USUAL_S = 0.005  # of the gateway and of the stand-ins, where one latency stands for all
TENTH = 10

AnyRow = TypeVar("AnyRow")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How large everything is to be. `tell` says what begins, for whoever watches."""

    recipients: int
    workers: int
    in_flight: int
    databases: Sequence[str]
    latencies_s: Sequence[float]
    tell: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What one broadcast took, in seconds from the moment of approving; `memory_mb` is the largest process's peak."""

    recipients: int
    approved_s: float
    planned_s: float
    sent_s: float
    memory_mb: int
    sealed_s: float

    @property
    def rate(self) -> float:
        return self.recipients / self.sent_s


@dataclass(frozen=True, kw_only=True)
class Alone:
    """One part by itself, in `what` a second: a client in one process, or the stub gateway."""

    who: str
    gateway: str
    rate: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One measurement: recipients per second of the product, of its client alone and of its database work alone."""

    database: str
    gateway: str
    latency_s: float
    recipients: int
    workers: int
    in_flight: int
    client: float
    records: float
    sent: Sent

    @property
    def ratio(self) -> float:
        """Of the smaller of the two that it is made of."""
        return self.sent.rate / min(self.client, self.records)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One broadcast of many sizes, or by many workers."""

    database: str
    workers: int
    sent: Sent


@dataclass(frozen=True, kw_only=True)
class Posts:
    """Public messages, each to the website, Facebook and X: seconds from approving to the first of its three posts that was
    accepted and recorded, and to the last. `beside` is how many texts were going out (0: none), and still were when `within` of
    the messages had all their posts out."""

    database: str
    beside: int
    within: int
    first_s: Sequence[float]
    last_s: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Sealed:
    database: str
    events: int
    seconds: float
    memory_mb: int

    @property
    def rate(self) -> float:
        return self.events / self.seconds


@dataclass(frozen=True, kw_only=True)
class Verified:
    """An export of so many events, checked by the stand-alone program. Writing it took `export_s`."""

    database: str
    events: int
    file_mb: int
    export_s: float
    export_mb: int
    seconds: float
    memory_mb: int


@dataclass(kw_only=True)
class Found:
    """Everything that was measured, in its order; and what broke off, in words."""

    rows: list[object] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def of(self, kind: type[AnyRow]) -> list[AnyRow]:
        return [row for row in self.rows if isinstance(row, kind)]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of these, of which there are some, that at least this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def biggest_and_its_tenth(runs: Sequence[Run]) -> tuple[Run, Run] | None:
    """The largest broadcast of these, and the one of a tenth of its size."""
    by_size = {run.sent.recipients: run for run in runs}
    if not by_size:
        return None
    biggest = by_size[max(by_size)]
    tenth = by_size.get(biggest.sent.recipients // TENTH)
    return (biggest, tenth) if tenth else None
