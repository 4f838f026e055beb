"""The half of the parts that tells who somebody is; `bootstrap.py` holds the other, and how a part is built."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import urlsplit

from broadcaster.db.engine import Database
from broadcaster.domain.message import Mode
from broadcaster.settings import Settings

if TYPE_CHECKING:  # what the parts are; each is imported where it is built
    from broadcaster.db.vault import Vault
    from broadcaster.service.braking import Braking
    from broadcaster.service.factors import Factors
    from broadcaster.service.hashing import Hashing
    from broadcaster.service.passkeys import Passkeys
    from broadcaster.service.passwords import Passwords
    from broadcaster.service.people import People
    from broadcaster.service.proposals import Proposals
    from broadcaster.service.rules import Rules
    from broadcaster.service.sessions import Sessions
    from broadcaster.service.sign_in import SignIn
    from broadcaster.service.staff import Staff

P = TypeVar("P")


class part(Generic[P]):  # noqa: N801 - read as what it marks, like `property`
    """One of the parts: built at the first use, once. Under a lock: two threads that asked at the same moment would
    each count their own deliveries in flight, and Python 3.12's `cached_property` has none any more."""

    def __init__(self, build: Callable[[Any], P]) -> None:
        self._build = build

    def __get__(self, parts: IdentityParts, _: object) -> P:
        name = self._build.__name__
        with parts.building:
            if name not in parts.__dict__:  # once it is there, Python finds it without asking here
                parts.__dict__[name] = self._build(parts)
            return cast("P", parts.__dict__[name])


class IdentityParts:
    settings: Settings
    database: Database
    building: RLock
    _given_hashing: Hashing | None

    @part
    def factors(self) -> Factors:
        from broadcaster.service.factors import Factors

        issuer = site_name(self.settings)
        return Factors(self.database, self._vault, self.sessions, self._braking, self.rules, issuer=issuer)

    @part
    def passkeys(self) -> Passkeys:
        from broadcaster.service.passkeys import Passkeys, Site

        site = Site(origin=self.settings.console_url, name=site_name(self.settings))
        return Passkeys(self.database, self.sessions, self.factors, site)

    @part
    def passwords(self) -> Passwords:
        from broadcaster.service.passwords import Passwords

        return Passwords(
            self.database,
            self.sign_in,
            self.sessions,
            self._hashing,
            self.rules,
            self._vault,
            known=site_name(self.settings).replace("/", ".").split("."),
        )

    @part
    def people(self) -> People:
        from broadcaster.service.people import People

        return People(self.database, self.rules)

    @part
    def proposals(self) -> Proposals:
        from broadcaster.service.proposals import Proposals

        return Proposals(self.database, self.rules)

    @part
    def rules(self) -> Rules:
        from broadcaster.service.rules import Rules
        from broadcaster.stand_ins import only_stand_ins

        folder = self.settings.credentials / Mode.LIVE
        return Rules(
            is_sandbox=lambda: only_stand_ins(folder), fresh_minutes=self.settings.factor_fresh_minutes
        )

    @part
    def sessions(self) -> Sessions:
        from broadcaster.service.sessions import Limits, Sessions

        given = self.settings
        limits = Limits(
            idle=timedelta(minutes=given.session_idle_minutes),
            idle_others=timedelta(minutes=given.session_idle_minutes_others),
            longest=timedelta(hours=given.session_hours),
        )
        return Sessions(self.database, self.rules, limits)

    @part
    def sign_in(self) -> SignIn:
        from broadcaster.service.sign_in import SignIn

        return SignIn(
            self.database,
            self.rules,
            self.sessions,
            self._braking,
            self._hashing,
            self.factors,
            self.passkeys,
            token_lasts=timedelta(hours=self.settings.session_hours),
        )

    @part
    def staff(self) -> Staff:
        from broadcaster.service.staff import Staff

        return Staff(self.database)

    @part
    def _braking(self) -> Braking:
        from broadcaster.service.braking import Braking

        return Braking(self._vault)

    @part
    def _hashing(self) -> Hashing:
        from broadcaster.service.hashing import Hashing

        return self._given_hashing or Hashing()

    @part
    def _vault(self) -> Vault:
        from broadcaster.db.vault import Vault

        return Vault.at(data_key(self.settings))


def site_name(settings: Settings) -> str:
    """What an app shows above its codes, and a device beside its passkey."""
    return urlsplit(settings.public_url).hostname or settings.log_name or "Crisis broadcaster"


def data_key(settings: Settings) -> Path:
    return settings.root / "keys" / "data.key"
