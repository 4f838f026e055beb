"""Counts of what the stand-ins took, kept as it happens, so that a million texts can be counted in no time."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from channels.sandbox.faults import PLATFORMS


class Counted(Protocol):
    """What the tally looks at in a ledger entry."""

    @property
    def platform(self) -> str: ...
    @property
    def accepted(self) -> bool: ...
    @property
    def recipient(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def at(self) -> str: ...


@dataclass(slots=True)
class Count:
    """`recipients` and `seen` hold hashes: 8 bytes stand for a number and its text."""

    requests: int = 0
    accepted: int = 0
    duplicates: int = 0
    recipients: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    latest: Counted | None = None

    def add(self, entry: Counted) -> None:
        self.requests += 1
        if not entry.accepted:
            return
        self.latest = entry
        for recipient in entry.recipient.split() or [""]:
            self.accepted += 1
            if recipient:
                self.recipients.add(hash(recipient))
            mark = hash((recipient, entry.text))
            if mark in self.seen:
                self.duplicates += 1
            else:
                self.seen.add(mark)

    def to_json(self) -> dict[str, int]:
        return {
            "requests": self.requests,
            "accepted": self.accepted,
            "recipients_distinct": len(self.recipients),
            "duplicates": self.duplicates,
        }


class Tally:
    """One count per platform. `accepted` counts messages: a request to three numbers counts three."""

    def __init__(self) -> None:
        self._counts = {name: Count() for name in PLATFORMS}

    def __getitem__(self, platform: str) -> Count:
        return self._counts[platform]

    def add(self, entry: Counted) -> None:
        self._counts[entry.platform].add(entry)

    def to_json(self) -> dict[str, Any]:
        return {name: count.to_json() for name, count in self._counts.items()}
