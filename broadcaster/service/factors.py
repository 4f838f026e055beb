"""Second factors beside passkeys: codes of an app (TOTP) and codes on paper, for when the device is gone."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyotp

from broadcaster.db import audit_log, credentials, sessions, tokens
from broadcaster.db.credentials import Totp
from broadcaster.db.engine import Database, Tx
from broadcaster.db.ids import REFERENCE_ALPHABET
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import FactorWanted, Invalid, NotAllowed, NotFound, Problem
from broadcaster.domain.identity import RECOVERY_CODES, Factor
from broadcaster.domain.policy import Narrowed
from broadcaster.service.braking import Braking
from broadcaster.service.rules import Rules
from broadcaster.service.sessions import Opened, Sessions

STEP_S = 30  # RFC 6238, 5.2
DRIFT = (0, -1, 1)  # steps: a phone's clock may be half a minute off
PENDING_LASTS = timedelta(minutes=15)
SECRET_CHARS = 32  # base32: 160 bits, as RFC 4226, 4 asks for
CODE_GROUPS, GROUP_CHARS = 4, 4
APP_NAME = "Authenticator app"
WRONG = "That code is not right, or was used before. Wait for the next one. Nothing was changed."


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What an app is told: `uri` as a QR code, `secret` for typing. Shown once."""

    uri: str
    secret: str

    def __repr__(self) -> str:
        return "Enrolment(***)"


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """`recovery_codes` are shown once, with the first factor only; `opened` where it was set up in a session."""

    recovery_codes: tuple[str, ...]
    opened: Opened | None

    def __repr__(self) -> str:
        return "Enrolled(***)"


@dataclass(frozen=True, kw_only=True)
class FactorView:
    """One that somebody has: `uid` names it where it is removed."""

    uid: str
    kind: Factor
    name: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class FactorsView:
    factors: tuple[FactorView, ...]
    recovery_codes_left: int
    needed: bool


class Factors:
    """`issuer` is what an app shows above its code."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        sessions_: Sessions,
        braking: Braking,
        rules: Rules,
        *,
        issuer: str,
    ) -> None:
        self._database = database
        self._vault = vault
        self._sessions = sessions_
        self._braking = braking
        self._rules = rules
        self._issuer = issuer

    def of(self, person: Person) -> FactorsView:
        with self._database.read() as tx:
            app = credentials.totp_of(tx, person.id)
            found = [
                FactorView(
                    uid=k.uid, kind=Factor.PASSKEY, name=k.name, created_at=k.created_at, used_at=k.used_at
                )
                for k in credentials.passkeys_of(tx, person.id)
            ]
            if app and app.confirmed_at:
                found.append(_app_view(app))
            return FactorsView(
                factors=tuple(found),
                recovery_codes_left=credentials.recovery_codes_left(tx, person.id),
                needed=self._rules.needs_factor(tx, person.roles),
            )

    # --- setting up an app --------------------------------------------------------------------------------

    def begin_totp(self, person: Person) -> Enrolment:
        """A secret for an app. It counts from the first code of it on: `finish_totp`.

        One that was begun a short while ago is given again: a page that is loaded twice must not turn the key that was
        just scanned into a wrong one.
        """
        with self._database.write() as tx:
            self.require_may_add(tx, person)
            known = credentials.totp_of(tx, person.id, lock=True)
            if known and known.confirmed_at:
                raise Invalid("You have an authenticator app already. Remove it first. Nothing was changed.")
            secret = self._begun(tx, person) or self._begin(tx, person)
        uri = pyotp.TOTP(secret).provisioning_uri(name=person.name, issuer_name=self._issuer)
        return Enrolment(uri=uri, secret=secret)

    def _begun(self, tx: Tx, person: Person) -> str:
        since = tx.now() - PENDING_LASTS
        sealed = credentials.begun_totp(tx, person.id, _holder(person), since=since)
        return self._vault.open(sealed, bound_to(person)) if sealed else ""

    def _begin(self, tx: Tx, person: Person) -> str:
        secret = pyotp.random_base32(SECRET_CHARS)
        sealed = self._vault.seal(secret, bound_to(person))
        credentials.begin_totp(
            tx,
            person.id,
            _holder(person),
            bound_to=bound_to(person),
            secret_sealed=sealed,
            since=tx.now() - PENDING_LASTS,
        )
        return secret

    def finish_totp(self, person: Person, code: str, *, cookie: str = "") -> Enrolled:
        """The app's first code. The session gets another cookie; a token counts as one with a factor from now on."""
        with self._database.write() as tx:
            self.require_may_add(tx, person)
            made = self._braking.factor_try(tx, person.uid)
            right = self._adds_totp(tx, person, code)
            if right:
                self._braking.was_right(tx, made)
                done = self.enrolled(tx, person, Factor.TOTP, APP_NAME, cookie=cookie)
        if not right:
            raise NotAllowed(WRONG)
        return done

    def enrolled(self, tx: Tx, person: Person, factor: Factor, name: str, *, cookie: str) -> Enrolled:
        """What follows from a factor that was just added."""
        codes = () if credentials.recovery_codes_left(tx, person.id) else self._new_codes(tx, person)
        opened = None
        if cookie:
            opened = self._sessions.renew(tx, self._sessions.locked(tx, cookie), cookie, factor=factor)
        if person.token_id is not None:
            tokens.factor_given(tx, person.token_id, factor)
        sessions.end_all(tx, "factor added", person_id=person.id, but=opened.session.uid if opened else "")
        payload: dict[str, Json] = {"factor": str(factor), "name": name, "recovery_codes": len(codes)}
        audit_log.append(tx, actor=person.name, act="factor_added", subject=person.name, payload=payload)
        return Enrolled(recovery_codes=codes, opened=opened)

    def require_may_add(self, tx: Tx, person: Person) -> None:
        """Whoever has a factor gives it first: else who found an open laptop could add one of his own."""
        if person.token_id is not None:
            require_all_in(person)
        if credentials.has_factor(tx, person.id) and not self._rules.is_fresh(tx, person):
            raise FactorWanted(
                "Give your second factor once more before you change what you have. Nothing was changed."
            )

    # --- taking away --------------------------------------------------------------------------------------

    def remove(self, person: Person, uid: str) -> None:
        """The app ("totp") or a passkey. NotAllowed where it is the last one and the user's roles need one."""
        with self._database.write() as tx:
            self.require_may_add(tx, person)
            if uid == Factor.TOTP:
                name = APP_NAME if credentials.remove_totp(tx, person.id) else ""
            else:
                name = credentials.remove_passkey(tx, person.id, uid)
            if not name:
                raise NotFound("You have no such second factor. Nothing was changed.")
            left = credentials.has_factor(tx, person.id)
            if not left and self._rules.needs_factor(tx, person.roles):
                raise NotAllowed(
                    "Your roles need a second factor. Add another one first. Nothing was changed."
                )
            if not left:
                credentials.set_recovery_codes(tx, person.id, [])
            audit_log.append(
                tx, actor=person.name, act="factor_removed", subject=person.name, payload={"name": name}
            )

    def new_recovery_codes(self, person: Person) -> tuple[str, ...]:
        """In place of those of before. Shown once."""
        with self._database.write() as tx:
            self.require_may_add(tx, person)
            if not credentials.has_factor(tx, person.id):
                raise Invalid(
                    "Codes on paper stand in for a passkey or an app. Add one first. Nothing was changed."
                )
            codes = self._new_codes(tx, person)
            payload = {"recovery_codes": len(codes)}
            audit_log.append(
                tx, actor=person.name, act="recovery_codes_made", subject=person.name, payload=payload
            )
        return codes

    # --- giving one ---------------------------------------------------------------------------------------

    def confirm_token(self, actor: Person, code: str) -> Person:
        """The second factor, given on the command line for the token that asks. The same person, with it."""
        if actor.token_id is None:
            raise NotAllowed("This is for tokens. In the browser the session is given the code.")
        with self._database.write() as tx:
            factor = self.take(tx, actor, code)
            if factor:
                tokens.factor_given(tx, actor.token_id, factor)
                audit_log.append(
                    tx, actor=actor.name, act="factor_given", subject=actor.name, payload={"factor": factor}
                )
            confirmed = replace(actor, factor=factor, factor_at=tx.now())
        if not factor:
            raise self.refusal(actor)
        return confirmed

    def take(self, tx: Tx, person: Person, code: str) -> str:
        """Which factor this code is of, used up; nothing where it is of none. A wrong one is counted: commit in either
        case. TryLater after too many."""
        made = self._braking.factor_try(tx, person.uid)
        given = "".join(c for c in code.upper() if c.isalnum())
        factor = ""
        if self._takes_totp(tx, person, given):
            factor = str(Factor.TOTP)
        elif credentials.use_recovery_code(tx, person.id, code_digest(given)):
            factor = str(Factor.RECOVERY_CODE)
        if factor:
            self._braking.was_right(tx, made)
        return factor

    def refusal(self, person: Person) -> Problem:
        with self._database.read() as tx:
            has = credentials.has_factor(tx, person.id)
        if has:
            return NotAllowed(WRONG)
        return NotAllowed(
            "You have no second factor yet. Set one up first. Nothing was changed.",
            command="To do so: broadcaster factor add",
        )

    def _adds_totp(self, tx: Tx, person: Person, code: str) -> bool:
        secret = self._begun(tx, person)
        step = _step_of(tx, secret, code) if secret else None
        if step is None:
            return False
        sealed = self._vault.seal(secret, bound_to(person))
        return credentials.add_totp(
            tx, person.id, bound_to=bound_to(person), secret_sealed=sealed, step=step
        )  # False: another session of this person was quicker

    def _takes_totp(self, tx: Tx, person: Person, code: str) -> bool:
        app = credentials.totp_of(tx, person.id, lock=True)
        if app is None or app.confirmed_at is None:
            return False
        step = _step_of(tx, self._vault.open(app.secret_sealed, bound_to(person)), code)
        return step is not None and credentials.use_step(tx, app.id, step)

    def _new_codes(self, tx: Tx, person: Person) -> tuple[str, ...]:
        codes = tuple(_new_code() for _ in range(RECOVERY_CODES))
        digests = [code_digest(code.replace("-", "")) for code in codes]
        credentials.set_recovery_codes(tx, person.id, digests)
        return codes


def _step_of(tx: Tx, secret: str, code: str) -> int | None:
    """Of which step this is the code, as near now as a phone's clock may be."""
    given = "".join(code.split())
    if not given.isascii():
        return None
    codes, now = pyotp.TOTP(secret), int(tx.now().timestamp()) // STEP_S
    fitting = [now + d for d in DRIFT if hmac.compare_digest(codes.generate_otp(now + d), given)]
    return max(fitting, default=None)


def _holder(person: Person) -> str:
    return person.session or (f"token {person.token_id}" if person.token_id is not None else "")


def require_all_in(person: Person) -> None:
    """Whose session wants something still, or whose token is good for less than everything, changes nothing of what he
    signs in with."""
    if isinstance(person.roles, Narrowed):
        raise NotAllowed(f"{person.roles.why} Nothing was changed.")


def _app_view(app: Totp) -> FactorView:
    return FactorView(
        uid=Factor.TOTP, kind=Factor.TOTP, name=APP_NAME, created_at=app.created_at, used_at=app.used_at
    )


def code_digest(code: str) -> str:
    """78 random bits: nobody finds them by trying, so no slow hash is needed."""
    return hashlib.sha256(code.encode()).hexdigest()


def _new_code() -> str:
    groups = (
        "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(GROUP_CHARS)) for _ in range(CODE_GROUPS)
    )
    return "-".join(groups)


def bound_to(person: Person) -> bytes:
    """A seal that opens for this and for this user only, whatever row it is put into."""
    return f"totp {person.uid}".encode()
