"""Traces of a message's way from the officer's click to the platform's answer. Off unless an address is set, and then
OpenTelemetry is not even imported. Known to everybody who does a step of that way; it knows nobody.

No context is carried: every process makes the ids of trace and parent out of the message's reference. So a trace goes
through the database, needs no column there, and no header of ours goes to a platform, where it would be a stranger's.
What a span may say is the list of parameters of `span`: no text, no number and no name has a place in it.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from broadcaster.domain.errors import Invalid

REF = re.compile(r"[0-9A-Z]{6}")
COMPOSE, APPROVE = "compose", "approve"
#: A step's parent where no step of the same message is in hand in this thread. What is not named follows the approval.
FOLLOWS: Mapping[str, str] = {COMPOSE: "", "edit": COMPOSE, "submit": COMPOSE, APPROVE: COMPOSE}
#: Steps that others follow, in other processes: the ids of their spans are made, too. Each happens once.
FOUNDING = frozenset({COMPOSE, APPROVE})
LACKING = (
    "BROADCASTER_TRACES_URL is set and OpenTelemetry is not installed. Take the setting away, or install it: "
    "pip install 'crisis-broadcaster[tracing]'"
)

Value = str | int
P = ParamSpec("P")


class Traces(Protocol):
    """Where spans go. `parent` is 0 for none, `own` is 0 for any; `began` is in nanoseconds, 0 for now."""

    def span(
        self, name: str, *, trace: int, parent: int, own: int, began: int, attributes: Mapping[str, Value]
    ) -> AbstractContextManager[None]: ...

    def close(self) -> None: ...


class OfMessage(Protocol):
    @property
    def ref(self) -> str: ...


R = TypeVar("R", bound=OfMessage)

_NOTHING = nullcontext()
_traces: list[Traces] = []  # the one in use, or none
_in_hand: ContextVar[str] = ContextVar("in_hand", default="")


@contextmanager
def tracing(process: str, url: str) -> Iterator[None]:
    """While this process runs, its spans go to this address; nowhere where there is none. Invalid where the extra that is
    needed is not installed: who sets an address and gets no traces would search for the reason in the wrong place."""
    if not url:
        yield
        return
    try:
        from broadcaster.tracing_otlp import Otlp, exporter  # noqa: PLC0415 - paid for only where it is wanted
    except ImportError as error:
        raise Invalid(LACKING) from error
    with to(Otlp(process, exporter(url))):
        yield


@contextmanager
def to(traces: Traces) -> Iterator[None]:
    """Spans go there for a while."""
    before = _traces[:]
    _traces[:] = [traces]
    try:
        yield
    finally:
        _traces[:] = before
        traces.close()


def now() -> int:
    """For `began`: 0 where nobody traces."""
    return time.time_ns() if _traces else 0


def span(
    name: str,
    ref: str = "",
    *,
    began: int = 0,
    mode: str = "",
    lane: str = "",
    channel: str = "",
    batch: int = 0,
    group: int = 0,
    size: int = 0,
) -> AbstractContextManager[None]:
    """Around one step of the message with this reference; without one, of the message in hand in this thread. `began` is
    for one of which it is known only afterwards that it was a step: `claim` knows the message once it has claimed."""
    if not _traces:
        return _NOTHING
    ref = ref or _in_hand.get()
    if not REF.fullmatch(ref):
        return _NOTHING
    told: dict[str, Value] = {
        "mode": mode,
        "lane": lane,
        "channel": channel,
        "batch": batch,
        "group": group,
        "size": size,
    }
    known = {
        f"broadcaster.{key}": value for key, value in {"ref": ref, **told}.items() if value not in {"", 0}
    }
    return _step(name, ref, began, known)


@contextmanager
def _step(name: str, ref: str, began: int, told: Mapping[str, Value]) -> Iterator[None]:
    parent = FOLLOWS.get(name, APPROVE)
    before = _in_hand.set(ref)
    try:
        with _traces[0].span(
            name,
            trace=trace_id(ref),
            parent=span_id(parent, ref) if parent else 0,
            own=span_id(name, ref) if name in FOUNDING else 0,
            began=began,
            attributes=told,
        ):
            yield
    finally:
        _in_hand.reset(before)


def traced(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A use case as a step of the message that it returns something of. One that is refused is no step."""

    def around(act: Callable[P, R]) -> Callable[P, R]:
        @wraps(act)
        def told(*args: P.args, **kwargs: P.kwargs) -> R:
            began = now()
            made = act(*args, **kwargs)
            with span(name, made.ref, began=began):
                return made

        return told

    return around


def trace_id(ref: str) -> int:
    """Of all that happens to one message, whoever does it. A hash: samplers take the last half of an id for chance."""
    return _hash(f"trace {ref}", 16)


def span_id(step: str, ref: str) -> int:
    return _hash(f"{step} {ref}", 8)


def _hash(text: str, size: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size]) or 1  # 0 is no id
