"""Sessions in a browser: opened at sign-in, looked up with each page, ended by a person, by time, or with what they
stood on."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broadcaster.db import audit_log, credentials, people, sessions
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.sessions import StoredSession
from broadcaster.domain.errors import NotAllowed, NotFound, Unavailable
from broadcaster.domain.identity import FACTOR_WANTED_LASTS, NEEDS_FACTOR, Wants
from broadcaster.domain.policy import Action, Narrowed, require
from broadcaster.service.rules import Rules

COOKIE_BYTES = 32
SEEN_EVERY = timedelta(seconds=30)  # a page view is not a write
KEPT = timedelta(days=30)  # of one that is over: so that somebody can find out where else he was signed in
DELETED_AT_ONCE = 500
WHY = {
    Wants.FACTOR: "Give your second factor first.",
    Wants.ENROLMENT: "Set up a second factor first: your roles need one.",
}


@dataclass(frozen=True, kw_only=True)
class Session:
    """`person` can do nothing that needs a role while the session `wants` something."""

    uid: str
    person: Person
    wants: Wants
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    idle_ends_at: datetime
    factor: str
    factor_at: datetime | None
    address: str
    agent: str


@dataclass(frozen=True, kw_only=True)
class Opened:
    """`cookie` is told to the browser once and stored nowhere. It takes the place of the one it had."""

    cookie: str
    session: Session

    def __repr__(self) -> str:
        return f"Opened(***, {self.session.person.name})"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`idle` is for whoever approves or administers, `idle_others` for everybody else."""

    idle: timedelta
    idle_others: timedelta
    longest: timedelta

    def idle_of(self, roles: Collection[str]) -> timedelta:
        return self.idle if NEEDS_FACTOR & set(roles) else self.idle_others


class Sessions:
    def __init__(self, database: Database, rules: Rules, limits: Limits) -> None:
        self._database = database
        self._rules = rules
        self._limits = limits

    def find(self, cookie: str | None) -> Session | None:
        """The open session whose cookie has this value, as of now; it was seen. None where there is none."""
        if not cookie:
            return None
        with self._database.read() as tx:
            stored = sessions.find(tx, digest(cookie))
            if stored is None:
                return None
            over = self.why_over(tx, stored)
            found = self.view(tx, stored)
            seen_lately = tx.now() - stored.seen_at < SEEN_EVERY
        if over or not seen_lately:
            self._note(stored, over)
        return None if over else found

    def is_open(self, cookie: str) -> bool:
        """Whether it is open still. Asked by what goes on by itself: no session lives on because a page was left open."""
        with self._database.read() as tx:
            stored = sessions.find(tx, digest(cookie)) if cookie else None
            return stored is not None and not self.why_over(tx, stored)

    def listed(self, person: Person) -> list[Session]:
        """A user's own, those that are open, the newest first."""
        with self._database.read() as tx:
            found = [s for s in sessions.of_person(tx, person.id) if not self.why_over(tx, s)]
            return [self.view(tx, stored) for stored in found]

    def sign_out(self, cookie: str | None) -> None:
        """That session ends. Nothing happens where there is none."""
        with self._database.write() as tx:
            stored = sessions.find(tx, digest(cookie or ""), lock=True)
            if stored and sessions.end(tx, "signed out", session_id=stored.id):
                audit_log.append(tx, actor=stored.person.name, act="signed_out", subject=stored.person.name)

    def end(self, actor: Person, uid: str) -> None:
        """One of one's own, here or elsewhere."""
        with self._database.write() as tx:
            stored = next((s for s in sessions.of_person(tx, actor.id) if s.uid == uid), None)
            if stored is None or not sessions.end(tx, "ended by its user", session_id=stored.id):
                raise NotFound("That session is over already. Nothing was changed.")
            audit_log.append(
                tx, actor=actor.name, act="sessions_ended", subject=actor.name, payload={"sessions": 1}
            )

    def end_all(self, actor: Person, name: str = "") -> int:
        """All of one's own but the one that asks; or, by an administrator, all of another user. How many."""
        name = name or actor.name
        if name != actor.name:
            require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            known = people.known(tx, name)
            if known is None:
                raise NotFound(f'There is no user "{name}". Nothing was changed.')
            but = actor.session if name == actor.name else ""
            ended = sessions.end_all(tx, f"ended by {actor.name}", person_id=known.person.id, but=but)
            audit_log.append(
                tx, actor=actor.name, act="sessions_ended", subject=name, payload={"sessions": ended}
            )
        return ended

    def wipe_old(self) -> bool:
        with self._database.write() as tx:
            return sessions.delete_old(tx, kept=KEPT, limit=DELETED_AT_ONCE) == DELETED_AT_ONCE

    # --- within a transaction of the services beside this one ---------------------------------------------

    def open(
        self,
        tx: Tx,
        person: Person,
        *,
        factor: str = "",
        factor_at: datetime | None = None,
        address: str = "",
        agent: str = "",
    ) -> Opened:
        """`factor_at` is when the factor was given, where that was not just now."""
        cookie = secrets.token_urlsafe(COOKIE_BYTES)
        given_at = (factor_at or tx.now()) if factor else None
        wants = self._wants(tx, replace(person, factor=factor, factor_at=given_at))
        ends_at = tx.now() + (self._limits.longest if wants is Wants.NOTHING else FACTOR_WANTED_LASTS)
        sessions.insert(
            tx,
            person_id=person.id,
            sha256=digest(cookie),
            ends_at=ends_at,
            factor=factor,
            factor_at=given_at,
            address=address[:64],
            agent=short_agent(agent),
        )
        return self._opened(tx, cookie)

    def renew(self, tx: Tx, stored: StoredSession, before: str, *, factor: str = "") -> Opened:
        """With another cookie, since what it may do changes; whoever knows the one of `before` has nothing any more."""
        cookie = secrets.token_urlsafe(COOKIE_BYTES)
        first = (
            factor and stored.factor_at is None and stored.ends_at - stored.created_at <= FACTOR_WANTED_LASTS
        )
        ends_at = stored.created_at + self._limits.longest if first else None
        sessions.renew(
            tx, stored.id, before=digest(before), sha256=digest(cookie), factor=factor, ends_at=ends_at
        )
        return self._opened(tx, cookie)

    def locked(self, tx: Tx, cookie: str | None) -> StoredSession:
        """The open session of this cookie. NotAllowed where there is none."""
        stored = sessions.find(tx, digest(cookie or ""), lock=True)
        if stored is None or self.why_over(tx, stored):
            raise NotAllowed("You are not signed in any more. Sign in again. Nothing was changed.")
        return stored

    def why_over(self, tx: Tx, stored: StoredSession) -> str:
        if stored.disabled:
            return "user disabled"
        if stored.ends_at <= tx.now():
            return "at its limit"
        return "idle" if stored.seen_at + self._limits.idle_of(stored.person.roles) <= tx.now() else ""

    def view(self, tx: Tx, stored: StoredSession) -> Session:
        wants = self._wants(tx, stored.person)
        person = stored.person
        if wants is not Wants.NOTHING:
            person = replace(person, roles=Narrowed.to(person.roles, (), WHY[wants]))
        return Session(
            uid=stored.uid,
            person=person,
            wants=wants,
            created_at=stored.created_at,
            seen_at=stored.seen_at,
            ends_at=stored.ends_at,
            idle_ends_at=stored.seen_at + self._limits.idle_of(person.roles),
            factor=stored.factor,
            factor_at=stored.factor_at,
            address=stored.address,
            agent=stored.agent,
        )

    def _wants(self, tx: Tx, person: Person) -> Wants:
        """Whoever has a second factor is asked for it, whatever the role."""
        if person.factor_at is not None:
            return Wants.NOTHING
        if credentials.has_factor(tx, person.id):
            return Wants.FACTOR
        return Wants.ENROLMENT if self._rules.needs_factor(tx, person.roles) else Wants.NOTHING

    def _opened(self, tx: Tx, cookie: str) -> Opened:
        stored = sessions.find(tx, digest(cookie))
        assert stored
        return Opened(cookie=cookie, session=self.view(tx, stored))

    def _note(self, stored: StoredSession, over: str) -> None:
        """That it was seen, or is over. Whoever only reads can do so while nothing can be written."""
        try:
            with self._database.write() as tx:
                if over:
                    sessions.end(tx, over, session_id=stored.id)
                else:
                    sessions.touch(tx, stored.id)
        except Unavailable:
            return


def digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def form_key(cookie: str) -> str:
    """What each form of a session carries, so that no other site can send it (CSRF); it tells nothing of the cookie."""
    return hmac.digest(cookie.encode(), b"form", hashlib.sha256).hex()


#: In this order: each names those after it too.
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


def short_agent(given: str) -> str:
    """`Firefox on Windows`: enough to tell one's own devices apart, and too little to follow anybody by."""
    browser = next((name for mark, name in BROWSERS.items() if mark in given), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in given), "")
    return " on ".join(filter(None, (browser, system))) or ("another program" if given else "")
