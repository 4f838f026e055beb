"""Users and their tokens: who is asking, and the first administrator of an empty database."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from broadcaster.db import audit_log, people
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, Role, require

TOKEN_BYTES = 24
TOKEN_PREFIX = "bcr_"  # noqa: S105 - lets secret scanners recognise a leaked token
NAME_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """`text` is shown once and never stored."""

    text: str
    person: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"IssuedToken({self.person}, ***)"


class People:
    def __init__(self, database: Database) -> None:
        self._database = database

    def who(self, token: str | None) -> Person:
        """The user whose token this is. NotAllowed, saying what to do, where it is nobody's."""
        if not token:
            raise NotAllowed(
                "You are not signed in. Put your token into BROADCASTER_TOKEN; "
                "an administrator gives one with `broadcaster token issue NAME`."
            )
        with self._database.read() as tx:
            found = people.by_token(tx, _digest(token))
        if found is None:
            raise NotAllowed(
                "The token in BROADCASTER_TOKEN is not valid: mistyped, expired or revoked. "
                "Ask an administrator for a new one."
            )
        return found

    def is_empty(self) -> bool:
        with self._database.read() as tx:
            return people.count(tx) == 0

    def add(self, actor: Person | None, *, name: str, roles: list[str]) -> Person:
        """A new user. Nobody (`actor` None) may add only the first one, who must be an administrator."""
        wanted = _roles(roles)
        _check_name(name)
        with self._database.write() as tx:
            _may_add(tx, actor, wanted)
            if name in people.names(tx):
                raise Invalid(f'There is a user "{name}" already. Choose another name. Nothing was changed.')
            made = people.insert(tx, name=name, roles=wanted)
            audit_log.append(
                tx,
                actor=actor.name if actor else "nobody",
                act="user_added",
                subject=name,
                payload={"roles": sorted(wanted)},
            )
        return made

    def issue_token(self, actor: Person | None, *, name: str, days: int) -> IssuedToken:
        """A new token for a user: by an administrator, by the user, or (`actor` None) the very first token there is."""
        with self._database.write() as tx:
            owner = people.by_name(tx, name)
            if owner is None:
                raise NotFound(f'There is no user "{name}".{did_you_mean(name, people.names(tx))}')
            if actor is None:
                if people.any_token(tx):
                    raise NotAllowed(
                        "Only an administrator may issue tokens. Put your token into BROADCASTER_TOKEN."
                    )
            elif actor.id != owner.id:
                require(actor.name, actor.roles, Action.MANAGE)
            text = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
            expires_at = tx.now() + timedelta(days=days)
            people.insert_token(tx, person_id=owner.id, sha256=_digest(text), expires_at=expires_at)
            audit_log.append(
                tx,
                actor=actor.name if actor else "nobody",
                act="token_issued",
                subject=name,
                payload={"expires": expires_at.isoformat(timespec="seconds")},
            )
        return IssuedToken(text=text, person=name, expires_at=expires_at)


def _may_add(tx: Tx, actor: Person | None, wanted: frozenset[str]) -> None:
    if actor is not None:
        require(actor.name, actor.roles, Action.MANAGE)
        return
    tx.alone("people")  # two at once would both find nobody
    if people.count(tx):
        raise NotAllowed(
            "Only an administrator may add users. Put an administrator's token into BROADCASTER_TOKEN."
        )
    if Role.ADMINISTRATOR not in wanted:
        raise Invalid(
            "The first user must be an administrator: add --role administrator. Nothing was changed."
        )


def _roles(given: list[str]) -> frozenset[str]:
    known = {str(role) for role in Role}
    problems = [f'"{role}" is not a role.{did_you_mean(role, known)}' for role in given if role not in known]
    if problems or not given:
        raise Invalid(
            "The roles cannot be used.", details=tuple(problems or ["Give at least one with --role."])
        )
    return frozenset(given)


def _check_name(name: str) -> None:
    allowed = name and len(name) <= NAME_LENGTH and all(c.isalnum() or c in ".-_" for c in name)
    if not allowed:
        raise Invalid(
            f'"{name}" cannot be a user name. Use 1 to {NAME_LENGTH} letters, digits, dots, dashes.'
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
