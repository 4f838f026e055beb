"""The delays between failed tries to sign in: per name and place, per place, per name, and for everybody together."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from broadcaster.db import brakes
from broadcaster.db.brakes import Brake
from broadcaster.db.engine import Tx
from broadcaster.db.vault import Vault
from broadcaster.domain.errors import TryLater
from broadcaster.domain.identity import (
    EVERYBODY,
    FORGOTTEN_AFTER,
    KNOWN_PLACE_LASTS,
    PER_FACTOR,
    PER_NAME,
    PER_NAME_AND_PLACE,
    PER_PLACE,
    Pace,
)

DELETED_AT_ONCE = 500


class Held(NamedTuple):
    """One brake that a try goes by."""

    mark: bytes
    pace: Pace
    brake: Brake


class Try(NamedTuple):
    """A try that was counted as failed before it was looked at: many at once would otherwise all be the first."""

    held: tuple[Held, ...]
    of_name: int  # how many failed for this name lately, this one too

    @property
    def own(self) -> Held:
        return self.held[0]


class Braking:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def place(self, address: str) -> str:
        """What the audit log says of an address: the same for the same, and nobody can tell which."""
        return self._mark("place", address).hex()[:12] if address else ""

    def password_try(self, tx: Tx, name: str, address: str) -> Try:
        """Counted, or TryLater. From a place this name was signed in from, only what failed there counts."""
        own = self._held(tx, PER_NAME_AND_PLACE, "name and place", name, address)
        place = self._held(tx, PER_PLACE, "of place", address)
        of_name = self._held(tx, PER_NAME, "name", name)
        everybody = self._held(tx, EVERYBODY, "everybody")
        known = own.brake.good_at is not None and tx.now() - own.brake.good_at < KNOWN_PLACE_LASTS
        counted = (own, place, of_name, everybody)
        return self._count(tx, counted, heeded=[own] if known else counted)

    def factor_try(self, tx: Tx, person_uid: str) -> Try:
        held = self._held(tx, PER_FACTOR, "factor", person_uid)
        return self._count(tx, (held,), heeded=[held])

    def was_right(self, tx: Tx, made: Try) -> None:
        """It had been counted as a failure. What this person failed at here is forgotten; what others did is not."""
        for held in made.held:
            brakes.forgive(tx, held.mark, held.brake, all_of_it=held is made.own)

    def got_in(self, tx: Tx, made: Try) -> None:
        """All the way in: the place is known from now on."""
        brakes.got_in(tx, made.own.mark)

    def place_known(self, tx: Tx, name: str, address: str) -> None:
        """The same for whoever came in by a passkey or an invitation."""
        held = self._held(tx, PER_NAME_AND_PLACE, "name and place", name, address)
        brakes.got_in(tx, held.mark)

    def wipe_old(self, tx: Tx) -> bool:
        return brakes.delete_old(tx, kept=KNOWN_PLACE_LASTS, limit=DELETED_AT_ONCE) == DELETED_AT_ONCE

    def _count(self, tx: Tx, counted: Sequence[Held], *, heeded: Sequence[Held]) -> Try:
        if waits := max(self._waits(tx, heeded), default=0):
            raise TryLater(
                f"Too many tries have failed. The next one is looked at in {waits} seconds. "
                "A passkey can be used at any time.",
                retry_after_s=waits,
            )
        for mark, pace, brake in counted:
            failures = brake.failures + 1
            brakes.failed(tx, mark, failures=failures, wait_s=pace.wait_s(failures))
        of_name = counted[2] if len(counted) > 2 else counted[0]
        return Try(held=tuple(counted), of_name=of_name.brake.failures + 1)

    def _waits(self, tx: Tx, heeded: Sequence[Held]) -> Iterator[int]:
        for held in heeded:
            until = held.brake.blocked_until
            if until and until > tx.now():
                yield -((tx.now() - until) // timedelta(seconds=1))

    def _held(self, tx: Tx, pace: Pace, *words: str) -> Held:
        mark = self._mark(*words)
        return Held(mark, pace, brakes.read(tx, mark, forgotten_after=FORGOTTEN_AFTER))

    def _mark(self, *words: str) -> bytes:
        return self._vault.index("\0".join(("brake", *words)))
