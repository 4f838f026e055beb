"""What happened in the night, as it happens and in the words of somebody who tells it."""

import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO


@dataclass
class Timeline:
    """Seconds are counted from when it was made."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    began: float = field(default_factory=time.monotonic)

    @property
    def now_s(self) -> float:
        return time.monotonic() - self.began

    def tell(self, who: str, what: str) -> float:
        """A line, at this moment. The moment, in seconds."""
        at = self.now_s
        clock = datetime.now(UTC).strftime("%H:%M:%S")
        print(f"{stamp(at)}  {clock} UTC  {who:<13}  {what}", file=self.out, flush=True)
        return at

    def say(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)


def stamp(at_s: float) -> str:
    """Minutes and seconds into the night: 02:07.4"""
    return f"{int(at_s // 60):02}:{at_s % 60:04.1f}"
