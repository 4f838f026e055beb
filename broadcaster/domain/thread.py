"""A thread: one post in several parts, each a delivery of its own. Whose turn it is, and when nobody's ever will be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from broadcaster.domain.delivery import ARRIVED, DeliveryState
from broadcaster.domain.post import Post


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part as it stands; `no` counts from 1. `platform_id` is empty where none is known."""

    no: int
    state: DeliveryState
    platform_id: str
    next_at: datetime


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The part that comes next, and the platform's id of the part that it answers, empty for the first."""

    no: int
    in_reply_to: str
    at: datetime

    def part_of(self, post: Post) -> Post:
        return post.part(self.no, in_reply_to=self.in_reply_to)


class NoTurn(StrEnum):
    """Why no part may be sent now."""

    WAITS = "waits"  #: what became of the part before is being looked into
    MISSING = "missing"  #: the part before is not there to be answered, as far as anybody knows
    OVER = "over"  #: no part is left


def whose_turn(parts: Sequence[Part]) -> Turn | NoTurn:
    """The first part that waits, in their order, if the part before it is surely there.

    A part that goes out too early cannot be called back, and would stand before its readers without its beginning.
    """
    before: Part | None = None
    for part in parts:
        if part.state is DeliveryState.PENDING:
            return _after(before, part)
        before = part
    return NoTurn.OVER


def _after(before: Part | None, part: Part) -> Turn | NoTurn:
    if before is None:
        return Turn(no=part.no, in_reply_to="", at=part.next_at)
    if before.state is DeliveryState.UNKNOWN:
        return NoTurn.WAITS
    if before.state not in ARRIVED or not before.platform_id:
        return NoTurn.MISSING
    return Turn(no=part.no, in_reply_to=before.platform_id, at=part.next_at)


def id_in(address: str) -> str:
    """The platform's id at the end of a post's address (x.com/NAME/status/1234...), empty where there is none.

    Only digits: a name in its place would be taken for an id, and nothing could answer it.
    """
    path = [each for each in urlsplit(address).path.split("/") if each]
    return path[-1] if path and path[-1].isascii() and path[-1].isdecimal() else ""
