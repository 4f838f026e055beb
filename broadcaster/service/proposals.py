"""Changes of who may do what: one administrator proposes, another one confirms within seven days, and exactly that is done.

Where one administrator is enough (a sandbox, or the policy was switched off), a change is made at once. Where there is only
one, the only change that can be made is the one that adds a second.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from broadcaster.db import audit_log, people, proposals
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.proposals import StoredProposal
from broadcaster.db.vault import Vault
from broadcaster.domain.canonical import Json, canonical, sha256
from broadcaster.domain.changes import (
    AddUser,
    AllowSso,
    Change,
    ChangeRoles,
    ChangeSwitch,
    DisableUser,
    EnableUser,
    GiveDelegation,
    InviteUser,
    IssueToken,
    ProposalState,
    TakeSsoAway,
    for_the_log,
    from_json,
    to_json,
)
from broadcaster.domain.delegation import LONGEST, Covers, problems
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.identity import PROPOSAL_LASTS, SWITCHES, Switch
from broadcaster.domain.message import Severity
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, Role, require
from broadcaster.render.notices import shipped_notices
from broadcaster.service.carrying_out import carry_out
from broadcaster.service.made import Made
from broadcaster.service.people import check_name, check_roles, check_scopes
from broadcaster.service.rules import Rules

ONLY_ONE = (
    "You are the only administrator, and this needs a second one. Add one first, which can be done at once: "
    "a user with the role administrator. Nothing was changed."
)


@dataclass(frozen=True, kw_only=True)
class Done:
    """It was done at once. `invitation`, `token` or a webhook's `secret` is shown once, to be handed over; `uid` is of what was
    made, where it has one."""

    in_words: str
    invitation: str = ""
    token: str = ""
    secret: str = ""
    uid: str = ""

    def __repr__(self) -> str:
        return f"Done({self.in_words!r})"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """`sha256` is over the canonical JSON of the change: what is confirmed is what was proposed."""

    ref: str
    kind: str
    in_words: str
    sha256: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    state: ProposalState
    decided_by: str
    decided_at: datetime | None


Outcome: TypeAlias = "Done | Proposal"


class Proposals:
    def __init__(self, database: Database, rules: Rules, vault: Vault) -> None:
        self._database = database
        self._rules = rules
        self._vault = vault

    # --- what can be proposed -----------------------------------------------------------------------------

    def add_user(self, actor: Person, name: str, roles: Sequence[str], *, reason: str = "") -> Outcome:
        check_name(name)
        return self.propose(actor, AddUser(name=name, roles=tuple(sorted(check_roles(roles)))), reason)

    def change_roles(self, actor: Person, name: str, roles: Sequence[str], *, reason: str = "") -> Outcome:
        before = tuple(sorted(self._known(name).roles))
        return self.propose(
            actor, ChangeRoles(name=name, before=before, roles=tuple(sorted(check_roles(roles)))), reason
        )

    def disable_user(self, actor: Person, name: str, *, reason: str = "") -> Outcome:
        return self.propose(actor, DisableUser(name=name), reason)

    def enable_user(self, actor: Person, name: str, *, reason: str = "") -> Outcome:
        return self.propose(
            actor, EnableUser(name=name, roles=tuple(sorted(self._known(name).roles))), reason
        )

    def invite_user(self, actor: Person, name: str, *, factors: bool = False, reason: str = "") -> Outcome:
        return self.propose(actor, InviteUser(name=name, factors=factors), reason)

    def allow_sso(self, actor: Person, name: str, *, reason: str = "") -> Outcome:
        return self.propose(actor, AllowSso(name=name), reason)

    def take_sso_away(self, actor: Person, name: str, *, reason: str = "") -> Outcome:
        return self.propose(actor, TakeSsoAway(name=name), reason)

    def give_delegation(
        self,
        actor: Person,
        name: str,
        covers: Covers,
        *,
        scheme: str,
        starts_at: datetime,
        ends_at: datetime,
        reason: str = "",
    ) -> Outcome:
        """Invalid, with every problem at once, where it cannot be one."""
        known = problems(
            covers, scheme=scheme, templates=set(shipped_notices()), severities={str(s) for s in Severity}
        )
        if not timedelta() < ends_at - starts_at <= LONGEST:
            known.append("It must end after it begins, and within a year.")
        if known:
            raise Invalid("This cannot be a delegation. Nothing was changed.", details=tuple(known))
        change = GiveDelegation(
            name=name,
            templates=tuple(sorted(covers.templates)),
            severities=covers.severities,
            most_cost=covers.most_cost,
            currency=covers.currency,
            starts=starts_at.isoformat(timespec="minutes"),
            ends=ends_at.isoformat(timespec="minutes"),
            scheme=scheme.strip(),
        )
        return self.propose(actor, change, reason)

    def issue_token(
        self,
        actor: Person,
        name: str,
        *,
        days: int,
        label: str = "",
        scopes: Sequence[str] = (),
        reason: str = "",
    ) -> Outcome:
        wanted = tuple(sorted(check_scopes(scopes)))
        return self.propose(actor, IssueToken(name=name, label=label[:64], days=days, scopes=wanted), reason)

    def change_switch(self, actor: Person, name: str, value: str, *, reason: str = "") -> Outcome:
        known = {str(switch) for switch in Switch}
        if name not in known:
            raise Invalid(f'"{name}" is not a policy.{did_you_mean(name, known)} Nothing was changed.')
        if value not in SWITCHES[Switch(name)]:
            raise Invalid(f"It can be: {', '.join(SWITCHES[Switch(name)])}. Nothing was changed.")
        before = self.switches()[name]
        return self.propose(actor, ChangeSwitch(name=name, before=before, value=value), reason)

    def switches(self) -> dict[str, str]:
        """Every policy that can be switched, as it is."""
        with self._database.read() as tx:
            return {str(switch): self._rules.switch(tx, switch) for switch in Switch}

    # --- deciding -----------------------------------------------------------------------------------------

    def listed(self, actor: Person, *, open_only: bool = True) -> list[Proposal]:
        """The newest first. Auditors see them too."""
        require(actor.name, actor.roles, Action.AUDIT)
        with self._database.read() as tx:
            found = [
                _view(tx, p) for p in proposals.listed(tx, state=ProposalState.OPEN if open_only else "")
            ]
        return [p for p in found if p.state is ProposalState.OPEN or not open_only]

    def confirm(self, actor: Person, ref: str, sha256_shown: str = "") -> Done:
        """It is done, to the letter. Never by the one who proposed it. Stale where what it was about has changed.

        `sha256_shown` is what the page showed: another one is refused.
        """
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            self._rules.require_fresh(tx, actor)
            stored = self._open(tx, ref)
            if stored.proposer_id == actor.id:
                raise NotAllowed(
                    f"You proposed {stored.ref}, so another administrator must confirm it. Nothing was changed."
                )
            if sha256_shown not in ("", stored.sha256):
                raise Stale(
                    f"{stored.ref} is not what you were shown. Look at it again. Nothing was changed."
                )
            change = _read(stored)
            made = carry_out(tx, actor, change, self._vault)
            if not proposals.decide(tx, stored.id, ProposalState.CONFIRMED, actor.id):
                raise Stale(f"{stored.ref} was decided meanwhile. Nothing was changed.")
            told = {**made.payload, "proposal": stored.ref, "proposed_by": stored.proposed_by}
            _record(tx, actor, made, {**told, "sha256": stored.sha256})
        return _done(change, made)

    def decline(self, actor: Person, ref: str, reason: str) -> None:
        """By any other administrator, with the reason; by the one who proposed it: it is withdrawn."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            stored = self._open(tx, ref)
            if stored.proposer_id == actor.id:
                self._turn_down(tx, actor, stored, reason, ProposalState.WITHDRAWN, act="change_withdrawn")
            elif not reason.strip():
                raise Invalid(
                    "Give a reason: whoever proposed it and the auditor need it. Nothing was changed."
                )
            else:
                self._turn_down(tx, actor, stored, reason, ProposalState.DECLINED, act="change_declined")

    def _turn_down(
        self, tx: Tx, actor: Person, stored: StoredProposal, reason: str, state: ProposalState, *, act: str
    ) -> None:
        if not proposals.decide(tx, stored.id, state, actor.id):
            raise Stale(f"{stored.ref} was decided meanwhile. Nothing was changed.")
        payload: dict[str, Json] = {"kind": stored.kind, "reason": reason, "sha256": stored.sha256}
        audit_log.append(tx, actor=actor.name, act=act, subject=stored.ref, payload=payload)

    def propose(self, actor: Person, change: Change, reason: str = "") -> Outcome:
        """Done at once where one is enough. Tried in either case, so that nobody confirms what cannot be done."""
        require(actor.name, actor.roles, Action.MANAGE)
        content = canonical(to_json(change)).decode()
        digest = sha256(to_json(change))
        with self._database.write() as tx:
            tx.alone("people")
            self._rules.require_fresh(tx, actor)
            if self._is_enough(tx, actor, change):
                made = carry_out(tx, actor, change, self._vault)
                _record(tx, actor, made, {**made.payload, "reason": reason} if reason else made.payload)
                return _done(change, made)
            self._try_out(tx, actor, change)
            ref = proposals.insert(
                tx,
                kind=change.kind,
                content=content,
                sha256=digest,
                reason=reason,
                by=actor.id,
                lasts=PROPOSAL_LASTS,
            )
            payload: dict[str, Json] = {"change": for_the_log(change), "reason": reason, "sha256": digest}
            audit_log.append(tx, actor=actor.name, act="change_proposed", subject=ref, payload=payload)
            stored = proposals.find(tx, ref)
            assert stored
            return _view(tx, stored)

    def _is_enough(self, tx: Tx, actor: Person, change: Change) -> bool:
        if not self._rules.needs_second_administrator(tx):
            return True
        if not self._rules.is_only_administrator(tx, actor):
            return False
        if isinstance(change, AddUser | ChangeRoles | EnableUser) and Role.ADMINISTRATOR in change.roles:
            return True
        if isinstance(change, InviteUser) and self._rules.waits_for_invitation(tx, change.name):
            return True  # or a lost link would leave this administrator alone for good
        raise NotAllowed(ONLY_ONE)

    def _try_out(self, tx: Tx, actor: Person, change: Change) -> None:
        """All of it, and taken back."""
        with tx.connection.begin_nested() as point:
            carry_out(tx, actor, change, self._vault)
            point.rollback()

    def _open(self, tx: Tx, ref: str) -> StoredProposal:
        stored = proposals.find(tx, ref, lock=True)
        if stored is None:
            raise NotFound(f'There is no proposal "{ref}".', command="See: broadcaster proposal list")
        if stored.state != ProposalState.OPEN:
            raise Stale(f"{stored.ref} is {stored.state} already. Nothing was changed.")
        if stored.expires_at <= tx.now():
            raise Stale(
                f"{stored.ref} is older than {PROPOSAL_LASTS.days} days. Propose it again. Nothing was changed."
            )
        return stored

    def _known(self, name: str) -> Person:
        with self._database.read() as tx:
            known = people.known(tx, name)
            if known is None:
                raise NotFound(f'There is no user "{name}".{did_you_mean(name, people.names(tx))}')
        return known.person


def _done(change: Change, made: Made) -> Done:
    shown = {name: getattr(made, name) for name in ("invitation", "token", "secret", "uid")}
    return Done(in_words=change.in_words, **shown)


def _record(tx: Tx, actor: Person, made: Made, payload: dict[str, Json]) -> None:
    audit_log.append(tx, actor=actor.name, act=made.act, subject=made.subject, payload=payload)


def _read(stored: StoredProposal) -> Change:
    """Stale where it is not to the letter what was proposed."""
    try:
        data = json.loads(stored.content)
        if canonical(data).decode() == stored.content and sha256(data) == stored.sha256:
            return from_json(data)
    except (ValueError, KeyError, TypeError):
        pass
    raise Stale(f"{stored.ref} was altered since it was proposed. Tell your auditor. Nothing was changed.")


def _view(tx: Tx, stored: StoredProposal) -> Proposal:
    state = ProposalState(stored.state)
    if state is ProposalState.OPEN and stored.expires_at <= tx.now():
        state = ProposalState.EXPIRED
    try:
        in_words = _read(stored).in_words
    except Stale as stale:
        in_words = stale.text
    return Proposal(
        ref=stored.ref,
        kind=stored.kind,
        in_words=in_words,
        sha256=stored.sha256,
        reason=stored.reason,
        proposed_by=stored.proposed_by,
        proposed_at=stored.proposed_at,
        expires_at=stored.expires_at,
        state=state,
        decided_by=stored.decided_by,
        decided_at=stored.decided_at,
    )
