"""Passwords, codes and passkeys of users, none of them readable: hashed, sealed, or public keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import challenge, passkey, password, recovery_code, totp, totp_begun

P, T, B, R, C = passkey.c, totp.c, totp_begun.c, recovery_code.c, challenge.c


@dataclass(frozen=True, kw_only=True)
class Totp:
    id: int
    secret_sealed: bytes
    created_at: datetime
    confirmed_at: datetime | None
    used_at: datetime | None
    last_step: int


@dataclass(frozen=True, kw_only=True)
class Passkey:
    id: int
    uid: str
    person_id: int
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    transports: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None


# --- passwords --------------------------------------------------------------------------------------------


def password_hash(tx: Tx, person_id: int) -> str:
    """Nothing where the user has none."""
    query = select(password.c.hash).where(password.c.person_id == person_id)
    return tx.execute(query).scalar_one_or_none() or ""


def set_password(tx: Tx, person_id: int, hash_: str) -> None:
    values = {"hash": hash_, "set_at": tx.now()}
    tx.add_missing(password, {"person_id": person_id, **values})
    tx.execute(update(password).where(password.c.person_id == person_id).values(values))


def rehash(tx: Tx, person_id: int, before: str, hash_: str) -> None:
    """The same password under newer parameters, unless it was changed meanwhile."""
    c = password.c
    tx.execute(update(password).where(c.person_id == person_id, c.hash == before).values(hash=hash_))


# --- codes of an app --------------------------------------------------------------------------------------


def totp_of(tx: Tx, person_id: int, *, lock: bool = False) -> Totp | None:
    query = select(totp).where(T.person_id == person_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return None
    values = {name: getattr(row, name) for name in Totp.__dataclass_fields__}
    return Totp(**values)


def begun_totp(tx: Tx, person_id: int, holder: str, *, since: datetime) -> bytes | None:
    """The sealed secret of one that this holder began no earlier than that."""
    mine = (B.person_id == person_id) & (B.holder == holder) & (B.created_at > since)
    found: bytes | None = tx.execute(select(B.secret_sealed).where(mine)).scalar_one_or_none()
    return found


def begin_totp(
    tx: Tx, person_id: int, holder: str, *, bound_to: bytes, secret_sealed: bytes, since: datetime
) -> None:
    """In place of what this holder began before; what anybody began before `since` goes too."""
    mine = (B.person_id == person_id) & (B.holder == holder)
    tx.execute(delete(totp_begun).where(mine | (B.created_at <= since)))
    values = {"person_id": person_id, "holder": holder, "bound_to": bound_to, "secret_sealed": secret_sealed}
    tx.insert(totp_begun, {**values, "created_at": tx.now()})


def add_totp(tx: Tx, person_id: int, *, bound_to: bytes, secret_sealed: bytes, step: int) -> bool:
    """One whose code of this step was given. Whatever was begun beside it is over. False where there is one already."""
    tx.execute(delete(totp_begun).where(B.person_id == person_id))
    tx.execute(delete(totp).where(T.person_id == person_id, T.confirmed_at.is_(None)))
    values = {"person_id": person_id, "bound_to": bound_to, "secret_sealed": secret_sealed}
    times = {"created_at": tx.now(), "confirmed_at": tx.now(), "used_at": tx.now()}
    tx.add_missing(totp, {**values, **times, "last_step": step})
    made = totp_of(tx, person_id)
    return made is not None and made.secret_sealed == secret_sealed


def use_step(tx: Tx, totp_id: int, step: int) -> bool:
    """True for the one who comes first with a code of this step."""
    mine = (T.id == totp_id) & (T.last_step < step)
    values = {"last_step": step, "used_at": tx.now(), "confirmed_at": func.coalesce(T.confirmed_at, tx.now())}
    return bool(tx.execute(update(totp).where(mine).values(values)).rowcount)


def remove_totp(tx: Tx, person_id: int) -> bool:
    return bool(tx.execute(delete(totp).where(T.person_id == person_id)).rowcount)


# --- codes on paper ---------------------------------------------------------------------------------------


def set_recovery_codes(tx: Tx, person_id: int, digests: Sequence[str]) -> None:
    """In place of those of before."""
    tx.execute(delete(recovery_code).where(R.person_id == person_id))
    rows = [{"person_id": person_id, "sha256": digest, "created_at": tx.now()} for digest in digests]
    if rows:
        tx.execute(recovery_code.insert(), rows)


def use_recovery_code(tx: Tx, person_id: int, digest: str) -> bool:
    """True for the one who comes first with it."""
    mine = (R.person_id == person_id) & (R.sha256 == digest) & R.used_at.is_(None)
    return bool(tx.execute(update(recovery_code).where(mine).values(used_at=tx.now())).rowcount)


def recovery_codes_left(tx: Tx, person_id: int) -> int:
    query = select(func.count()).where(R.person_id == person_id, R.used_at.is_(None))
    return int(tx.execute(query).scalar_one())


# --- passkeys ---------------------------------------------------------------------------------------------


def add_passkey(
    tx: Tx,
    person_id: int,
    *,
    credential_id: bytes,
    public_key: bytes,
    sign_count: int,
    name: str,
    transports: str,
) -> bool:
    """False where this passkey is there already, this user's or another's."""
    values = {
        "uid": new_uid(),
        "person_id": person_id,
        "credential_id": credential_id,
        "public_key": public_key,
    }
    values |= {"sign_count": sign_count, "name": name, "transports": transports, "created_at": tx.now()}
    if passkey_by_credential(tx, credential_id):
        return False
    tx.add_missing(passkey, values)
    found = passkey_by_credential(tx, credential_id)
    return found is not None and found.uid == values["uid"]


def passkeys_of(tx: Tx, person_id: int) -> list[Passkey]:
    return [
        _passkey(row) for row in tx.execute(select(passkey).where(P.person_id == person_id).order_by(P.id))
    ]


def passkey_by_credential(tx: Tx, credential_id: bytes) -> Passkey | None:
    row = tx.execute(select(passkey).where(P.credential_id == credential_id).with_for_update()).one_or_none()
    return _passkey(row) if row else None


def passkey_used(tx: Tx, passkey_id: int, sign_count: int) -> None:
    tx.execute(update(passkey).where(P.id == passkey_id).values(sign_count=sign_count, used_at=tx.now()))


def remove_passkey(tx: Tx, person_id: int, uid: str) -> str:
    """Its name; nothing where this user has no such passkey."""
    name = tx.execute(select(P.name).where(P.person_id == person_id, P.uid == uid)).scalar_one_or_none()
    tx.execute(delete(passkey).where(P.person_id == person_id, P.uid == uid))
    return name or ""


def remove_all_factors(tx: Tx, person_id: int) -> None:
    for table in (totp, totp_begun, recovery_code, passkey):
        tx.execute(delete(table).where(table.c.person_id == person_id))


def has_factor(tx: Tx, person_id: int) -> bool:
    """A passkey, or an app of which a code was given once. Codes on paper stand in for one of them only."""
    app = select(T.id).where(T.person_id == person_id, T.confirmed_at.is_not(None))
    key = select(P.id).where(P.person_id == person_id)
    return bool(tx.execute(select(or_(app.exists(), key.exists()))).scalar_one())


# --- challenges -------------------------------------------------------------------------------------------


def add_challenge(
    tx: Tx,
    *,
    sha256: str,
    purpose: str,
    lasts: timedelta,
    person_id: int | None = None,
    session_uid: str = "",
) -> None:
    tx.execute(delete(challenge).where(C.expires_at <= tx.now()))
    values = {"sha256": sha256, "purpose": purpose, "person_id": person_id, "session_uid": session_uid}
    tx.insert(challenge, {**values, "expires_at": tx.now() + lasts})


def use_challenge(
    tx: Tx, *, sha256: str, purpose: str, person_id: int | None = None, session_uid: str = ""
) -> bool:
    """True for the one who comes first with it, in time, and for what it was made."""
    mine = (C.sha256 == sha256) & (C.purpose == purpose) & (C.expires_at > tx.now())
    mine &= (C.person_id.is_(None) if person_id is None else C.person_id == person_id) & (
        C.session_uid == session_uid
    )
    return bool(tx.execute(delete(challenge).where(mine)).rowcount)


def _passkey(row: Row[Any]) -> Passkey:
    values = {name: getattr(row, name) for name in Passkey.__dataclass_fields__}
    return Passkey(**{**values, "transports": tuple(row.transports.split())})
