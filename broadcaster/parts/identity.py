"""The parts that tell who somebody is, and what this person may do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from broadcaster.domain.message import Mode
from broadcaster.parts.shared import SharedParts, part, site_name

if TYPE_CHECKING:
    from broadcaster.service.braking import Braking
    from broadcaster.service.factors import Factors
    from broadcaster.service.pacing import Pacing
    from broadcaster.service.passkeys import Passkeys
    from broadcaster.service.passwords import Passwords
    from broadcaster.service.people import People
    from broadcaster.service.proposals import Proposals
    from broadcaster.service.rules import Rules
    from broadcaster.service.sessions import Sessions
    from broadcaster.service.sign_in import SignIn
    from broadcaster.service.single_sign_on import SingleSignOn
    from broadcaster.service.staff import Staff


class IdentityParts(SharedParts):
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
    def pacing(self) -> Pacing:
        from broadcaster.service.pacing import Pacing

        return Pacing(self.database, self._vault, per_minute=self.settings.api_requests_per_minute)

    @part
    def proposals(self) -> Proposals:
        from broadcaster.service.proposals import Proposals

        return Proposals(self.database, self.rules, self._vault)

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
    def single_sign_on(self) -> SingleSignOn | None:
        """None where none is set up."""
        from broadcaster.service.provider import Client, Provider
        from broadcaster.service.single_sign_on import SingleSignOn, Words

        given = self.settings
        if not given.oidc_issuer:
            return None
        client = Client(
            issuer=given.oidc_issuer,
            id=given.oidc_client_id,
            secret=given.oidc_client_secret,
            redirect_uri=f"{given.console_url}/sign-in/sso/back",
        )
        words = Words(user_claim=given.oidc_user_claim, factors=tuple(given.oidc_factor_values.split()))
        return SingleSignOn(self.database, self.sessions, self._braking, Provider(client), words)

    @part
    def staff(self) -> Staff:
        from broadcaster.service.staff import Staff

        return Staff(self.database)

    @part
    def _braking(self) -> Braking:
        from broadcaster.service.braking import Braking

        return Braking(self._vault)
