"""The users as an administrator looks at them: with what each can sign in, and who was here lately."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, func, select

from broadcaster.db import people
from broadcaster.db.engine import Tx
from broadcaster.db.people import Known
from broadcaster.db.tables import invitation, passkey, password, session, sso_user, totp


@dataclass(frozen=True, kw_only=True)
class Member:
    """`seen_at` is when a browser of theirs was last here, as long as its session is kept; `invited_until` is None where
    no invitation waits; `sso_since` is None until the first time."""

    known: Known
    has_password: bool
    has_app: bool
    passkeys: int
    seen_at: datetime | None
    invited_until: datetime | None
    sso: bool
    sso_since: datetime | None

    @property
    def name(self) -> str:
        return self.known.person.name

    @property
    def can_sign_in(self) -> bool:
        return self.has_password or self.passkeys > 0 or self.sso


def everybody(tx: Tx) -> list[Member]:
    """By name, the disabled ones too."""
    waiting = (invitation.c.expires_at > tx.now()) & invitation.c.used_at.is_(None)
    passwords = _by_person(tx, password, func.count())
    apps = _by_person(tx, totp, func.count(), totp.c.confirmed_at.is_not(None))
    keys = _by_person(tx, passkey, func.count())
    seen = _by_person(tx, session, func.max(session.c.seen_at))
    by_sso = _by_person(tx, sso_user, func.max(sso_user.c.linked_at))
    invited = _by_person(tx, invitation, func.max(invitation.c.expires_at), waiting)
    return [
        Member(
            known=known,
            has_password=known.person.id in passwords,
            has_app=known.person.id in apps,
            passkeys=keys.get(known.person.id, 0),
            seen_at=seen.get(known.person.id),
            invited_until=invited.get(known.person.id),
            sso=known.person.id in by_sso,
            sso_since=by_sso.get(known.person.id),
        )
        for known in people.everybody(tx)
    ]


def _by_person(
    tx: Tx, table: Table, told: ColumnElement[Any], *only: ColumnElement[bool]
) -> Mapping[int, Any]:
    query = select(table.c.person_id, told.label("told")).where(*only).group_by(table.c.person_id)
    return {row.person_id: row.told for row in tx.execute(query)}
