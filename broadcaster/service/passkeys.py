"""Passkeys (WebAuthn): registering one, and signing in with one without a name. The device verifies its user, so a passkey
counts as both factors. What a browser must answer is made here, kept here, and good for one answer.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from broadcaster.db import audit_log, credentials, people
from broadcaster.db.credentials import Passkey
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.errors import Invalid, NotAllowed
from broadcaster.domain.identity import CHALLENGE_LASTS, Factor, Wants
from broadcaster.service.factors import Enrolled, Factors
from broadcaster.service.sessions import Session, Sessions

REGISTER, SIGN_IN, STEP_UP = "register", "sign-in", "step-up"
TIMEOUT_MS = CHALLENGE_LASTS // timedelta(milliseconds=1)
REFUSED = "The passkey was not accepted. Try again, or use your password. Nothing was changed."
NAME_LENGTH = 64
_WRONG = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where people open the console: passkeys are good there and nowhere else. `name` is what a device shows."""

    origin: str
    name: str

    @property
    def rp_id(self) -> str:
        return urlsplit(self.origin).hostname or ""


class Passkeys:
    def __init__(self, database: Database, sessions: Sessions, factors: Factors, site: Site) -> None:
        self._database = database
        self._sessions = sessions
        self._factors = factors
        self._site = site

    # --- registering --------------------------------------------------------------------------------------

    def begin(self, session: Session) -> str:
        """JSON for `navigator.credentials.create`."""
        _require_in(session)
        person = session.person
        with self._database.write() as tx:
            self._factors.require_may_add(tx, person)
            options = generate_registration_options(
                rp_id=self._site.rp_id,
                rp_name=self._site.name,
                user_id=uuid.UUID(person.uid).bytes,
                user_name=person.name,
                timeout=TIMEOUT_MS,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.REQUIRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                exclude_credentials=_described(credentials.passkeys_of(tx, person.id)),
            )
            self._keep(tx, options.challenge, REGISTER, session)
        return options_to_json(options)

    def finish(self, cookie: str, answer: str, *, name: str) -> Enrolled:
        """The browser's answer, as JSON. The session has another cookie from now on."""
        label = " ".join(name.split())[:NAME_LENGTH] or "Passkey"
        with self._database.write() as tx:
            stored = self._sessions.locked(tx, cookie)
            session = self._sessions.view(tx, stored)
            _require_in(session)
            self._factors.require_may_add(tx, session.person)
            added = self._register(tx, session, answer, label)
            if added:
                done = self._factors.enrolled(tx, session.person, Factor.PASSKEY, label, cookie=cookie)
        if not added:
            raise Invalid(
                "The passkey was not added: the answer of the device did not fit. Try again. Nothing was changed."
            )
        return done

    def _register(self, tx: Tx, session: Session, answer: str, name: str) -> bool:
        challenge = self._used(tx, answer, REGISTER, session)
        if not challenge:
            return False
        try:
            found = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._site.rp_id,
                expected_origin=self._site.origin,
                require_user_verification=True,
            )
        except _WRONG:
            return False
        return credentials.add_passkey(
            tx,
            session.person.id,
            credential_id=found.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            name=name,
            transports=_transports(answer),
        )

    # --- answering ----------------------------------------------------------------------------------------

    def options(self, session: Session | None = None) -> str:
        """JSON for `navigator.credentials.get`: to sign in, whoever it is; or, in a session, to give one's factor."""
        allowed = []
        with self._database.write() as tx:
            if session:
                allowed = _described(credentials.passkeys_of(tx, session.person.id))
            options = generate_authentication_options(
                rp_id=self._site.rp_id,
                timeout=TIMEOUT_MS,
                allow_credentials=allowed,
                user_verification=UserVerificationRequirement.REQUIRED,
            )
            self._keep(tx, options.challenge, STEP_UP if session else SIGN_IN, session)
        return options_to_json(options)

    def take(self, tx: Tx, answer: str, session: Session | None = None) -> Person | None:
        """Whose passkey answered; None where the answer is not right. Commit in either case: the challenge is used up."""
        challenge = self._used(tx, answer, STEP_UP if session else SIGN_IN, session)
        key = self._key_of(tx, answer) if challenge else None
        person = people.by_id(tx, key.person_id) if key else None
        if key is None or person is None or people.by_uid(tx, person.uid) is None:
            return None
        if (session and session.person.id != person.id) or not _names(answer, person):
            return None
        try:
            found = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._site.rp_id,
                expected_origin=self._site.origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=0,  # looked at below: only what was signed says anything
                require_user_verification=True,
            )
        except _WRONG:
            return None
        if max(found.new_sign_count, key.sign_count) > 0 and found.new_sign_count <= key.sign_count:
            self._copied(tx, person, key)
            return None
        credentials.passkey_used(tx, key.id, found.new_sign_count)
        return person

    def _copied(self, tx: Tx, person: Person, key: Passkey) -> None:
        """A count that does not go up: the key is in two devices, of which one may not be the user's."""
        audit_log.append(
            tx, actor="nobody", act="passkey_count_fell", subject=person.name, payload={"name": key.name}
        )

    def _key_of(self, tx: Tx, answer: str) -> Passkey | None:
        try:
            return credentials.passkey_by_credential(tx, base64url_to_bytes(json.loads(answer)["rawId"]))
        except _WRONG:
            return None

    def _keep(self, tx: Tx, challenge: bytes, purpose: str, session: Session | None) -> None:
        credentials.add_challenge(
            tx,
            sha256=hashlib.sha256(challenge).hexdigest(),
            purpose=purpose,
            lasts=CHALLENGE_LASTS,
            person_id=session.person.id if session else None,
            session_uid=session.uid if session else "",
        )

    def _used(self, tx: Tx, answer: str, purpose: str, session: Session | None) -> bytes:
        """The challenge that this answers, used up; nothing where it is none of ours, or was answered before."""
        try:
            data = json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))
            challenge = base64url_to_bytes(data["challenge"])
        except _WRONG:
            return b""
        ours = credentials.use_challenge(
            tx,
            sha256=hashlib.sha256(challenge).hexdigest(),
            purpose=purpose,
            person_id=session.person.id if session else None,
            session_uid=session.uid if session else "",
        )
        return challenge if ours else b""


def _require_in(session: Session) -> None:
    if session.wants is Wants.FACTOR:
        raise NotAllowed("Give your second factor first. Nothing was changed.")


def _described(keys: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    known = {str(each.value): each for each in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=key.credential_id, transports=[known[t] for t in key.transports if t in known]
        )
        for key in keys
    ]


def _transports(answer: str) -> str:
    given: Any = json.loads(answer)["response"].get("transports") or []
    known = {str(each.value) for each in AuthenticatorTransport}
    return " ".join(t for t in given if t in known) if isinstance(given, list) else ""


def _names(answer: str, person: Person) -> bool:
    """A device that tells whose key it is must tell the one whose key we know it as."""
    handle = json.loads(answer)["response"].get("userHandle")
    return not handle or base64url_to_bytes(handle) == uuid.UUID(person.uid).bytes
