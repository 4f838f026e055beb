"""Changing the data key: every stored number is sealed anew, chunk by chunk, while everything goes on.

Only the half that seals is changed. The half that indexes stays, since approved audiences are digests over it, and
opt-outs are found by it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from broadcaster.db import audit_log, resealing
from broadcaster.db.engine import Database, Tx
from broadcaster.db.key_files import DataKeyFiles, keys_held
from broadcaster.db.people import Person
from broadcaster.db.resealing import Place, Sealed
from broadcaster.db.vault import Vault
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Stale
from broadcaster.domain.policy import Action, require

CHUNK = 2_000  # rows per transaction: others never wait long for a write
IMPORTING = (
    "An audience is being imported, or its import broke off. {} Wait for the import, or import that audience again, "
    "then run broadcaster key rotate again."
)


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """`resumed` where an earlier run had begun it. `unreadable` rows match no key, and were left as they are."""

    numbers: int
    resealed: int
    unreadable: int
    resumed: bool
    fingerprint: str


class Keys:
    """`path` is the data key's file."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path

    def rotate(self, actor: Person, *, on_progress: Callable[[int], None] = lambda _done: None) -> Rotated:
        """Safe to be killed at any point and run again: until the last number is sealed anew, both keys are kept.

        Stale where an import is under way; Unavailable while a backup is being made.
        """
        require(actor.name, actor.roles, Action.MANAGE)
        files = DataKeyFiles(self._path)
        with keys_held(self._path.parent):
            resumed = files.changing
            with self._database.write() as tx:
                self._refuse_imports(tx, "Nothing was changed.")
                audit_log.append(tx, actor=actor.name, act="data_key_change_begun")
            files.begin()
            first = found = self._pass(on_progress)
            while found.resealed:  # somebody may have added to what a pass had gone by
                found = self._pass(on_progress)
            done = Rotated(
                numbers=found.numbers,
                resealed=first.resealed,
                unreadable=found.unreadable,
                resumed=resumed,
                fingerprint=files.fingerprint,
            )
            return self._finish(actor, files, done)

    def _pass(self, on_progress: Callable[[int], None]) -> "_Pass":
        """Every row once, in chunks."""
        vault, new = Vault.at(self._path), Vault(self._path.read_bytes())
        done = _Pass()
        for place in resealing.PLACES:
            self._pass_over(place, vault, new, done, on_progress)
        return done

    def _pass_over(
        self, place: Place, vault: Vault, new: Vault, done: "_Pass", on_progress: Callable[[int], None]
    ) -> None:
        after_id = 0
        while True:
            with self._database.write() as tx:
                rows = resealing.some(tx, place, after_id=after_id, limit=CHUNK)
                again = list(_sealed_anew(rows, vault, new, done))
                if again:
                    resealing.put_back(tx, place, again)
            if not rows:
                return
            after_id = rows[-1].id
            on_progress(done.numbers)

    def _finish(self, actor: Person, files: DataKeyFiles, done: Rotated) -> Rotated:
        """Nothing needs the old key any more, and it goes."""
        with self._database.write() as tx:
            self._refuse_imports(tx, "Both keys are kept.")
            payload: dict[str, Json] = {"numbers": done.numbers, "key": done.fingerprint}
            payload |= {"unreadable": done.unreadable}
            audit_log.append(tx, actor=actor.name, act="data_key_changed", payload=payload)
        files.end()
        return done

    def _refuse_imports(self, tx: Tx, meanwhile: str) -> None:
        """A process that began to import before the change may still write what it has sealed."""
        if resealing.importing(tx):
            raise Stale(IMPORTING.format(meanwhile))


@dataclass(kw_only=True)
class _Pass:
    """What one pass over all rows has found."""

    numbers: int = 0
    resealed: int = 0
    unreadable: int = 0


def _sealed_anew(rows: Sequence[Sealed], vault: Vault, new: Vault, done: _Pass) -> Iterator[Sealed]:
    """Those that the new key alone does not open, under it. Erased rows hold nothing."""
    for row in rows:
        done.numbers += 1
        if not row.sealed or _opened(new, row) is not None:
            continue
        number = _opened(vault, row)
        if number is None:
            done.unreadable += 1
        else:
            done.resealed += 1
            yield Sealed(id=row.id, index=row.index, sealed=new.seal(number, row.index))


def _opened(vault: Vault, row: Sealed) -> str | None:
    try:
        return vault.open(row.sealed, row.index)
    except ValueError:
        return None
