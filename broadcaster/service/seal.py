"""Sealing the audit log: what was written gets its place in the tree, and a signed checkpoint says so.

One sealer at a time does so; any number may run. What this process knows of the tree is only a memory of the database's.
"""

from collections.abc import Sequence
from contextlib import ExitStack

import structlog

from broadcaster.audit import notes
from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import SealKey, Signer
from broadcaster.db import audit_log
from broadcaster.db.audit_log import Checkpoint
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.audit import AuditEvent, event_leaf
from broadcaster.domain.canonical import Json
from broadcaster.domain.policy import Action, require
from broadcaster.domain.tree import Frontier
from broadcaster.service.alarms import raise_alarm
from broadcaster.service.findings import Finding

log = structlog.get_logger()

MOST_AT_ONCE = 2_500  # events under one checkpoint
ALTERED = (
    "The record of who did what was altered in the database: {what}. Keep the database as it is, have the log "
    "checked, which names the first event that nobody can trust, and tell the auditor."
)


class Seal:
    def __init__(self, database: Database, key: SealKey, folder: AnchorFolder) -> None:
        self._database = database
        self._key = key
        self._folder = folder
        self._published = ""  # the public key that stands in the folder
        self._tree = Frontier()
        self._compared = False  # with what was signed last

    def seal(self) -> int:
        """Everything that is written by now. How many events; Unavailable where the database is away."""
        total = 0
        while done := self._seal_some():
            total += done
            if done < MOST_AT_ONCE:
                break
        return total

    def change_key(self, actor: Person) -> str:
        """From the next checkpoint on, another key: the public half of it. That checkpoint, under the present key, names it,
        so that who trusts the present one can trust the next. Safe to call again before that."""
        require(actor.name, actor.roles, Action.MANAGE)
        following = self._key.prepare()
        payload: Json = {"from": self._key.load_or_create().public, "to": following.public}
        with ExitStack() as undo:
            undo.callback(self._key.discard)
            with self._database.write() as tx:
                audit_log.append(tx, actor=actor.name, act="seal_key_change_ordered", payload=payload)
            undo.pop_all()  # it is recorded
        return following.public

    def key_changes(self) -> bool:
        """The next key is laid out and not in use yet."""
        return self._key.next() is not None

    def _seal_some(self) -> int:
        with self._database.read() as tx:  # a look that finds nothing makes nobody wait
            if not audit_log.unsealed(tx, limit=1) and not self._key.next():
                return 0
            self._tree = self._brought_up_to_date(
                tx
            )  # and who starts reads a whole log, beside whoever seals
        with self._database.write() as tx:
            tx.alone("sealer")
            tree = self._brought_up_to_date(tx)
            if tree.size and not self._compared:
                self._compare(tx, tree)
            waiting = audit_log.unsealed(tx, limit=MOST_AT_ONCE)
            if waiting:
                _place(tx, tree, waiting)
            changed = self._sign(tx, tree) if waiting or self._key.next() else False
        self._tree, self._compared = tree, True  # committed: before, it was only a wish
        if changed:
            self._key.change()
            log.warning("seal_key_changed", key=self._key.load_or_create().public)
        return len(waiting)

    def _brought_up_to_date(self, tx: Tx) -> Frontier:
        """The tree as the database has it: others may have sealed, or a backup may have been restored."""
        tree = self._tree.copy()
        if tree.size > audit_log.size(tx):
            tree, self._compared = Frontier(), False
        for leaf in audit_log.leaves(tx, after=tree.size):
            tree.append(_as_bytes(leaf))
        return tree

    def _compare(self, tx: Tx, tree: Frontier) -> None:
        """A sealer that starts looks whether the tree is the one that was signed last. It goes on in any case: what
        happens from here on deserves its seal too, and the earlier checkpoints still tell where the tree was altered."""
        last = audit_log.last_checkpoints(tx)
        what = "the last checkpoint is missing or cannot be read"
        try:
            if last and notes.size_and_root(last[0].note) == (tree.size, tree.root()):
                return
            if last:
                what = f"its {tree.size:,} events are not those of the last checkpoint"
        except ValueError:
            pass
        log.error("audit_log_altered", events=tree.size)
        finding = Finding(
            code=AlarmCode.AUDIT_LOG_ALTERED, subject="audit log", text=ALTERED.format(what=what)
        )
        raise_alarm(tx, finding)

    def _sign(self, tx: Tx, tree: Frontier) -> bool:
        """True where this checkpoint names the next key, which is to be used from now on."""
        last = audit_log.last_checkpoints(tx)
        if last and last[0].size == tree.size:
            return _names(last[0].note, self._key.next())
        signer, following = self._key.load_or_create(), self._key.next()
        self._publish(signer.public)
        note = notes.checkpoint(
            signer,
            size=tree.size,
            root=tree.root(),
            at=tx.now(),
            previous=last[0].note if last else "",
            next_key=following.public if following else "",
        )
        audit_log.add_checkpoint(tx, Checkpoint(size=tree.size, note=note))
        return following is not None

    def _publish(self, key: str) -> None:
        """Whoever checks a log needs its key: it lies with the checkpoints, as soon as the first of them is signed."""
        if key != self._published:
            try:
                self._folder.add_key(key)
                self._published = key
            except OSError as error:  # sealing must go on; the next checkpoint tries again
                log.error("key_not_laid_down", error=error.strerror)  # noqa: TRY400 - the place is known


def _place(tx: Tx, tree: Frontier, waiting: Sequence[AuditEvent]) -> None:
    places = []
    for event in waiting:
        leaf = event_leaf(event)
        tree.append(leaf)
        places.append((event.id, tree.size, leaf.hex()))
    audit_log.seal(tx, places)


def _names(note: str, following: Signer | None) -> bool:
    """It was signed, and this process died before it took the key that it names."""
    return following is not None and f"\nnext-key {following.public}\n" in note


def _as_bytes(leaf: str | None) -> bytes:
    """A leaf that is no hash any more still takes its place: the root tells."""
    try:
        return bytes.fromhex(leaf or "")
    except ValueError:
        return b""
