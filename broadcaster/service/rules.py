"""When a second factor and a second administrator are needed: the policies that people chose, asked in one place."""

from collections.abc import Callable, Collection
from datetime import timedelta

from broadcaster.db import credentials, first_live, people, proposals, sso, tokens
from broadcaster.db.engine import Tx
from broadcaster.db.people import Person
from broadcaster.domain.errors import FactorWanted, NotAllowed
from broadcaster.domain.identity import SWITCHES, Switch, needs_factor
from broadcaster.domain.message import Mode

WANTED = "This needs your second factor, given in the last {minutes} minutes. Nothing was changed."
WANTED_COMMAND = (
    "On the command line: add --code and a code of your app, or sign in anew with broadcaster login. "
    "If you have no second factor yet: broadcaster factor add."
)
FIRST = (
    "This would be your first live message, and something is to be done before it. Nothing was changed. If it cannot wait, "
    "somebody who has done it can take this over."
)
READ_IT = "Read the policy and say so: it stands under your name in the console."
FIRST_COMMAND = (
    "At a terminal the policy is read by broadcaster policy read, and then broadcaster policy acknowledge."
)
EXERCISE_IT = (
    "Take part in one exercise that is sent: write and hand over, or approve, a message in the mode exercise."
)


class Rules:
    """`is_sandbox` says whether every live account is a stand-in on this machine: nothing can leave it then, and neither
    policy applies. It is asked each time, so one real account is enough to end that."""

    def __init__(self, *, is_sandbox: Callable[[], bool], fresh_minutes: int) -> None:
        self.is_sandbox = is_sandbox
        self.fresh_for = timedelta(minutes=fresh_minutes)

    def switch(self, tx: Tx, switch: Switch) -> str:
        return proposals.switches(tx).get(switch, SWITCHES[switch][0])

    def needs_second_administrator(self, tx: Tx) -> bool:
        return self.switch(tx, Switch.SECOND_ADMINISTRATOR) == "on" and not self.is_sandbox()

    def is_only_administrator(self, tx: Tx, actor: Person) -> bool:
        """The only one who could act: whoever never took up the invitation cannot confirm anything."""
        others = [p for p in people.administrators(tx) if p.id != actor.id]
        return not any(can_act(tx, other) for other in others)

    def waits_for_invitation(self, tx: Tx, name: str) -> bool:
        """An administrator who was added, and has nothing to sign in with yet."""
        return any(p.name == name and not can_act(tx, p) for p in people.administrators(tx))

    def needs_factor(self, tx: Tx, roles: Collection[str]) -> bool:
        of_all = self.switch(tx, Switch.SECOND_FACTOR) == "all"
        return needs_factor(roles, of_all=of_all) and not self.is_sandbox()

    def is_fresh(self, tx: Tx, actor: Person) -> bool:
        return actor.factor_at is not None and tx.now() - actor.factor_at <= self.fresh_for

    def require_fresh(self, tx: Tx, actor: Person, mode: Mode = Mode.LIVE) -> None:
        """FactorWanted unless the second factor was given a short while ago, where the user's roles need one. In an
        exercise nothing is asked for: it reaches nobody."""
        if mode is not Mode.LIVE or self.is_fresh(tx, actor) or not self.needs_factor(tx, actor.roles):
            return
        raise FactorWanted(
            WANTED.format(minutes=self.fresh_for // timedelta(minutes=1)), command=WANTED_COMMAND
        )

    def asks_before_first_live(self, tx: Tx) -> bool:
        return self.switch(tx, Switch.FIRST_LIVE) == "on" and not self.is_sandbox()

    def before_first_live(self, tx: Tx, actor: Person) -> tuple[str, ...]:
        """What this person still lacks before a first live message, each with how to do it; nothing for who has sent one,
        so that no new text of the policy ever holds up a warning by somebody who knows the trade."""
        if not self.asks_before_first_live(tx) or first_live.has_taken_part(tx, actor.id, Mode.LIVE):
            return ()
        text, lacking = first_live.text_in_force(tx), []
        if text and not first_live.has_read(tx, actor.id, text.id):
            lacking.append(READ_IT)
        if not first_live.has_taken_part(tx, actor.id, Mode.EXERCISE):
            lacking.append(EXERCISE_IT)
        return tuple(lacking)

    def require_first_live(self, tx: Tx, actor: Person, mode: Mode) -> None:
        """NotAllowed, with what is lacking, where this is live and this person has never been part of a live message."""
        if mode is Mode.LIVE and (lacking := self.before_first_live(tx, actor)):
            raise NotAllowed(FIRST, details=lacking, command=FIRST_COMMAND if READ_IT in lacking else "")


def can_act(tx: Tx, person: Person) -> bool:
    return bool(
        credentials.password_hash(tx, person.id)
        or tokens.good(tx, person_id=person.id)
        or sso.is_linked(tx, person.id)
    )
