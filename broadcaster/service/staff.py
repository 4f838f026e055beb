"""Who may use this, as an administrator looks at it. What changes it is for `service/proposals.py`."""

from collections.abc import Sequence

from broadcaster.db import people, staff
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.db.staff import Member
from broadcaster.domain.errors import NotFound
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require


class Staff:
    def __init__(self, database: Database) -> None:
        self._database = database

    def everybody(self, actor: Person) -> list[Member]:
        """By name, the disabled ones too."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.read() as tx:
            return staff.everybody(tx)

    def names(self) -> list[str]:
        """Of those who are enabled."""
        with self._database.read() as tx:
            return [known.person.name for known in people.everybody(tx) if known.disabled_at is None]

    def one(self, actor: Person, name: str) -> Member:
        found = {each.name: each for each in self.everybody(actor)}
        if name not in found:
            raise NotFound(f'There is no user "{name}".{did_you_mean(name, found)}')
        return found[name]

    def administrators(self) -> Sequence[str]:
        """Those who are enabled: whom to ask."""
        with self._database.read() as tx:
            return [each.name for each in people.administrators(tx)]
