"""Who may use this: users, tokens, policies, and the proposals by which two administrators change them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.policy import Role, Scope
from broadcaster.service.proposals import Done, Outcome
from broadcaster.web.api.guard import Asking, Managing, managing, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import NO_NUL, Given, Hash, Name, Reason, Told, Why

router = APIRouter(tags=["users, tokens, proposals"])

UserName = Annotated[str, Path(max_length=64, pattern=NO_NUL)]
Ref = Annotated[str, Path(max_length=20, pattern=NO_NUL)]


class Me(BaseModel):
    """`scopes` narrow what the roles allow; empty: the token is good for all of it. `factor_at`: when the second factor was
    given for this token."""

    name: str
    roles: list[str]
    scopes: list[str]
    factor_at: datetime | None


class Code(Given):
    code: Annotated[str, Field(max_length=40, pattern=NO_NUL, examples=["123456"])]


class User(BaseModel):
    name: str
    roles: list[str]
    created_at: datetime
    disabled_at: datetime | None


class NewUser(Given):
    name: Name
    roles: list[Role] = Field(max_length=10)
    reason: Why = ""


class Roles(Given):
    roles: list[Role] = Field(max_length=10)
    reason: Why = ""


class MaybeBecause(Given):
    reason: Why = ""


class Invitation(MaybeBecause):
    factors: bool = Field(default=False, description="The second factors go too, since they were lost.")


class Token(Told):
    id: int
    person: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class NewToken(Given):
    """For oneself it is made at once; for somebody else a second administrator must confirm it. Without `scopes` it is good
    for all that the user's roles allow, or as little as the token that asks."""

    person: Name = Field("", description="Empty: for oneself.")
    days: int = Field(ge=1, le=3650)
    name: Name = ""
    scopes: list[Scope] = Field([], max_length=10)
    reason: Why = ""


class Changed(BaseModel):
    """`done`: at once; `invitation`, `token` or the `secret` of a webhook is shown only now, and `uid` is of that webhook.
    Otherwise `proposal` waits for another administrator."""

    done: bool
    in_words: str
    invitation: str = ""
    token: str = ""
    secret: str = ""
    uid: str = ""
    proposal: str = ""
    sha256: str = ""

    @classmethod
    def of(cls, made: Outcome) -> "Changed":
        if isinstance(made, Done):
            shown = {name: getattr(made, name) for name in ("invitation", "token", "secret", "uid")}
            return cls(done=True, in_words=made.in_words, **shown)
        return cls(done=False, in_words=made.in_words, proposal=made.ref, sha256=made.sha256)


class Proposal(Told):
    ref: str
    kind: str
    in_words: str
    sha256: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    state: str
    decided_by: str
    decided_at: datetime | None


class Confirmation(Given):
    sha256: Hash = Field(description="Of the proposal as you were shown it.")


class Because(Given):
    reason: Reason


class Value(Given):
    value: Name
    reason: Why = ""


@router.get("/me")
def who_am_i(actor: Asking) -> Me:
    """Whose token this is, and what it is good for."""
    return _me(actor)


@router.post("/me/second-factor")
def give_second_factor(request: Request, actor: Asking, body: Code) -> Me:
    """A code of the user's authenticator app, for the token that asks: approving a live message and managing users want one
    that was given a few minutes ago at most."""
    return _me(parts_of(request).factors.confirm_token(actor, body.code))


def _me(actor: Person) -> Me:
    scopes: frozenset[str] = getattr(actor.roles, "scopes", frozenset())
    return Me(name=actor.name, roles=sorted(actor.roles), scopes=sorted(scopes), factor_at=actor.factor_at)


@router.get("/users")
def list_users(request: Request, actor: Managing, pages: Pages) -> Listed[User]:
    """Everybody, by name, the disabled ones too."""
    found = parts_of(request).people.listed(actor)
    return pages.cut(
        found,
        lambda each: each.person.name,
        lambda each: User(
            name=each.person.name,
            roles=sorted(each.person.roles),
            created_at=each.created_at,
            disabled_at=each.disabled_at,
        ),
    )


@router.post("/users", status_code=201)
def add_user(request: Request, actor: Asking, body: NewUser) -> Changed:
    """Invite the new user afterwards. Where two administrators decide, another one confirms it."""
    return Changed.of(parts_of(request).proposals.add_user(actor, body.name, body.roles, reason=body.reason))


@router.put("/users/{name}/roles")
def change_roles(request: Request, actor: Managing, name: UserName, body: Roles) -> Changed:
    """All roles anew. Where two administrators decide, another one confirms it."""
    return Changed.of(parts_of(request).proposals.change_roles(actor, name, body.roles, reason=body.reason))


@router.post("/users/{name}/disable")
def disable_user(request: Request, actor: Managing, name: UserName, body: MaybeBecause) -> Changed:
    """Every session and token ends."""
    return Changed.of(parts_of(request).proposals.disable_user(actor, name, reason=body.reason))


@router.post("/users/{name}/enable")
def enable_user(request: Request, actor: Managing, name: UserName, body: MaybeBecause) -> Changed:
    """With the roles that there were. Where two administrators decide, another one confirms it."""
    return Changed.of(parts_of(request).proposals.enable_user(actor, name, reason=body.reason))


@router.post("/users/{name}/invite")
def invite_user(request: Request, actor: Managing, name: UserName, body: Invitation) -> Changed:
    """A link with which the user sets a new password."""
    proposals = parts_of(request).proposals
    return Changed.of(proposals.invite_user(actor, name, factors=body.factors, reason=body.reason))


@router.get("/tokens")
def list_tokens(
    request: Request,
    actor: Asking,
    pages: Pages,
    of: Annotated[
        str, Query(max_length=64, pattern=NO_NUL, description="A user, or * for everybody. Empty: one's own.")
    ] = "",
) -> Listed[Token]:
    """Those that can be used, the newest first."""
    found = parts_of(request).people.tokens(actor, of=of)
    return pages.cut(found, lambda each: -each.id, Token.model_validate)


@router.post("/tokens", status_code=201)
def issue_token(request: Request, actor: Asking, body: NewToken) -> Changed:
    """What is answered is shown only now."""
    parts = parts_of(request)
    if body.person in {"", actor.name}:
        made = parts.people.issue_token(
            actor, name=actor.name, days=body.days, label=body.name, scopes=body.scopes
        )
        return Changed(done=True, in_words=f"A token for {made.person}.", token=made.text)
    return Changed.of(
        parts.proposals.issue_token(
            actor, body.person, days=body.days, label=body.name, scopes=body.scopes, reason=body.reason
        )
    )


@router.delete("/tokens/{token_id}")
def revoke_token(
    request: Request, actor: Asking, token_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> Token:
    """At once: one's own, or as an administrator anybody's."""
    return Token.model_validate(parts_of(request).people.revoke_token(actor, token_id))


@router.get("/proposals")
def list_proposals(request: Request, actor: Asking, pages: Pages, *, past: bool = False) -> Listed[Proposal]:
    """Those that wait for an administrator, the newest first; with `past` all."""
    found = parts_of(request).proposals.listed(actor, open_only=not past)
    return pages.cut(found, lambda each: [-each.proposed_at.timestamp(), each.ref], Proposal.model_validate)


@router.post("/proposals/{ref}/confirm")
def confirm_proposal(request: Request, actor: Asking, ref: Ref, body: Confirmation) -> Changed:
    """It is done, to the letter. Never by the one who proposed it."""
    return Changed.of(parts_of(request).proposals.confirm(actor, ref, body.sha256.lower()))


@router.post("/proposals/{ref}/decline")
def decline_proposal(request: Request, actor: Asking, ref: Ref, body: Because) -> Changed:
    """By the one who proposed it, it is withdrawn."""
    parts_of(request).proposals.decline(actor, ref, body.reason)
    return Changed(done=False, in_words="It is not done.", proposal=ref)


@router.get("/policies", dependencies=[managing])
def list_policies(request: Request) -> dict[str, str]:
    """Each with its value."""
    return parts_of(request).proposals.switches()


@router.put("/policies/{name}")
def change_policy(request: Request, actor: Asking, name: UserName, body: Value) -> Changed:
    """Where two administrators decide, another one confirms it."""
    return Changed.of(parts_of(request).proposals.change_switch(actor, name, body.value, reason=body.reason))
