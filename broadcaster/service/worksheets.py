"""What somebody types is kept as it is typed, good or not: a closed laptop or an ended session loses nothing.

It is nobody else's business and no version of a message, so no event says so; the draft that comes of it is one. Others are
told only that somebody is at it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broadcaster.db import messages, worksheets
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.worksheets import Worksheet
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.policy import Action, require

MOST_CHARS = 100_000
MOST_OF_ONE = 20  # of one person: the oldest go
AT_IT_FOR = timedelta(minutes=10)
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """`others` are those who changed the same message's form lately, and when."""

    uid: str
    changed_at: datetime
    others: tuple[tuple[str, datetime], ...]


class Worksheets:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self,
        actor: Person,
        uid: str,
        *,
        template: str,
        content: Mapping[str, Any],
        ref: str = "",
        base: int = 0,
    ) -> Kept:
        """Keep what the form holds, in the worksheet with this uid or in a new one where it is empty or gone."""
        require(actor.name, actor.roles, Action.WRITE)
        if len(json.dumps(content)) > MOST_CHARS:
            raise Invalid(
                "This is too much text to keep. Make it shorter. What was kept before is still there."
            )
        with self._database.write() as tx:
            message = messages.find(tx, ref) if ref else None
            sheet = worksheets.find(tx, uid, actor.id)
            if sheet is None:
                sheet = worksheets.insert(
                    tx,
                    person_id=actor.id,
                    message_id=message.id if message else None,
                    base=base,
                    template=template,
                    content=content,
                )
                self._keep_few(tx, actor)
            else:
                worksheets.change(tx, sheet, content)
            others = (
                worksheets.of_others(tx, message.id, actor.id, since=tx.now() - AT_IT_FOR) if message else []
            )
            told = tuple((each.person, each.changed_at) for each in others)
            return Kept(uid=sheet.uid, changed_at=tx.now(), others=told)

    def of(self, actor: Person) -> list[Worksheet]:
        """One's own, the one that was changed last first."""
        with self._database.read() as tx:
            return worksheets.of_person(tx, actor.id)

    def find(self, actor: Person, uid: str) -> Worksheet:
        with self._database.read() as tx:
            found = worksheets.find(tx, uid, actor.id)
        if found is None:
            raise NotFound("What was typed there is a draft by now, or was thrown away. See Messages.")
        return found

    def others(self, actor: Person, ref: str) -> list[tuple[str, datetime]]:
        """Who else is changing this message just now, and when each last did."""
        with self._database.read() as tx:
            message = messages.find(tx, ref)
            found = worksheets.of_others(tx, message.id, actor.id, since=tx.now() - AT_IT_FOR)
        return [(each.person, each.changed_at) for each in found]

    def discard(self, actor: Person, uid: str) -> bool:
        with self._database.write() as tx:
            return worksheets.discard(tx, uid, actor.id)

    def wipe_old(self) -> bool:
        with self._database.write() as tx:
            return worksheets.wipe(tx, tx.now() - KEPT_FOR) > 0

    @staticmethod
    def _keep_few(tx: Tx, actor: Person) -> None:
        for each in worksheets.of_person(tx, actor.id)[MOST_OF_ONE:]:
            worksheets.discard(tx, each.uid, actor.id)
