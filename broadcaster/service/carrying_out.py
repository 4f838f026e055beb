"""Carries a change of who may do what out, to the letter, or refuses it: in the transaction of whoever decided it."""

from datetime import datetime
from functools import singledispatch
from typing import Any

from broadcaster.db import credentials, delegations, first_live, people, proposals, sessions, sso, tokens
from broadcaster.db.engine import Tx
from broadcaster.db.people import Known, Person
from broadcaster.db.vault import Vault
from broadcaster.domain.canonical import Json
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
    TakeSsoAway,
    to_json,
)
from broadcaster.domain.errors import NotAllowed, NotFound, Stale
from broadcaster.domain.identity import SWITCHES, Switch
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Role
from broadcaster.domain.webhook_changes import AddWebhook, ChangeWebhook, RotateWebhook
from broadcaster.service import webhook_changes
from broadcaster.service.made import Made
from broadcaster.service.passwords import invite
from broadcaster.service.people import insert_person, insert_token, told_of_token

MOVED = "{} has changed since this was proposed. Propose it again. Nothing was changed."


def carry_out(tx: Tx, by: Person, change: Change, vault: Vault) -> Made:
    """Stale, NotFound, Invalid or NotAllowed where it cannot be done as it stands. The caller writes the event."""
    tx.alone("people")  # or two administrators could each take the other's role away
    if isinstance(change, AddWebhook | ChangeWebhook | RotateWebhook):
        return webhook_changes.carry_out(change, tx, by, vault)
    return _carry_out(change, tx, by)


@singledispatch
def _carry_out(change: Any, tx: Tx, by: Person) -> Made:  # noqa: ARG001
    raise TypeError(f"nothing is known of {type(change).__name__}")


@_carry_out.register
def _(change: AddUser, tx: Tx, by: Person) -> Made:
    made = insert_person(tx, change.name, frozenset(change.roles))
    payload: dict[str, Json] = {"roles": list(change.roles)}
    return Made(act="user_added", subject=change.name, payload=payload, invitation=invite(tx, made, by))


@_carry_out.register
def _(change: ChangeRoles, tx: Tx, by: Person) -> Made:  # noqa: ARG001 - they are all called alike
    known = _enabled(tx, change.name)
    if known.person.roles != frozenset(change.before):
        raise Stale(MOVED.format(f"What {change.name} may do"))
    if frozenset(change.roles) == known.person.roles:
        raise Stale(f"{change.name} has these roles already. Nothing was changed.")
    people.set_roles(tx, known.person.id, frozenset(change.roles))
    _require_administrator_left(tx)
    ended = sessions.end_all(tx, "roles changed", person_id=known.person.id)
    payload: dict[str, Json] = {"before": list(change.before), "roles": list(change.roles), "sessions": ended}
    return Made(act="roles_changed", subject=change.name, payload=payload)


@_carry_out.register
def _(change: DisableUser, tx: Tx, by: Person) -> Made:  # noqa: ARG001
    known = _enabled(tx, change.name)
    people.set_disabled(tx, known.person.id, tx.now())
    _require_administrator_left(tx)
    payload: dict[str, Json] = {
        "sessions": sessions.end_all(tx, "user disabled", person_id=known.person.id),
        "tokens": tokens.revoke_all(tx, known.person.id),
    }
    return Made(act="user_disabled", subject=change.name, payload=payload)


@_carry_out.register
def _(change: EnableUser, tx: Tx, by: Person) -> Made:  # noqa: ARG001
    known = _known(tx, change.name)
    if known.disabled_at is None:
        raise Stale(f"{change.name} is not disabled. Nothing was changed.")
    if known.person.roles != frozenset(change.roles):
        raise Stale(MOVED.format(f"What {change.name} may do"))
    people.set_disabled(tx, known.person.id, None)
    return Made(act="user_enabled", subject=change.name, payload={"roles": list(change.roles)})


@_carry_out.register
def _(change: InviteUser, tx: Tx, by: Person) -> Made:
    known = _enabled(tx, change.name)
    if change.factors:
        credentials.remove_all_factors(tx, known.person.id)
        sessions.end_all(tx, "second factors taken away", person_id=known.person.id)
        tokens.revoke_all(tx, known.person.id)
    link = invite(tx, known.person, by)
    payload: dict[str, Json] = {"factors_removed": change.factors}
    return Made(act="user_invited", subject=change.name, payload=payload, invitation=link)


@_carry_out.register
def _(change: IssueToken, tx: Tx, by: Person) -> Made:  # noqa: ARG001
    known = _enabled(tx, change.name)
    issued = insert_token(tx, known.person, days=change.days, label=change.label, scopes=change.scopes)
    payload: dict[str, Json] = {**told_of_token(issued, change.label, change.scopes)}
    return Made(act="token_issued", subject=change.name, payload=payload, token=issued.text)


@_carry_out.register
def _(change: ChangeSwitch, tx: Tx, by: Person) -> Made:  # noqa: ARG001
    switch = Switch(change.name)
    if proposals.switches(tx).get(switch, SWITCHES[switch][0]) != change.before:
        raise Stale(MOVED.format(f'The policy "{change.name}"'))
    if change.value == change.before:
        raise Stale(f'The policy is "{change.value}" already. Nothing was changed.')
    if switch is Switch.FIRST_LIVE and change.value == "on" and first_live.text_in_force(tx) is None:
        raise Stale(
            "There is no policy yet that anybody could read. Write it first: under Manage, Policy to read. Nothing was changed."
        )
    proposals.set_switch(tx, change.name, change.value)
    payload: dict[str, Json] = {"before": change.before, "value": change.value}
    return Made(act="policy_changed", subject=change.name, payload=payload)


@_carry_out.register
def _(change: AllowSso, tx: Tx, by: Person) -> Made:  # noqa: ARG001
    known = _enabled(tx, change.name)
    if not sso.allow(tx, known.person.id):
        raise Stale(f"{change.name} may sign in by single sign-on already. Nothing was changed.")
    return Made(act="sso_allowed", subject=change.name)


@_carry_out.register
def _(change: TakeSsoAway, tx: Tx, by: Person) -> Made:  # noqa: ARG001
    known = _known(tx, change.name)
    if not sso.forget(tx, known.person.id):
        raise Stale(f"{change.name} could not sign in by single sign-on. Nothing was changed.")
    ended = sessions.end_all(tx, "single sign-on taken away", person_id=known.person.id)
    return Made(act="sso_taken_away", subject=change.name, payload={"sessions": ended})


@_carry_out.register
def _(change: GiveDelegation, tx: Tx, by: Person) -> Made:
    """Whoever is no approver becomes a delegate by it: without a delegation in force that role opens nothing."""
    known = _enabled(tx, change.name)
    starts_at, ends_at = datetime.fromisoformat(change.starts), datetime.fromisoformat(change.ends)
    if ends_at <= tx.now():
        raise Stale("That time is over already. Propose it anew. Nothing was changed.")
    roles, payload = known.person.roles, to_json(change)
    ref = delegations.insert(
        tx,
        person_id=known.person.id,
        covers=change.covers.to_json(),
        scheme=change.scheme,
        starts_at=starts_at,
        ends_at=ends_at,
        by=by.id,
    )
    if not {Role.APPROVER, Role.DELEGATE} & set(roles):
        people.set_roles(tx, known.person.id, roles | {str(Role.DELEGATE)})
        payload["sessions"] = sessions.end_all(tx, "roles changed", person_id=known.person.id)
        payload["role_added"] = str(Role.DELEGATE)
    told = {name: value for name, value in payload.items() if name not in {"kind", "name"}}
    return Made(act="delegation_given", subject=change.name, payload={"delegation": ref, **told})


def _enabled(tx: Tx, name: str) -> Known:
    known = _known(tx, name)
    if known.disabled_at is not None:
        raise Stale(f"{name} is disabled. Nothing was changed.")
    return known


def _known(tx: Tx, name: str) -> Known:
    known = people.known(tx, name, lock=True)
    if known is None:
        raise NotFound(f'There is no user "{name}".{did_you_mean(name, people.names(tx))}')
    return known


def _require_administrator_left(tx: Tx) -> None:
    if not people.administrators(tx):
        raise NotAllowed(f"Somebody must stay {Role.ADMINISTRATOR}. Nothing was changed.")
