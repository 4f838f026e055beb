"""What a person who opens the console must see first."""

from dataclasses import dataclass
from datetime import datetime

from broadcaster.db import feed_warnings, home, reminders, unknowns, worksheets
from broadcaster.db.engine import Database
from broadcaster.db.feed_warnings import FeedWarning
from broadcaster.db.home import Begun, InForce, Waiting
from broadcaster.db.people import Person
from broadcaster.db.reminders import Reminder
from broadcaster.db.unknowns import Unknown
from broadcaster.db.worksheets import Worksheet
from broadcaster.domain.policy import Action, require
from broadcaster.service.alarms import Alarms, Watch
from broadcaster.service.rota import Roster, Rota

SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Home:
    """As of `at`. `waiting` are submissions, `warnings` those of watched feeds, `unknowns` deliveries that only a person can decide about, `sheets` what
    this person was typing."""

    at: datetime
    waiting: tuple[Waiting, ...]
    unknowns: tuple[Unknown, ...]
    watch: Watch
    in_force: tuple[InForce, ...]
    drafts: tuple[Begun, ...]
    sheets: tuple[Worksheet, ...]
    rota: Roster
    warnings: tuple[FeedWarning, ...] = ()
    updates_due: tuple[Reminder, ...] = ()
    endings: tuple[Reminder, ...] = ()
    languages_due: tuple[Reminder, ...] = ()

    def waited_s(self, submission: Waiting) -> int:
        return int((self.at - submission.submitted_at).total_seconds())


class Homes:
    def __init__(self, database: Database, alarms: Alarms, rota: Rota) -> None:
        self._database = database
        self._rota = rota
        self._alarms = alarms

    def of(self, actor: Person) -> Home:
        """The same for everybody who may see messages, but for one's own worksheets: who is to act differs, and not what is
        the case."""
        require(actor.name, actor.roles, Action.READ)
        watch, roster = self._alarms.watch(), self._rota.of(actor)
        with self._database.read() as tx:
            return Home(
                at=tx.now(),
                waiting=tuple(home.waiting(tx)),
                unknowns=tuple(unknowns.undecided(tx, limit=SHOWN)),
                watch=watch,
                in_force=tuple(home.in_force(tx, limit=SHOWN)),
                drafts=tuple(home.drafts(tx, limit=SHOWN)),
                sheets=tuple(worksheets.of_person(tx, actor.id)),
                rota=roster,
                warnings=tuple(feed_warnings.waiting(tx)),
                updates_due=tuple(reminders.updates_due(tx)),
                endings=tuple(reminders.endings(tx)),
                languages_due=tuple(reminders.languages_due(tx)),
            )
