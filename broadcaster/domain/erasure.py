"""Erasing a person from the audiences: what stays of the number, what is told before and after, and the reason's form.

It knows no database. Numbers come in here to be compared, and never go out: at most their last three digits do.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broadcaster.domain.errors import Invalid

SALT_BYTES = 16
DIGITS_SHOWN = 3
DIGITS_THAT_TELL = 6  # so many of a number in a row, at its end, and a reason names the person
KEPT_OUT = "kept_out"  # the reason of a suppression that stays when all else of a person is erased


def mark(index: bytes, salt: bytes) -> bytes:
    """What a version's digest holds of a number: SHA-256 of its salt and its keyed index, as long as the index.

    The salt is 16 random bytes of this one row. Once it is gone, nobody can tell any more which number the mark was made
    of, not even with the data key and the number in hand: so the mark may stay, and the digest can still be computed.
    """
    return hashlib.sha256(salt + index).digest()[: len(index)]


def ending(number: str) -> str:
    """The last three digits: enough to notice a slip of the finger, too little to know the person by."""
    return number[-DIGITS_SHOWN:]


def check_reason(reason: str, number: str) -> None:
    """Invalid where there is none, or where it holds the number: it goes into the audit log, which forgets nothing."""
    if not reason.strip():
        raise Invalid(
            "Give a reason, such as the reference of the person's request: the auditor needs it. Nothing was erased."
        )
    if number[-DIGITS_THAT_TELL:] in re.sub(r"\D", "", reason):
        raise Invalid(
            "The reason holds the number, and it would stay in the audit log for good. Give the reference of the "
            "request instead, without name or number. Nothing was erased."
        )


@dataclass(frozen=True, kw_only=True)
class Membership:
    """One audience that holds a number, and the numbers of the versions that do."""

    audience: str
    versions: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class OptOut:
    """`purpose` is empty for all purposes. `reason` is `kept_out` where a person was erased and stays out of imports."""

    purpose: str
    reason: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is known of a number. `deliveries` counts by state those of broadcasts of the last `days` days, `written` the
    messages that came from it and are still kept. `held` tells where a legal hold keeps it from being erased."""

    ending: str
    audiences: tuple[Membership, ...]
    opt_outs: tuple[OptOut, ...]
    written: int
    deliveries: Mapping[str, int]
    days: int
    held: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        return bool(self.audiences or self.opt_outs or self.written)

    @property
    def versions(self) -> int:
        return sum(len(each.versions) for each in self.audiences)


@dataclass(frozen=True, kw_only=True)
class Erased:
    """How much was erased: from so many audience versions, so many opt-outs, and so many messages that came from the
    number. `kept_out`: the keyed index stays. `held`: where a legal hold keeps the number, such as "residents, version 2"."""

    ending: str
    versions: int
    opt_outs: int
    written: int
    kept_out: bool
    held: tuple[str, ...] = ()
