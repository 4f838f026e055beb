"""What follows a message that was sent: for what purpose, and what it does on each platform to what stands there."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from broadcaster.domain.message import Kind
from broadcaster.domain.tongues import ENGLISH, Tongue


class Purpose(StrEnum):
    """Why a message follows another one. A message that follows none has an empty purpose."""

    UPDATE = "update"
    CORRECTION = "correction"
    ALL_CLEAR = "all-clear"
    CANCEL = "cancel"
    SENT_IN_ERROR = "sent-in-error"
    FOUND = "found"  #: the person is found: name and photo come off every channel


#: CAP 1.2 knows two kinds of them.
KIND_OF: Mapping[Purpose, Kind] = {
    Purpose.UPDATE: Kind.UPDATE,
    Purpose.CORRECTION: Kind.UPDATE,
    Purpose.ALL_CLEAR: Kind.CANCEL,
    Purpose.CANCEL: Kind.CANCEL,
    Purpose.SENT_IN_ERROR: Kind.CANCEL,
    Purpose.FOUND: Kind.CANCEL,
}

#: The notice template that words it; the others are written from the template of what they follow.
TEMPLATE_OF: Mapping[Purpose, str] = {
    Purpose.ALL_CLEAR: "all-clear",
    Purpose.SENT_IN_ERROR: "sent-in-error",
    Purpose.FOUND: "person-found",
}

#: What was said before comes down wherever it can, once the new text stands there.
TAKES_DOWN = frozenset({Purpose.SENT_IN_ERROR, Purpose.FOUND})
#: Nobody may be left with what was said before: these go wherever it went.
GOES_EVERYWHERE = frozenset({Purpose.SENT_IN_ERROR, Purpose.FOUND})

IN_WORDS: Mapping[Purpose, str] = {
    Purpose.UPDATE: "Update",
    Purpose.CORRECTION: "Correction",
    Purpose.ALL_CLEAR: "All clear",
    Purpose.CANCEL: "Cancel it",
    Purpose.SENT_IN_ERROR: "Sent in error",
    Purpose.FOUND: "Person found",
}


class Act(StrEnum):
    """What a target's deliveries do. Each but a post is done to what another delivery put there."""

    POST = ""
    REPLY = "reply"  #: a post of its own that answers the one before, or stands alone where that cannot be
    EDIT = "edit"  #: the new text takes the old one's place
    WITHDRAW = "withdraw"  #: what stands there comes down


#: To do these twice is to do them once, so an unknown one is done again.
REPEATABLE = frozenset({Act.EDIT, Act.WITHDRAW})


@dataclass(frozen=True, kw_only=True)
class Follows:
    """The message that another one follows (its row's id), and for what."""

    message_id: int
    purpose: Purpose
    reason: str = ""  #: why what was published comes down, where it does

    @property
    def kind(self) -> Kind:
        return KIND_OF[self.purpose]


def act_for(purpose: Purpose, *, edits: bool, threads: bool) -> Act:
    """What a follow-up's post does on a platform that can do this much.

    Only a correction is written over what it corrects: a wrong text must not stay, and who shared it shows the right
    one now. What is new is a post of its own: nobody is shown an edited post again, so that an update in the place of
    yesterday's warning would reach nobody.
    """
    if purpose is Purpose.CORRECTION and edits:
        return Act.EDIT
    return Act.REPLY if threads else Act.POST


def lead(purpose: Purpose, *, ref: str, at: str, tongue: Tongue = ENGLISH) -> str:
    """The sentence that every text begins with, where it must name what it takes the place of. `at` is a clock time."""
    if purpose is Purpose.CORRECTION:
        return tongue.corrected.format(at=at, ref=ref)
    if purpose is Purpose.CANCEL:
        return tongue.cancelled.format(at=at, ref=ref)
    return ""
