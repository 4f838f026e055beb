"""How often one token may ask: so many requests in a minute, however many web processes answer them.

Each process takes a twentieth of a minute's requests at a time out of the database, and counts those down by itself: asking
something is no write each time, and the sum over all processes never passes what is allowed.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from broadcaster.db import paces
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.errors import TryLater

SHARE = 20
MOST_TOKENS = 10_000


@dataclass(kw_only=True)
class _Lease:
    """`left` requests until `until`, by this process's own clock. None left and `used_up`: nor anywhere else."""

    left: int
    until: float
    used_up: bool


class Pacing:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._vault = vault
        self._per_minute = per_minute
        self._clock = clock
        self._leases: dict[int, _Lease] = {}
        self._lock = Lock()

    def count(self, asking: Person) -> None:
        """One request of a token. TryLater where its minute is used up. Without a limit, or a token, nothing is counted."""
        if not self._per_minute or asking.token_id is None:
            return
        with self._lock:
            if self._counted(asking.token_id):
                return
        taken = self._take(asking.token_id)
        with self._lock:
            self._forget_old()
            self._leases[asking.token_id] = taken
            self._counted(asking.token_id)

    def _counted(self, token_id: int) -> bool:
        """False where it must be asked for more."""
        lease = self._leases.get(token_id)
        if lease is None or self._clock() >= lease.until:
            return False
        if lease.used_up and not lease.left:
            self._refuse(lease)
        if not lease.left:
            return False
        lease.left -= 1
        return True

    def _take(self, token_id: int) -> _Lease:
        wanted = -(-self._per_minute // SHARE)
        mark = self._vault.index(f"pace\0{token_id}")
        with self._database.write() as tx:
            taken = paces.take(tx, mark, wanted=wanted, most=self._per_minute)
            remaining_s = (taken.until - tx.now()).total_seconds()
        return _Lease(left=taken.count, until=self._clock() + remaining_s, used_up=taken.count < wanted)

    def _refuse(self, lease: _Lease) -> None:
        waits = max(1, math.ceil(lease.until - self._clock()))
        raise TryLater(
            f"This token has asked {self._per_minute:,} times in a minute, which is the most. The next request is answered in "
            f"{waits} seconds. Nothing was changed.",
            retry_after_s=waits,
        )

    def _forget_old(self) -> None:
        if len(self._leases) >= MOST_TOKENS:
            now = self._clock()
            self._leases = {key: each for key, each in self._leases.items() if each.until > now}
