"""What goes wrong on an ordinary day: platforms that refuse or fall silent, receipts that come late or often, workers that an
operator starts anew."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import requests

from tests.soak.place import Place
from tests.soak.watching import children_of

#: Some calls meet each, one after the other. Those that are over quickly come first, for a soak of half a minute.
FAULTS: tuple[Mapping[str, Any], ...] = (
    {"platform": "facebook", "kind": "accept_then_500", "count": 1},
    {"platform": "sms", "kind": "503", "count": 20},
    {"platform": "sms", "kind": "429", "count": 20, "retry_after": "3"},
    {"platform": "x", "kind": "accept_then_reset", "count": 1},
    {"platform": "sms", "kind": "accept_then_504", "count": 10},
    {"platform": "facebook", "kind": "503", "count": 2},
    {"platform": "sms", "kind": "delay", "seconds": 1.0, "count": 100},
    {"platform": "x", "kind": "429", "count": 1},  # its window ends in 15 minutes: we wait for five
    {"platform": "x", "kind": "accept_then_silence", "count": 1},
    {"platform": "facebook", "kind": "504", "count": 1},
    {"platform": "sms", "kind": "accept_then_500", "count": 10},
    {"platform": "sms", "kind": "silence", "count": 3},
    {"platform": "facebook", "kind": "accept_then_reset", "count": 1, "on": "upload"},
    {"platform": "sms", "kind": "accept_then_reset", "count": 5},
    {"platform": "sms", "kind": "broken_json", "count": 5},
    {"platform": "x", "kind": "readback_lag", "seconds": 20, "count": 5},
    {"platform": "x", "kind": "broken_json", "count": 1},
    {"platform": "facebook", "kind": "readback_500", "count": 3},
    {"platform": "facebook", "kind": "accept_then_silence", "count": 1},
    {"platform": "sms", "kind": "504", "count": 2},
)
AS_NEW: Mapping[str, Any] = {
    "dlr_delay_s": 0.3,
    "dlr_final": "delivered",
    "dlr_copies": 1,
    "x_posts_per_window": 10_000,
}
RECEIPTS: tuple[Mapping[str, Any], ...] = (
    {**AS_NEW, "dlr_copies": 3},
    AS_NEW,
    {**AS_NEW, "dlr_delay_s": 20.0},
    {**AS_NEW, "dlr_final": "undelivered"},
    AS_NEW,
    {**AS_NEW, "dlr_final": "none"},
)
#: When the workers stand still, so that the pump sends, and for how long: above what it waits for (10 s), below a lease.
STANDSTILL, STANDS_STILL_S = 0.14, 14.0
WORKERS = ("live-public-1", "live-bulk-1", "live-bulk-2")
#: When each process is started anew, as shares of the soak: all but one in its warm-up, so that each of the others lives
#: long enough to be judged.
RESTARTS: tuple[tuple[float, str], ...] = (
    (0.02, "live-public-1"),
    (0.04, "live-bulk-2"),
    (0.06, "sweeper"),
    (0.08, "live-bulk-1"),
    (0.10, "live-pump"),
    (0.12, "sealer"),
    (0.30, "live-bulk-2"),
    (0.55, "live-bulk-2"),
    (0.80, "live-bulk-2"),
)


@dataclass
class Mischief:
    """`done` counts what was done; `restarted` says who was, by process id."""

    place: Place
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    restarted: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._faults: Iterator[Mapping[str, Any]] = cycle(FAULTS)
        self._moods: Iterator[Mapping[str, Any]] = cycle(RECEIPTS)

    def settle(self) -> None:
        """Everybody does as he should again, as at the beginning."""
        self.place.found.clear_faults()
        self._set(AS_NEW)

    def fault(self) -> None:
        order = next(self._faults)
        platform = self.place.gateway if order["platform"] == "sms" else order["platform"]
        self.place.found.fault(**{**order, "platform": platform})
        self.done["faults"] += 1

    def receipts(self) -> None:
        self._set(next(self._moods))
        self.done["ways of receipts"] += 1

    def restart(self, name: str) -> None:
        """As an operator does: told to end, it ends after what it has in hand, and the supervisor starts it anew."""
        if pid := self._ours(name):
            os.kill(pid, signal.SIGTERM)
            self.restarted.append((name, pid))
            self.done["restarts"] += 1

    def stand_still(self, for_s: float, meanwhile: Callable[[], None]) -> None:
        """Nobody takes what is due now but the pump, which does all that workers do. What it loads for that the first time is
        as much as a leak: so that happens while it warms up."""
        stopped = [pid for name in WORKERS if (pid := self._ours(name))]
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            meanwhile()
            time.sleep(for_s)
            self.done["standstills"] += 1
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    def _ours(self, name: str) -> int:
        """Only ever a child of the supervisor that we started; 0 where there is none of that name."""
        pid = self.place.found.processes().get(name, 0)
        return pid if pid in children_of(self.place.found.supervisor.pid) else 0

    def _set(self, settings: Mapping[str, Any]) -> None:
        address = f"{self.place.found.sandbox}/_sandbox/settings"
        requests.post(address, json=dict(settings), timeout=10).raise_for_status()
