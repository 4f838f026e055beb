"""The policy that staff read before their first live message: its versions, saying that one has read it, what one lacks.

When it is asked for is a rule and stands with the others, in `service/rules.py`.
"""

import hashlib
from dataclasses import dataclass

from broadcaster.db import audit_log, first_live
from broadcaster.db.engine import Database, Tx
from broadcaster.db.first_live import PolicyText
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Action, require
from broadcaster.service.rules import Rules

LONGEST = 20_000
NONE_YET = "There is no policy to read yet. An administrator writes it, under Manage, Policy to read."


@dataclass(frozen=True, kw_only=True)
class FirstLiveSteps:
    """What somebody has done before a first live message. `asked` tells whether anything is asked at all, `lacking` what is
    still to do."""

    asked: bool
    text: PolicyText | None
    has_read: bool
    has_exercised: bool
    has_sent: bool
    lacking: tuple[str, ...]


class FirstLive:
    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    def of(self, actor: Person) -> FirstLiveSteps:
        """Where this person stands."""
        with self._database.read() as tx:
            return self._standing(tx, actor)

    def lacking(self, actor: Person) -> tuple[str, ...]:
        """What somebody who writes or approves has still to do; nothing for everybody else."""
        if not {"officer", "approver"} & set(actor.roles):
            return ()
        with self._database.read() as tx:
            return self._rules.before_first_live(tx, actor)

    def texts(self) -> list[PolicyText]:
        """The newest first."""
        with self._database.read() as tx:
            return first_live.texts(tx)

    def write(self, actor: Person, words: str) -> PolicyText:
        """The policy's next version. Those who have sent something live are not held up by it; others read it first."""
        require(actor.name, actor.roles, Action.MANAGE)
        words = words.replace("\r\n", "\n").strip()
        if not words:
            raise Invalid("Write the policy: what staff are to know before they send. Nothing was changed.")
        if len(words) > LONGEST:
            raise Invalid(
                f"That is longer than {LONGEST:,} characters, and nobody reads it. Nothing was changed."
            )
        digest = hashlib.sha256(words.encode()).hexdigest()
        with self._database.write() as tx:
            tx.alone("policy text")
            before = first_live.text_in_force(tx)
            if before and before.sha256 == digest:
                raise Stale("That is the policy already, word for word. Nothing was changed.")
            no = before.no + 1 if before else 1
            first_live.add_text(tx, no=no, words=words, sha256=digest, author_id=actor.id)
            payload: dict[str, Json] = {"version": no, "sha256": digest}
            audit_log.append(tx, actor=actor.name, act="policy_text_set", payload=payload)
            made = first_live.text_in_force(tx)
        assert made
        return made

    def acknowledge(self, actor: Person, no: int) -> PolicyText:
        """This person has read this version. Stale where another one is in force meanwhile, or he has said so before."""
        require(actor.name, actor.roles, Action.ANSWER)
        with self._database.write() as tx:
            tx.alone("policy text")
            text = first_live.text_in_force(tx)
            if text is None:
                raise NotFound(NONE_YET)
            if text.no != no:
                raise Stale(
                    f"The policy has changed meanwhile: version {text.no} counts now. Read it. Nothing was changed."
                )
            if first_live.has_read(tx, actor.id, text.id):
                raise Stale(f"You have said before that you read version {no}. Nothing was changed.")
            first_live.set_read(tx, actor.id, text.id)
            payload: dict[str, Json] = {"version": no, "sha256": text.sha256}
            audit_log.append(tx, actor=actor.name, act="policy_acknowledged", payload=payload)
        return text

    def _standing(self, tx: Tx, actor: Person) -> FirstLiveSteps:
        text = first_live.text_in_force(tx)
        return FirstLiveSteps(
            asked=self._rules.asks_before_first_live(tx),
            text=text,
            has_read=bool(text and first_live.has_read(tx, actor.id, text.id)),
            has_exercised=first_live.has_taken_part(tx, actor.id, Mode.EXERCISE),
            has_sent=first_live.has_taken_part(tx, actor.id, Mode.LIVE),
            lacking=self._rules.before_first_live(tx, actor),
        )
