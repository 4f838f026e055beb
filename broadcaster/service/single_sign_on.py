"""Signing in by single sign-on: where the browser is sent, and who it is that comes back.

The provider says who somebody is, and nothing more: what he may do here is said here. Nobody becomes a user by signing in.
Whoever an administrator let in is found by name once; that links him to what the provider calls him for good, and from
then on a name that the provider gave to somebody else opens nothing.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broadcaster.db import audit_log, credentials, people, sessions, sso
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import NotAllowed
from broadcaster.domain.identity import SSO_LASTS, Factor, Wants
from broadcaster.service.braking import Braking
from broadcaster.service.provider import Provider, factor_of
from broadcaster.service.sessions import Opened, Sessions, digest

PURPOSE = "single sign-on"
LONG_AGO = timedelta(days=1)
NOT_BEGUN = "This sign-in was not begun in this browser, was used already, or took too long. Nothing was changed. Begin again."
NOT_DONE = "Single sign-on did not sign you in there ({}). Begin again, or sign in with your password or your passkey."
NOT_LET_IN = (
    'Single sign-on knows you as "{}", and nobody under that name may sign in here that way. An administrator can allow it. '
    "Until then sign in with your password or your passkey."
)
SOMEBODY_ELSE = (
    'Under the name "{}" somebody else is known here to single sign-on. If that name was given to you anew, an administrator '
    "must take the old link away first. Nobody was signed in."
)


@dataclass(frozen=True, kw_only=True)
class Begun:
    """`cookie` stays in the browser until it comes back; what the provider is told is made from it, and cannot be made
    without it."""

    address: str
    cookie: str

    def __repr__(self) -> str:
        return "Begun(***)"


@dataclass(frozen=True, kw_only=True)
class Words:
    """`user_claim` is where the provider says the user's name; `factors` which of its words count as a second factor."""

    user_claim: str
    factors: tuple[str, ...]


class SingleSignOn:
    def __init__(
        self, database: Database, sessions_: Sessions, braking: Braking, provider: Provider, words: Words
    ) -> None:
        self._database = database
        self._sessions = sessions_
        self._braking = braking
        self.provider = provider
        self._words = words

    def begin(self) -> Begun:
        """Unavailable where the provider does not answer."""
        cookie = secrets.token_urlsafe(32)
        address = self.provider.address(
            state=_made(cookie, "state"), nonce=_made(cookie, "nonce"), verifier=_made(cookie, "verifier")
        )
        with self._database.write() as tx:
            credentials.add_challenge(tx, sha256=digest(cookie), purpose=PURPOSE, lasts=SSO_LASTS)
        return Begun(address=address, cookie=cookie)

    def finish(
        self, begun: str, given: Mapping[str, str], *, address: str, agent: str = "", cookie: str = ""
    ) -> Opened:
        """A session, which may want a second factor still. `given` is what came back in the address; `cookie` the session
        that the browser had, which ends. NotAllowed or Unavailable, and nothing changed, otherwise."""
        self._require_begun(begun, given.get("state", ""))
        self.provider.require_ours(given)
        if "error" in given or not given.get("code"):
            raise NotAllowed(NOT_DONE.format(_plain(given.get("error", "no code came back"))))
        with self._database.read() as tx:
            now = tx.now()
        claims = self.provider.redeem(
            given["code"],
            nonce=_made(begun, "nonce"),
            verifier=_made(begun, "verifier"),
            now=now.timestamp(),
        )
        return self._let_in(claims, address=address, agent=agent, cookie=cookie)

    def _require_begun(self, begun: str, state: str) -> None:
        """Once, and in the browser in which it was begun: nobody can be signed in as somebody else by a link."""
        right = bool(begun) and hmac.compare_digest(_made(begun, "state").encode(), state.encode())
        if right:
            with self._database.write() as tx:
                right = credentials.use_challenge(tx, sha256=digest(begun), purpose=PURPOSE)
        if not right:
            raise NotAllowed(NOT_BEGUN)

    def _let_in(self, claims: Mapping[str, Any], *, address: str, agent: str, cookie: str) -> Opened:
        issuer, subject = self.provider.issuer, str(claims["sub"])
        refused = ""
        with self._database.write() as tx:
            person, linked = self._person(tx, issuer, subject, str(claims.get(self._words.user_claim, "")))
            if isinstance(person, str):
                refused = person
            else:
                opened = self._open(tx, person, claims, address=address, agent=agent, cookie=cookie)
                self._note(tx, opened, claims, address, linked=linked)
        if refused:
            raise NotAllowed(refused)
        return opened

    def _person(self, tx: Tx, issuer: str, subject: str, name: str) -> tuple[Person | str, bool]:
        """Who it is and whether he is linked just now; or why it is nobody."""
        known = sso.person_of(tx, issuer, subject)
        if known is not None:
            found = people.by_uid(tx, people.by_id(tx, known).uid)
            return found or NOT_LET_IN.format(_plain(name)), False
        person = people.by_name(tx, name) if name else None
        allowed = sso.of_person(tx, person.id, lock=True) if person else None
        if person is None or allowed is None:
            return NOT_LET_IN.format(_plain(name)), False
        if not sso.link(tx, person.id, issuer, subject):
            payload: dict[str, Json] = {"identity": _mark(issuer, subject)}
            audit_log.append(tx, actor="nobody", act="sso_refused", subject=person.name, payload=payload)
            return SOMEBODY_ELSE.format(_plain(name)), False
        return person, True

    def _open(
        self, tx: Tx, person: Person, claims: Mapping[str, Any], *, address: str, agent: str, cookie: str
    ) -> Opened:
        """Under a new cookie, whatever the browser brought: somebody else may have put it there."""
        before = sessions.find(tx, digest(cookie)) if cookie else None
        if before:
            sessions.end(tx, "signed in anew", session_id=before.id)
        factor = Factor.SSO if factor_of(claims, self._words.factors) else ""
        return self._sessions.open(
            tx, person, factor=factor, factor_at=_given_at(claims, tx.now()), address=address, agent=agent
        )

    def _note(self, tx: Tx, opened: Opened, claims: Mapping[str, Any], address: str, *, linked: bool) -> None:
        """One event: that he came in, or for the first time, that he is linked. Where a second factor is still wanted, coming
        in is told when that was given."""
        name = opened.session.person.name
        payload: dict[str, Json] = {
            "factor": opened.session.factor or Factor.SSO,
            "place": self._braking.place(address),
        }
        if linked:
            payload["identity"] = _mark(self.provider.issuer, str(claims["sub"]))
            audit_log.append(tx, actor=name, act="sso_linked", subject=name, payload=payload)
        elif opened.session.wants is not Wants.FACTOR:
            audit_log.append(tx, actor=name, act="signed_in", subject=name, payload=payload)
        if opened.session.wants is not Wants.FACTOR:
            self._braking.place_known(tx, name, address)


def _made(cookie: str, what: str) -> str:
    """43 characters, as RFC 7636 wants a verifier to have at least."""
    return hmac.digest(cookie.encode(), f"sso {what}".encode(), hashlib.sha256).hex()


def _mark(issuer: str, subject: str) -> str:
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


def _given_at(claims: Mapping[str, Any], now: datetime) -> datetime:
    """When the factor was given at the provider. One that does not say gets no credit for it: somebody may have been signed
    in there since this morning, and has left the room."""
    at = claims.get("auth_time")
    if not isinstance(at, int | float):
        return now - LONG_AGO
    return min(now, datetime.fromtimestamp(at, now.tzinfo))


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:64]
