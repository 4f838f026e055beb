"""Signing in: a passkey alone, or a name and a password and then the second factor. Whoever guesses learns nothing, not
even which names there are, and waits longer each time."""

from dataclasses import dataclass
from datetime import timedelta

from broadcaster.db import audit_log, credentials, people, sessions, tokens
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import FactorWanted, NotAllowed
from broadcaster.domain.identity import Factor, Wants
from broadcaster.service.braking import Braking, Try
from broadcaster.service.factors import WRONG, Factors
from broadcaster.service.hashing import Hashing
from broadcaster.service.passkeys import REFUSED, Passkeys
from broadcaster.service.people import IssuedToken, new_token
from broadcaster.service.rules import Rules
from broadcaster.service.sessions import Opened, Sessions, digest

NOT_RIGHT = "The name or the password is not right. Nothing was changed."
TOLD_AT = (5, 50, 500, 5_000)  # failed tries for one name after which the log says so: not one event for each


@dataclass(frozen=True, kw_only=True)
class _Proved:
    person: Person
    made: Try
    hash: str


class SignIn:
    def __init__(
        self,
        database: Database,
        rules: Rules,
        sessions_: Sessions,
        braking: Braking,
        hashing: Hashing,
        factors: Factors,
        passkeys: Passkeys,
        *,
        token_lasts: timedelta,
    ) -> None:
        self._database = database
        self._rules = rules
        self._sessions = sessions_
        self._braking = braking
        self._hashing = hashing
        self._factors = factors
        self._passkeys = passkeys
        self._token_lasts = token_lasts

    # --- in a browser -------------------------------------------------------------------------------------

    def with_password(
        self, name: str, password: str, *, address: str, agent: str = "", cookie: str = ""
    ) -> Opened:
        """A session, which may want a second factor still. `cookie` is what the browser had: that session ends.

        NotAllowed, in the same words and after the same time, whatever was wrong. TryLater after too many tries.
        """
        proved = self._prove(name, password, address)
        with self._database.write() as tx:
            opened = self._open(tx, proved.person, "", address, agent, cookie)
            self._braking.was_right(tx, proved.made)
            if opened.session.wants is not Wants.FACTOR:
                self._arrived(tx, proved.person, "", address, failed=proved.made.of_name - 1)
                self._braking.got_in(tx, proved.made)
        self._refresh(proved, password)
        return opened

    def with_code(self, cookie: str | None, code: str, *, address: str = "") -> Opened:
        """A code of the app or from paper, in a session: the second half of signing in, or once more before something
        that needs it fresh. The session has another cookie from now on."""
        with self._database.write() as tx:
            stored = self._sessions.locked(tx, cookie)
            factor = self._factors.take(tx, stored.person, code)
            if factor:
                opened = self._sessions.renew(tx, stored, cookie or "", factor=factor)
                self._factor_given(tx, stored.person, factor, address, first=stored.factor_at is None)
        if not factor:
            raise NotAllowed(WRONG)
        return opened

    def passkey_options(self, cookie: str | None = None) -> str:
        """JSON for `navigator.credentials.get`. In a session: to give one's factor (once more)."""
        return self._passkeys.options(self._sessions.find(cookie) if cookie else None)

    def with_passkey(self, answer: str, *, address: str, agent: str = "", cookie: str = "") -> Opened:
        """A session that wants nothing more. NotAllowed where the answer is not right."""
        with self._database.write() as tx:
            person = self._passkeys.take(tx, answer)
            if person:
                opened = self._open(tx, person, Factor.PASSKEY, address, agent, cookie)
                self._arrived(tx, person, Factor.PASSKEY, address, failed=0)
                self._braking.place_known(tx, person.name, address)
        if not person:
            raise NotAllowed(REFUSED)
        return opened

    def with_passkey_again(self, cookie: str | None, answer: str, *, address: str = "") -> Opened:
        """As `with_code`, with a passkey."""
        with self._database.write() as tx:
            stored = self._sessions.locked(tx, cookie)
            person = self._passkeys.take(tx, answer, self._sessions.view(tx, stored))
            if person:
                opened = self._sessions.renew(tx, stored, cookie or "", factor=Factor.PASSKEY)
                self._factor_given(tx, person, Factor.PASSKEY, address, first=stored.factor_at is None)
        if not person:
            raise NotAllowed(REFUSED)
        return opened

    # --- on the command line ------------------------------------------------------------------------------

    def with_token(
        self, name: str, password: str, code: str = "", *, place: str, label: str = ""
    ) -> tuple[IssuedToken, Wants]:
        """A token that lasts a shift. FactorWanted where a code is needed and none was given; with it what the token
        still wants: a second factor must be set up before anything live is approved."""
        proved = self._prove(name, password, place)
        person, factor = proved.person, ""
        with self._database.write() as tx:
            self._braking.was_right(tx, proved.made)
            has = credentials.has_factor(tx, person.id)
            if has and code:
                factor = self._factors.take(tx, person, code)
            needs = not has and self._rules.needs_factor(tx, person.roles)
            if not has or factor:
                expires_at = tx.now() + self._token_lasts
                text, sha256 = new_token()
                values = {"name": label[:64], "factor": factor}
                tokens.insert(tx, person_id=person.id, sha256=sha256, expires_at=expires_at, **values)
                self._arrived(tx, person, factor, place, failed=proved.made.of_name - 1)
                self._braking.got_in(tx, proved.made)
        if has and not code:
            raise FactorWanted(
                "A code of your authenticator app is needed too.", command="Give it with --code."
            )
        if has and not factor:
            raise NotAllowed(WRONG)
        self._refresh(proved, password)
        issued = IssuedToken(text=text, person=person.name, expires_at=expires_at)
        return issued, Wants.ENROLMENT if needs else Wants.NOTHING

    # --- both ---------------------------------------------------------------------------------------------

    def check_password(self, person: Person, password: str) -> bool:
        """Once more, of somebody who is signed in. Counted as a try at his factor."""
        with self._database.write() as tx:
            made = self._braking.factor_try(tx, person.uid)
            known = credentials.password_hash(tx, person.id)
        if not self._hashing.fits(known, password):
            return False
        with self._database.write() as tx:
            self._braking.was_right(tx, made)
        return True

    def _prove(self, name: str, password: str, address: str) -> _Proved:
        """Whose name and password these are. The try is counted before it is looked at."""
        name = name.strip()
        self._hashing.prepare()
        with self._database.write() as tx:
            made = self._braking.password_try(tx, name, address)
            person = people.by_name(tx, name)
            known = credentials.password_hash(tx, person.id) if person else ""
            if person and made.of_name in TOLD_AT:
                payload: dict[str, Json] = {"tries": made.of_name, "place": self._braking.place(address)}
                audit_log.append(
                    tx, actor="nobody", act="sign_in_failed", subject=person.name, payload=payload
                )
        if not self._hashing.fits(known, password) or person is None:
            raise NotAllowed(NOT_RIGHT)
        return _Proved(person=person, made=made, hash=known)

    def _open(self, tx: Tx, person: Person, factor: str, address: str, agent: str, cookie: str) -> Opened:
        """Under a new cookie, whatever the browser brought: somebody else may have put it there."""
        before = sessions.find(tx, digest(cookie)) if cookie else None
        if before:
            sessions.end(tx, "signed in anew", session_id=before.id)
        current = people.by_uid(tx, person.uid)
        if current is None:  # disabled since the password was looked at
            raise NotAllowed(NOT_RIGHT)
        return self._sessions.open(tx, current, factor=factor, address=address, agent=agent)

    def _factor_given(self, tx: Tx, person: Person, factor: str, address: str, *, first: bool) -> None:
        if first:
            self._arrived(tx, person, factor, address, failed=0)
            self._braking.place_known(tx, person.name, address)
        else:
            payload: dict[str, Json] = {"factor": factor}
            audit_log.append(tx, actor=person.name, act="factor_given", subject=person.name, payload=payload)

    def _arrived(self, tx: Tx, person: Person, factor: str, address: str, *, failed: int) -> None:
        payload: dict[str, Json] = {"factor": factor or "password", "place": self._braking.place(address)}
        if failed:
            payload["failed_before"] = failed
        audit_log.append(tx, actor=person.name, act="signed_in", subject=person.name, payload=payload)

    def _refresh(self, proved: _Proved, password: str) -> None:
        """Hashes made with parameters of before are made anew while the password is at hand."""
        if not self._hashing.is_outdated(proved.hash):
            return
        made = self._hashing.hash(password)
        with self._database.write() as tx:
            credentials.rehash(tx, proved.person.id, proved.hash, made)
