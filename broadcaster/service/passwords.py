"""Setting a password: one's own, with the old one, or with an invitation. Nobody ever sees, or sets, somebody else's."""

import hashlib
import secrets
from collections.abc import Sequence

import pyotp
from argon2 import PasswordHasher

from broadcaster.db import audit_log, credentials, people, proposals, sessions
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound
from broadcaster.domain.identity import INVITATION_LASTS
from broadcaster.domain.passwords import check_password
from broadcaster.service.factors import bound_to, require_all_in
from broadcaster.service.hashing import Hashing
from broadcaster.service.rules import Rules
from broadcaster.service.sessions import Opened, Sessions
from broadcaster.service.sign_in import SignIn

INVITATION_PREFIX = "bci_"
INVITATION_BYTES = 24
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
GONE = "This invitation is not good any more: it was used, or is too old. Ask an administrator for a new one."


class Passwords:
    """`known` are names that everybody here knows: no password is made of them."""

    def __init__(
        self,
        database: Database,
        sign_in: SignIn,
        sessions_: Sessions,
        hashing: Hashing,
        rules: Rules,
        vault: Vault,
        *,
        known: Sequence[str],
    ) -> None:
        self._database = database
        self._sign_in = sign_in
        self._sessions = sessions_
        self._hashing = hashing
        self._rules = rules
        self._vault = vault
        self._known = tuple(known)

    def has_one(self, person: Person) -> bool:
        with self._database.read() as tx:
            return bool(credentials.password_hash(tx, person.id))

    def change(self, person: Person, old: str, new: str, *, cookie: str = "") -> Opened | None:
        """One's own. Every other session ends; the one of `cookie` gets another cookie.

        Who has none yet, since he was a user before there were passwords, sets the first one without an old one.
        """
        require_all_in(person)
        check_password(new, known=(person.name, *self._known))
        if self.has_one(person) and not self._sign_in.check_password(person, old):
            raise NotAllowed("The old password is not right. Nothing was changed.")
        made = self._hashing.hash(new)
        with self._database.write() as tx:
            opened = None
            if cookie:
                opened = self._sessions.renew(tx, self._sessions.locked(tx, cookie), cookie)
            self._set(tx, person, made, but=opened.session.uid if opened else "")
            audit_log.append(tx, actor=person.name, act="password_changed", subject=person.name)
        return opened

    def invited(self, invitation: str) -> str:
        """The name of the user whose invitation this is. NotFound where it is not good."""
        with self._database.read() as tx:
            return self._invited(tx, invitation).name

    def accept(self, invitation: str, new: str, *, address: str = "", agent: str = "") -> Opened:
        """An invitation is used up: the user's password is this from now on, and every session of before ends."""
        check_password(new, known=(self.invited(invitation), *self._known))
        made = self._hashing.hash(new)
        with self._database.write() as tx:
            person = self._invited(tx, invitation)
            if not proposals.use_invitation(tx, invitation_digest(invitation)):
                raise NotFound(GONE)
            self._set(tx, person, made, but="")
            opened = self._sessions.open(tx, person, address=address, agent=agent)
            audit_log.append(tx, actor=person.name, act="invitation_accepted", subject=person.name)
        return opened

    def give_in_sandbox(self, name: str, password: str, secret: str) -> None:
        """To a made-up user of a sandbox: its password and its app's secret lie beside it in a file. NotAllowed anywhere
        else."""
        if not self._rules.is_sandbox():
            raise NotAllowed("Only the users of a sandbox are given a password. Nothing was changed.")
        made = CHEAP.hash(password)  # whoever could read the hash can read the password
        with self._database.write() as tx:
            person = people.by_name(tx, name)
            if person is None or credentials.password_hash(tx, person.id):
                raise Invalid(f'There is no user "{name}" without a password. Nothing was changed.')
            credentials.set_password(tx, person.id, made)
            sealed = self._vault.seal(secret, bound_to(person))
            credentials.add_totp(tx, person.id, bound_to=bound_to(person), secret_sealed=sealed, step=0)
            audit_log.append(tx, actor="nobody", act="sandbox_user_prepared", subject=name)

    def _invited(self, tx: Tx, invitation: str) -> Person:
        found = proposals.invited(tx, invitation_digest(invitation))
        person = people.by_id(tx, found) if found else None
        if person is None or people.by_uid(tx, person.uid) is None:
            raise NotFound(GONE)
        return person

    def _set(self, tx: Tx, person: Person, hash_: str, *, but: str) -> None:
        credentials.set_password(tx, person.id, hash_)
        sessions.end_all(tx, "password changed", person_id=person.id, but=but)


def new_sandbox_secrets() -> tuple[str, str]:
    """A password and the secret of an app."""
    return secrets.token_urlsafe(12), pyotp.random_base32()


def code_now(secret: str) -> str:
    """The code that an app with this secret shows now."""
    return pyotp.TOTP(secret).now()


def new_invitation() -> tuple[str, str]:
    """Its text, and all that is stored of it."""
    text = INVITATION_PREFIX + secrets.token_urlsafe(INVITATION_BYTES)
    return text, invitation_digest(text)


def invitation_digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()


def invite(tx: Tx, person: Person, by: Person) -> str:
    """An invitation for this user, in place of those of before."""
    text, sha256 = new_invitation()
    proposals.invite(tx, person_id=person.id, sha256=sha256, by=by.id, lasts=INVITATION_LASTS)
    return text
