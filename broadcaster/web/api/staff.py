"""One user as an administrator looks at him, single sign-on, ending sessions; and the policy that staff read before they send."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.db.staff import Member
from broadcaster.service.first_live import LONGEST, FirstLiveSteps
from broadcaster.web.api.guard import Asking, Managing, managing, parts_of
from broadcaster.web.api.people import Changed, MaybeBecause, UserName
from broadcaster.web.api.shapes import NO_NUL, Given, Told

router = APIRouter(tags=["users, tokens, proposals"])


class WholeUser(BaseModel):
    """With what this user can sign in. `seen_at` is when a browser of theirs was last here; `invited_until` is null where no
    invitation waits, `sso_since` until the first time."""

    name: str
    roles: list[str]
    created_at: datetime
    disabled_at: datetime | None
    can_sign_in: bool
    has_password: bool
    has_app: bool
    passkeys: int
    seen_at: datetime | None
    invited_until: datetime | None
    sso: bool
    sso_since: datetime | None

    @classmethod
    def of(cls, found: Member) -> "WholeUser":
        known = found.known
        names = ("name", "can_sign_in", "has_password", "has_app", "passkeys", "seen_at", "invited_until")
        return cls(
            roles=sorted(known.person.roles),
            created_at=known.created_at,
            disabled_at=known.disabled_at,
            **{name: getattr(found, name) for name in (*names, "sso", "sso_since")},
        )


class SingleSignOn(MaybeBecause):
    allowed: bool = Field(description="Whether this user may come in by single sign-on.")


class SignedOut(BaseModel):
    """So many sessions have ended. Tokens go on."""

    name: str
    sessions: int


class PolicyText(Told):
    no: int
    words: str
    sha256: str
    author: str
    created_at: datetime


class OwnSteps(BaseModel):
    """`asked`: whether anything is asked before a first live message; `lacking` what this user has still to do; `text` the policy in
    force, null where nobody has written any."""

    asked: bool
    has_read: bool
    has_exercised: bool
    has_sent: bool
    lacking: list[str]
    text: PolicyText | None

    @classmethod
    def of(cls, found: FirstLiveSteps) -> "OwnSteps":
        return cls(
            asked=found.asked,
            has_read=found.has_read,
            has_exercised=found.has_exercised,
            has_sent=found.has_sent,
            lacking=list(found.lacking),
            text=PolicyText.model_validate(found.text) if found.text else None,
        )


class HasRead(Given):
    version: int = Field(ge=1, le=2**31 - 1, description="`text.no`, as it was shown.")


class NewPolicy(Given):
    words: str = Field(max_length=LONGEST, pattern=NO_NUL)


@router.get("/users/{name}")
def show_user(request: Request, actor: Managing, name: UserName) -> WholeUser:
    """And with what this user signs in."""
    return WholeUser.of(parts_of(request).staff.one(actor, name))


@router.put("/users/{name}/single-sign-on")
def change_single_sign_on(request: Request, actor: Managing, name: UserName, body: SingleSignOn) -> Changed:
    """Let a user come in by single sign-on, or no longer. A second administrator confirms it."""
    proposals = parts_of(request).proposals
    change = proposals.allow_sso if body.allowed else proposals.take_sso_away
    return Changed.of(change(actor, name, reason=body.reason))


@router.post("/users/{name}/sign-out")
def sign_user_out(request: Request, actor: Managing, name: UserName) -> SignedOut:
    """End every session in a browser, at once. One administrator is enough: it only takes away."""
    return SignedOut(name=name, sessions=parts_of(request).sessions.end_all(actor, name))


@router.get("/me/policy")
def show_policy(request: Request, actor: Asking) -> OwnSteps:
    """The policy that staff read, and what the user has still to do before a first live message."""
    return OwnSteps.of(parts_of(request).first_live.of(actor))


@router.post("/me/policy")
def acknowledge_policy(request: Request, actor: Asking, body: HasRead) -> OwnSteps:
    """The user has read this version. A program says so only where that person has said so to it."""
    service = parts_of(request).first_live
    service.acknowledge(actor, body.version)
    return OwnSteps.of(service.of(actor))


@router.get("/staff-policy", dependencies=[managing])
def list_policy_texts(request: Request) -> list[PolicyText]:
    """All its versions, the newest first."""
    return [PolicyText.model_validate(each) for each in parts_of(request).first_live.texts()]


@router.put("/staff-policy")
def write_policy(request: Request, actor: Asking, body: NewPolicy) -> PolicyText:
    """Its next version. Whoever has sent something live is not held up by it; others read it first."""
    return PolicyText.model_validate(parts_of(request).first_live.write(actor, body.words))
