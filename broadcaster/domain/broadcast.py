"""A broadcast: an approved manifest being sent. Its states, its lanes, and which work is the most urgent."""

from collections.abc import Mapping
from enum import StrEnum

from broadcaster.domain.message import Severity, Urgency


class BroadcastState(StrEnum):
    SENDING = "sending"
    DONE = "done"
    STOPPED = "stopped"
    SUPERSEDED = "superseded"


#: Every change of a broadcast's state that there is.
BROADCAST_TRANSITIONS: Mapping[BroadcastState, frozenset[BroadcastState]] = {
    BroadcastState.SENDING: frozenset(
        {BroadcastState.DONE, BroadcastState.STOPPED, BroadcastState.SUPERSEDED}
    ),
    # a person decides that something unknown is sent again
    BroadcastState.DONE: frozenset({BroadcastState.SENDING}),
    BroadcastState.STOPPED: frozenset(),
    BroadcastState.SUPERSEDED: frozenset(),
}


class Lane(StrEnum):
    """A public post never waits behind text messages."""

    PUBLIC = "public"
    BULK = "bulk"


class BatchState(StrEnum):
    READY = "ready"
    HELD = "held"  #: by storm mode: no worker takes it
    LEASED = "leased"
    DONE = "done"


class OnUnknown(StrEnum):
    """What is done when nothing proves whether the platform took a post. It is in the manifest, so approved too."""

    RESEND_ONCE = "resend_once"
    HOLD = "hold"


_RANK = {
    Severity.EXTREME: 0,
    Severity.SEVERE: 1,
    Severity.MODERATE: 2,
    Severity.MINOR: 3,
    Severity.UNKNOWN: 4,
}


def precedence(severity: Severity) -> int:
    """0 is the most urgent: what a lane takes first."""
    return _RANK[severity]


def is_life_safety(severity: Severity, urgency: Urgency) -> bool:
    """Extreme or severe, and now or soon: lives may depend on it."""
    return severity in {Severity.EXTREME, Severity.SEVERE} and urgency in {
        Urgency.IMMEDIATE,
        Urgency.EXPECTED,
    }


def on_unknown(severity: Severity, urgency: Urgency) -> OnUnknown:
    """Life-safety messages are sent once more when nothing proves the first; others ask the officer."""
    return OnUnknown.RESEND_ONCE if is_life_safety(severity, urgency) else OnUnknown.HOLD
