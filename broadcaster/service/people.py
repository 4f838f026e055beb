"""Users and their tokens: who is asking, the first administrator of an empty database, and tokens of one's own.

What changes who may do what goes through `service/proposals.py`, unless the policies say that one administrator is enough.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from broadcaster.db import audit_log, people, tokens
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Known, Person
from broadcaster.db.tokens import Token
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Unavailable
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, Role, Scope, require
from broadcaster.service.rules import Rules

TOKEN_BYTES = 24
TOKEN_PREFIX = "bcr_"  # noqa: S105 - lets secret scanners recognise a leaked token
NAME_LENGTH = 64
USED_EVERY = timedelta(minutes=10)  # so that asking something is not a write each time
SECOND_NEEDED = (
    "This needs a second administrator. Propose it instead, and another one confirms it. Nothing was changed."
)


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """`text` is shown once and never stored."""

    text: str
    person: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"IssuedToken({self.person}, ***)"


class People:
    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    def who(self, token: str | None) -> Person:
        """The user whose token this is. NotAllowed, saying what to do, where it is nobody's."""
        if not token:
            raise NotAllowed(
                "You are not signed in.",
                command="Sign in with `broadcaster login`, or put a token into BROADCASTER_TOKEN.",
            )
        with self._database.read() as tx:
            found = tokens.holder(tx, digest(token))
            now = tx.now()
        if found is None:
            raise NotAllowed(
                "The token is not valid: mistyped, expired or revoked.",
                command="It is the one in BROADCASTER_TOKEN, or of `broadcaster login`: sign in anew with that.",
            )
        person, used_at = found
        if used_at is None or now - used_at >= USED_EVERY:
            self._touch(person)
        return person

    def is_empty(self) -> bool:
        with self._database.read() as tx:
            return people.count(tx) == 0

    def listed(self, actor: Person) -> list[Known]:
        """Every user, disabled ones too, by name."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.read() as tx:
            return people.everybody(tx)

    def add(self, actor: Person | None, *, name: str, roles: Sequence[str]) -> Person:
        """A new user. Nobody (`actor` None) may add only the first one, who must be an administrator."""
        wanted = check_roles(roles)
        check_name(name)
        with self._database.write() as tx:
            if actor is None:
                _require_first(tx, wanted)
            else:
                require(actor.name, actor.roles, Action.MANAGE)
                self._require_alone(tx)
            made = insert_person(tx, name, wanted)
            audit_log.append(
                tx,
                actor=actor.name if actor else "nobody",
                act="user_added",
                subject=name,
                payload={"roles": sorted(wanted)},
            )
        return made

    def issue_token(
        self, actor: Person | None, *, name: str, days: int, label: str = "", scopes: Collection[str] = ()
    ) -> IssuedToken:
        """A new token: for oneself, with a fresh second factor where one is needed; or (`actor` None) the very first
        there is. Empty `scopes` are all that the roles allow."""
        wanted = check_scopes(scopes)
        with self._database.write() as tx:
            owner = people.by_name(tx, name)
            if owner is None:
                raise NotFound(f'There is no user "{name}".{did_you_mean(name, people.names(tx))}')
            if actor is None:
                if tokens.any_at_all(tx):
                    raise NotAllowed(
                        "Only an administrator may issue tokens.", command="Sign in with `broadcaster login`."
                    )
            elif actor.id == owner.id:
                self._rules.require_fresh(tx, actor)
                wanted = _no_wider(actor, wanted)
            else:
                require(actor.name, actor.roles, Action.MANAGE)
                self._require_alone(tx)
            issued = insert_token(tx, owner, days=days, label=label, scopes=wanted)
            audit_log.append(
                tx,
                actor=actor.name if actor else "nobody",
                act="token_issued",
                subject=name,
                payload=told_of_token(issued, label, wanted),
            )
        return issued

    def tokens(self, actor: Person, *, of: str = "") -> list[Token]:
        """Those that can be used: one's own, or, by an administrator, those of another or (`of` "*") of everybody."""
        if of not in ("", actor.name):
            require(actor.name, actor.roles, Action.MANAGE)
        with self._database.read() as tx:
            if of == "*":
                return tokens.good(tx)
            known = people.known(tx, of or actor.name)
            if known is None:
                raise NotFound(f'There is no user "{of}".{did_you_mean(of, people.names(tx))}')
            return tokens.good(tx, person_id=known.person.id)

    def revoke_token(self, actor: Person, token_id: int) -> Token:
        """One's own, or by an administrator anybody's. At once and alone: one that leaked can not wait for a second
        person, and whose it was only signs in again."""
        with self._database.write() as tx:
            found = tokens.good(tx, token_id=token_id)
            if not found or (found[0].person != actor.name and not _manages(actor)):
                raise NotFound(
                    f"You have no token {token_id} that can be used.", command="See: broadcaster token list"
                )
            if not tokens.revoke(tx, token_id):
                raise NotFound(f"Token {token_id} was revoked already. Nothing was changed.")
            audit_log.append(
                tx,
                actor=actor.name,
                act="token_revoked",
                subject=found[0].person,
                payload={"token": token_id, "name": found[0].name},
            )
        return found[0]

    def sign_out(self, actor: Person) -> None:
        """The token that asks is good for nothing any more."""
        with self._database.write() as tx:
            if actor.token_id is not None and tokens.revoke(tx, actor.token_id):
                audit_log.append(tx, actor=actor.name, act="signed_out", subject=actor.name)

    def _require_alone(self, tx: Tx) -> None:
        if self._rules.needs_second_administrator(tx):
            raise NotAllowed(SECOND_NEEDED)

    def _touch(self, person: Person) -> None:
        """Whoever only reads can do so while nothing can be written."""
        assert person.token_id is not None
        with suppress(Unavailable), self._database.write() as tx:
            tokens.touch(tx, person.token_id)


# --- within a transaction, here and in proposals ------------------------------------------------------------


def insert_person(tx: Tx, name: str, roles: frozenset[str]) -> Person:
    """Invalid where somebody has, or had, that name."""
    if name in people.names(tx):
        raise Invalid(f'There is a user "{name}" already. Choose another name. Nothing was changed.')
    return people.insert(tx, name=name, roles=roles)


def insert_token(tx: Tx, owner: Person, *, days: int, label: str, scopes: Collection[str]) -> IssuedToken:
    text, sha256 = new_token()
    expires_at = tx.now() + timedelta(days=days)
    tokens.insert(
        tx,
        person_id=owner.id,
        sha256=sha256,
        expires_at=expires_at,
        name=label[:NAME_LENGTH],
        scopes=sorted(scopes),
    )
    return IssuedToken(text=text, person=owner.name, expires_at=expires_at)


def told_of_token(issued: IssuedToken, label: str, scopes: Collection[str]) -> dict[str, str | list[str]]:
    told: dict[str, str | list[str]] = {"expires": issued.expires_at.isoformat(timespec="seconds")}
    if label:
        told["name"] = label[:NAME_LENGTH]
    return {**told, "scopes": sorted(scopes)} if scopes else told


def new_token() -> tuple[str, str]:
    """Its text, and all that is stored of it."""
    text = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    return text, digest(text)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def check_roles(given: Sequence[str]) -> frozenset[str]:
    known = {str(role) for role in Role}
    problems = [f'"{role}" is not a role.{did_you_mean(role, known)}' for role in given if role not in known]
    if problems or not given:
        raise Invalid(
            "The roles cannot be used.",
            details=tuple(problems or ["Give at least one."]),
            command="Give each with --role.",
        )
    return frozenset(given)


def check_scopes(given: Collection[str]) -> frozenset[str]:
    known = {str(scope) for scope in Scope}
    problems = [f'"{each}" is not a scope.{did_you_mean(each, known)}' for each in given if each not in known]
    if problems:
        raise Invalid("The scopes cannot be used.", details=tuple(problems))
    return frozenset(given)


def check_name(name: str) -> None:
    allowed = name and len(name) <= NAME_LENGTH and all(c.isalnum() or c in ".-_" for c in name)
    if not allowed:
        raise Invalid(
            f'"{name}" cannot be a user name. Use 1 to {NAME_LENGTH} letters, digits, dots, dashes.'
        )


def _no_wider(actor: Person, scopes: frozenset[str]) -> frozenset[str]:
    """A token that was narrowed makes no wider one."""
    own = getattr(actor.roles, "scopes", None)
    if own is None:
        return scopes
    if not own:
        raise NotAllowed("Finish signing in first. Nothing was changed.")
    return frozenset(own & scopes if scopes else own)


def _require_first(tx: Tx, wanted: frozenset[str]) -> None:
    tx.alone("people")  # two at once would both find nobody
    if people.count(tx):
        raise NotAllowed(
            "Only an administrator may add users.",
            command="Sign in with `broadcaster login`, as an administrator.",
        )
    if Role.ADMINISTRATOR not in wanted:
        raise Invalid(
            "The first user must be an administrator. Nothing was changed.",
            command="Add: --role administrator",
        )


def _manages(actor: Person) -> bool:
    try:
        require(actor.name, actor.roles, Action.MANAGE)
    except NotAllowed:
        return False
    return True
