"""Storm mode: one switch holds everything routine, so that urgent work has all workers and the public hears one thing at a time."""

from datetime import timedelta
from enum import StrEnum

from broadcaster.domain.broadcast import OnUnknown
from broadcaster.domain.message import Kind

#: Nobody sits through a storm for longer without asking whether it is over: a switch that was forgotten holds what is due.
FORGOTTEN_AFTER = timedelta(hours=12)
#: While it is on, accounts are checked so often: a platform that stops answering must be known before it is needed.
PROBE_EVERY = timedelta(seconds=30)


class Held(StrEnum):
    """How a broadcast stands towards storm mode."""

    FREE = ""  #: nothing holds it
    HELD = "held"  #: nothing of it is begun until a person decides, also when storm mode is over
    LET_GO = "let_go"  #: a person decided that it goes on, whatever the weather


class Decision(StrEnum):
    """What becomes of something that was held."""

    GO_ON = "go-on"
    CHANGE = "change"  #: it is stopped, and its officer writes it anew
    DROP = "drop"


def is_routine(*, on_unknown: str, kind: str, follows_urgent: bool) -> bool:
    """Whether storm mode holds it. Never what lives may depend on (those are resent once when nothing proves the first),
    never what takes something back, and never what goes on about what people were warned of urgently: an all-clear is
    minor by itself, and whoever waits for it in a cellar would wait until somebody looked at a list."""
    return not (on_unknown == OnUnknown.RESEND_ONCE or kind == Kind.CANCEL or follows_urgent)
