"""What an officer promised or forgot: the next update that is due, and the end of a message that nobody has spoken of."""

from broadcaster.db import audit_log, broadcasts, messages, reminders
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.errors import Stale
from broadcaster.domain.policy import Action, require, require_reason


class Reminders:
    def __init__(self, database: Database) -> None:
        self._database = database

    def let_end(self, actor: Person, ref: str, reason: str) -> None:
        """This message may end without another word: nobody is reminded of it any more."""
        require(actor.name, actor.roles, Action.WRITE)
        require_reason(reason)
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            sent = broadcasts.by_message(tx, row.id)
            if sent is None:
                raise Stale(f"{row.ref} is {row.state}: nothing of it was sent, so nothing of it ends.")
            if reminders.is_answered(tx, sent.id):
                raise Stale(f"Somebody has decided that {row.ref} may end. Nothing was changed.")
            reminders.answer(tx, sent.id, actor.id, reason.strip())
            payload = {"broadcast": sent.uid, "reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="message_let_end", subject=row.ref, payload=payload)
