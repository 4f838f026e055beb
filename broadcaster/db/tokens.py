"""Tokens: with which programs and the command line say who asks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.people import Person
from broadcaster.db.tables import person, token
from broadcaster.domain.policy import Narrowed

T = token.c


@dataclass(frozen=True, kw_only=True)
class Token:
    id: int
    person: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def insert(
    tx: Tx,
    *,
    person_id: int,
    sha256: str,
    expires_at: datetime,
    name: str = "",
    scopes: Iterable[str] = (),
    factor: str = "",
) -> int:
    """`factor` where the second factor was given for it just now."""
    values = {"person_id": person_id, "sha256": sha256, "created_at": tx.now(), "expires_at": expires_at}
    values |= {"name": name, "scopes": " ".join(scopes)}
    return tx.insert(token, {**values, "factor": factor, "factor_at": tx.now() if factor else None})


def holder(tx: Tx, sha256: str) -> tuple[Person, datetime | None] | None:
    """The user whose token this is, and when it was used last; None where the token has lapsed or was revoked, or the
    user was disabled."""
    query = (
        select(person, T.id.label("token_id"), T.scopes, T.factor, T.factor_at, T.used_at)
        .join(token, T.person_id == person.c.id)
        .where(T.sha256 == sha256, T.expires_at > tx.now())
        .where(T.revoked_at.is_(None), person.c.disabled_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    return (_holder(row), row.used_at) if row else None


def _holder(row: Row[Any]) -> Person:
    found = replace(Person.from_row(row), token_id=row.token_id, factor=row.factor, factor_at=row.factor_at)
    if not row.scopes:
        return found
    why = f"Your token is good for {', '.join(row.scopes.split())} only. Ask for another one."
    return replace(found, roles=Narrowed.to(found.roles, row.scopes.split(), why))


def touch(tx: Tx, token_id: int) -> None:
    tx.execute(update(token).where(T.id == token_id).values(used_at=tx.now()))


def factor_given(tx: Tx, token_id: int, factor: str) -> None:
    tx.execute(update(token).where(T.id == token_id).values(factor=factor, factor_at=tx.now()))


def revoke(tx: Tx, token_id: int) -> bool:
    """False where it was revoked before."""
    mine = (T.id == token_id) & T.revoked_at.is_(None)
    return bool(tx.execute(update(token).where(mine).values(revoked_at=tx.now())).rowcount)


def revoke_all(tx: Tx, person_id: int) -> int:
    mine = (T.person_id == person_id) & T.revoked_at.is_(None) & (T.expires_at > tx.now())
    return tx.execute(update(token).where(mine).values(revoked_at=tx.now())).rowcount


def good(tx: Tx, *, person_id: int | None = None, token_id: int | None = None) -> list[Token]:
    """Those that can still be used, the newest first: of one user, or of all; or one of them."""
    query = select(token, person.c.name.label("of")).join(person, person.c.id == T.person_id)
    query = query.where(T.expires_at > tx.now(), T.revoked_at.is_(None), person.c.disabled_at.is_(None))
    if person_id is not None:
        query = query.where(T.person_id == person_id)
    if token_id is not None:
        query = query.where(T.id == token_id)
    return [_token(row) for row in tx.execute(query.order_by(T.id.desc()))]


def any_at_all(tx: Tx) -> bool:
    """Whether a token has ever been issued, to anybody."""
    return tx.execute(select(T.id).limit(1)).one_or_none() is not None


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        person=row.of,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
