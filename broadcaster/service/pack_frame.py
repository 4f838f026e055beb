"""What the chapters of an inquiry pack have in common: one message's record, its times and its events as rows."""

from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_told import payload_of
from broadcaster.domain.audit_words import sentence
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.paper import NOT_RECORDED, Block, table
from broadcaster.service.board import Board, Place
from broadcaster.service.pack_known import Known

ACCEPTED_IS_NOT_READ = (
    "Accepted means that a platform or a gateway took it. Delivered means that a network reported it as handed to a phone. "
    "Neither means that anybody read it: who read it, and who understood it, nobody can record."
)


class Frame:
    """`zone` is the one in which every time stands."""

    def __init__(self, known: Known, board: Board, zone: ZoneInfo) -> None:
        self._known = known
        self._board = board
        self._zone = zone

    def _events(self, acts: frozenset[str], title: str, nothing: str) -> Block:
        rows = [self._row(e) for e in self._known.events if e.act in acts]
        return table(title, ("When", "Event", "What"), rows, parts=(4, 2, 11), numbers=(1,), nothing=nothing)

    def _row(self, event: AuditEvent) -> tuple[str, str, str]:
        return row_of(event, self._zone)

    def _totals(self) -> dict[DeliveryState, int]:
        return {s: n for s in DeliveryState if (n := sum(p.states.get(s, 0) for p in self._board.places))}

    def _at(self, moment: datetime | str | None) -> str:
        return in_full(moment, self._zone)


def row_of(event: AuditEvent, zone: ZoneInfo) -> tuple[str, str, str]:
    said, reason = sentence(event), payload_of(event.payload).get("reason")
    why = f" Reason given: {reason}" if isinstance(reason, str) and reason and reason not in said else ""
    return (in_full(event.at, zone), f"{event.no:,}" if event.no else "not sealed", f"{said}{why}")


def in_full(moment: datetime | str | None, zone: ZoneInfo) -> str:
    """To the second; what is stored itself where it is no time."""
    try:
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        return str(moment)
    if at is None:
        return NOT_RECORDED
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M:%S}"


def place_of(place: Place) -> str:
    return f"{place.channel} ({place.account})"
