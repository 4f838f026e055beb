"""Quiet hours of routine texts: asked in the transaction that is about to send, and said before anybody hands a message over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Tx
from broadcaster.domain.broadcast import OnUnknown, is_life_safety
from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.message import Facts
from broadcaster.domain.quiet import QuietHours
from broadcaster.domain.times import time_in_words
from channels.base import Channel, KeepsQuiet, SendsMany

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """`whole` is for every account that says nothing else."""

    whole: QuietHours = field(default_factory=QuietHours)
    zone: ZoneInfo = UTC

    def hold(self, tx: Tx, row: Broadcast, channel: Channel | None) -> datetime | None:
        """Until when texts of this broadcast wait now. None where they may go: life-safety always may."""
        if (
            row.on_unknown == OnUnknown.RESEND_ONCE or channel is None
        ):  # what the manifest says of a matter of life
            return None
        return self.of(channel).until(tx.now(), self.zone)

    def of(self, channel: Channel) -> QuietHours:
        if not isinstance(channel, SendsMany):
            return QuietHours()  # who looks at a public post is awake
        own = channel.quiet_hours if isinstance(channel, KeepsQuiet) else None
        return self.whole if own is None else own

    def findings(
        self, now: datetime, facts: Facts, accounts: Sequence[str], configured: Mapping[str, Channel]
    ) -> Iterator[Finding]:
        """What the officer is to know before handing it over; a problem where the texts would come too late."""
        if is_life_safety(facts.severity, facts.urgency):
            return
        for name in accounts:
            until = self.of(configured[name]).until(now, self.zone) if name in configured else None
            if until is None:
                continue
            where, when = f"quiet hours ({name})", time_in_words(until.astimezone(self.zone))
            if facts.expires_at <= until:
                text = f"its texts would wait until {when}, and it ends before that. Give a later end, or leave the texts out."
                yield Finding(code="quiet_too_late", level=Level.PROBLEM, text=text, where=where)
            else:
                text = f"Sent now, its texts wait until {when}. Public posts go at once."
                yield Finding(code="quiet_hours", level=Level.WARNING, text=text, where=where)
