"""Changes of who may do what, which two administrators decide: each as data, as canonical JSON, and in words."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias, get_args

from broadcaster.domain.canonical import Json
from broadcaster.domain.delegation import Covers
from broadcaster.domain.times import time_in_words
from broadcaster.domain.webhook_changes import AddWebhook, ChangeWebhook, RotateWebhook


class ProposalState(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True)
class AddUser:
    """A new user, who gets an invitation."""

    kind: ClassVar[str] = "add_user"
    name: str
    roles: tuple[str, ...]

    @property
    def in_words(self) -> str:
        return f"Add the user {self.name} as {_listed(self.roles)}, with an invitation to set a password."


@dataclass(frozen=True, kw_only=True)
class ChangeRoles:
    kind: ClassVar[str] = "change_roles"
    name: str
    before: tuple[str, ...]
    roles: tuple[str, ...]

    @property
    def in_words(self) -> str:
        gains = [r for r in self.roles if r not in self.before]
        loses = [r for r in self.before if r not in self.roles]
        told = [f"{word} {_listed(each)}" for word, each in (("gains", gains), ("loses", loses)) if each]
        return f"Change the roles of {self.name}: {' and '.join(told)}. Afterwards: {_listed(self.roles)}."


@dataclass(frozen=True, kw_only=True)
class DisableUser:
    kind: ClassVar[str] = "disable_user"
    name: str

    @property
    def in_words(self) -> str:
        return f"Disable the user {self.name}: every session and token ends, and nothing can be done under that name."


@dataclass(frozen=True, kw_only=True)
class EnableUser:
    kind: ClassVar[str] = "enable_user"
    name: str
    roles: tuple[str, ...]

    @property
    def in_words(self) -> str:
        return f"Enable the user {self.name} again, as {_listed(self.roles)}."


@dataclass(frozen=True, kw_only=True)
class InviteUser:
    """A link with which the user sets a new password. `factors`: the second factors go too, since they were lost."""

    kind: ClassVar[str] = "invite_user"
    name: str
    factors: bool

    @property
    def in_words(self) -> str:
        also = " The second factors are taken away, and new ones must be set up." if self.factors else ""
        return f"Send {self.name} a link to set a new password. Until it is used the old one holds.{also}"


@dataclass(frozen=True, kw_only=True)
class IssueToken:
    """A token for somebody else: a program, mostly. Whoever confirms it is shown it, once."""

    kind: ClassVar[str] = "issue_token"
    name: str
    label: str
    days: int
    scopes: tuple[str, ...]

    @property
    def in_words(self) -> str:
        may = _listed(self.scopes) if self.scopes else "everything that the roles allow"
        label = f' called "{self.label}"' if self.label else ""
        return f"Give {self.name} a token{label} for {self.days} days, good for: {may}."


@dataclass(frozen=True, kw_only=True)
class ChangeSwitch:
    kind: ClassVar[str] = "change_switch"
    name: str
    before: str
    value: str

    @property
    def in_words(self) -> str:
        return f'Change the policy "{self.name}" from "{self.before}" to "{self.value}": {SAID[self.name, self.value]}'


@dataclass(frozen=True, kw_only=True)
class AllowSso:
    """Whoever single sign-on knows under this name gets in, from the first time on he alone."""

    kind: ClassVar[str] = "allow_sso"
    name: str

    @property
    def in_words(self) -> str:
        return f"Let {self.name} sign in by single sign-on. Whoever comes first under that name is {self.name} from then on."


@dataclass(frozen=True, kw_only=True)
class TakeSsoAway:
    """And what it knew the user by. Allowed anew, another may come under the name."""

    kind: ClassVar[str] = "take_sso_away"
    name: str

    @property
    def in_words(self) -> str:
        return f"Take single sign-on away from {self.name}: every session ends, and password or passkey stay."


@dataclass(frozen=True, kw_only=True)
class GiveDelegation:
    """`starts` and `ends` are ISO 8601 with offset; the rest as in domain/delegation.py."""

    kind: ClassVar[str] = "give_delegation"
    name: str
    templates: tuple[str, ...]
    severities: tuple[str, ...]
    most_cost: str
    currency: str
    starts: str
    ends: str
    scheme: str

    @property
    def covers(self) -> Covers:
        return Covers(
            templates=self.templates,
            severities=self.severities,
            most_cost=self.most_cost,
            currency=self.currency,
        )

    @property
    def in_words(self) -> str:
        since, until = (time_in_words(datetime.fromisoformat(at)) for at in (self.starts, self.ends))
        return f"Let {self.name} approve, from {since} until {until}: {self.covers.in_words}. Under: {self.scheme}."


SAID: Mapping[tuple[str, str], str] = {
    (
        "second-administrator",
        "on",
    ): "changes of users, roles, tokens, policies and webhooks need two administrators.",
    (
        "second-administrator",
        "off",
    ): "ONE administrator alone may change users, roles, tokens, policies and webhooks.",
    ("second-factor", "roles"): "approvers and administrators need a second factor.",
    ("second-factor", "all"): "everybody needs a second factor.",
    ("first-live", "off"): "nothing is asked of somebody before the first live message.",
    (
        "first-live",
        "on",
    ): "before the first live message or approval, everybody has read the policy and taken part in an "
    "exercise that was sent, so that nobody learns it in a real event.",
    ("nobody-answers", "nothing"): "if nobody answers a request to approve, nothing is sent.",
    (
        "nobody-answers",
        "again",
    ): "if nobody answers, everybody who approves is paged again and again until the time is over.",
    (
        "nobody-answers",
        "pre-authorised",
    ): "if nobody answers, a message within the bounds of a pre-authorised wording goes out BY ITSELF. Any other is not sent.",
    ("break-glass", "off"): "nobody sends without a second person.",
    (
        "break-glass",
        "templates",
    ): "an officer may send without a second person, with a reason, where the wording was pre-authorised, to up to 50,000 people.",
    **{
        (
            "break-glass",
            f"texts-{most}",
        ): f"an officer may send ANY wording without a second person, with a reason, by text "
        f"to up to {most:,} people; public posts only with pre-authorised wording."
        for most in (1000, 10000, 50000)
    },
    (
        "break-glass",
        "public-50000",
    ): "an officer may send ANY wording without a second person, with a reason: in public posts and to up to 50,000 people.",
}

Change: TypeAlias = (
    AddUser
    | ChangeRoles
    | DisableUser
    | EnableUser
    | InviteUser
    | IssueToken
    | ChangeSwitch
    | AllowSso
    | TakeSsoAway
    | GiveDelegation
    | AddWebhook
    | ChangeWebhook
    | RotateWebhook
)
_KINDS: Mapping[str, type[Any]] = {made.kind: made for made in get_args(Change)}


def to_json(change: Change) -> dict[str, Json]:
    values = {field.name: getattr(change, field.name) for field in fields(change)}
    return {"kind": change.kind, **{k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}}


def for_the_log(change: Change) -> dict[str, Json]:
    """As `to_json`, without what must not stand in a log that goes to others."""
    return {**to_json(change), **getattr(change, "in_the_log", {})}


def from_json(data: Mapping[str, Any]) -> Change:
    """ValueError, KeyError or TypeError for what none of ours is."""
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k != "kind"}
    made: Change = _KINDS[data["kind"]](**values)
    return made


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "nothing"
