"""Who may do what, and the bounds that people agreed on. Each policy is written here once."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Self

from broadcaster.domain.errors import Invalid, NotAllowed


class Role(StrEnum):
    OFFICER = "officer"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    DATA_KEEPER = "data-keeper"
    DELEGATE = "delegate"  # approves what a delegation covers, and nothing else


class Action(StrEnum):
    """Each value completes the sentence "Only ... may ..."."""

    WRITE = "write and submit messages"
    APPROVE = "approve, return or reject messages"
    STOP = "stop a broadcast"
    DECIDE = "decide about deliveries with an unknown outcome"
    IMPORT = "import audiences"
    ERASE = "look up or erase a person's number"
    AUDIT = "read the audit log"
    MANAGE = "manage users, tokens and accounts"
    READ = "see messages"
    INCIDENT = "keep the record of an incident"
    ROTA = "change the rota"
    WORD = "edit notice templates"
    HOLD = "place or lift a legal hold"
    AUTHORISE = "authorise wording beforehand"
    SEND_ALONE = "send without a second person"
    REVIEW = "review what was sent without a second person"
    REDACT = "redact what was sent"
    STORM = "switch storm mode, and decide about what it held"
    DRILL = "plan, start and end drills"
    SCHEDULE = "pause, resume or end a schedule, or leave out a run"
    ANSWER = "answer for themselves"


MAY: Mapping[Action, frozenset[Role]] = {
    Action.WRITE: frozenset({Role.OFFICER}),
    Action.APPROVE: frozenset({Role.APPROVER, Role.DELEGATE}),
    Action.STOP: frozenset({Role.OFFICER, Role.APPROVER, Role.DELEGATE}),
    Action.DECIDE: frozenset({Role.OFFICER, Role.APPROVER}),
    Action.IMPORT: frozenset({Role.OFFICER, Role.ADMINISTRATOR, Role.DATA_KEEPER}),
    Action.ERASE: frozenset({Role.ADMINISTRATOR, Role.DATA_KEEPER}),
    Action.AUDIT: frozenset({Role.AUDITOR, Role.ADMINISTRATOR}),
    Action.MANAGE: frozenset({Role.ADMINISTRATOR}),
    Action.INCIDENT: frozenset({Role.OFFICER, Role.APPROVER}),
    Action.READ: frozenset({Role.OFFICER, Role.APPROVER, Role.DELEGATE, Role.AUDITOR, Role.ADMINISTRATOR}),
    Action.ROTA: frozenset({Role.OFFICER, Role.ADMINISTRATOR}),
    Action.WORD: frozenset({Role.OFFICER, Role.ADMINISTRATOR}),
    Action.HOLD: frozenset({Role.AUDITOR, Role.ADMINISTRATOR}),
    Action.REDACT: frozenset({Role.ADMINISTRATOR}),
    Action.AUTHORISE: frozenset({Role.APPROVER, Role.ADMINISTRATOR}),
    Action.SEND_ALONE: frozenset({Role.OFFICER}),
    Action.REVIEW: frozenset({Role.APPROVER, Role.AUDITOR}),
    # Who is on duty, alone and at once: a storm does not wait for a second person, and nothing is lost by holding.
    Action.STORM: frozenset({Role.OFFICER, Role.APPROVER}),
    Action.DRILL: frozenset({Role.OFFICER, Role.ADMINISTRATOR}),
    Action.SCHEDULE: frozenset({Role.OFFICER, Role.APPROVER}),
    Action.ANSWER: frozenset(Role),
}


class Scope(StrEnum):
    """What a token may be used for, as far as its user's roles allow it."""

    READ = "read"
    WRITE = "write"
    APPROVE = "approve"
    OPERATE = "operate"
    LISTS = "lists"
    AUDIT = "audit"
    MANAGE = "manage"


SCOPE_OF: Mapping[Action, Scope] = {
    Action.WRITE: Scope.WRITE,
    Action.APPROVE: Scope.APPROVE,
    Action.STOP: Scope.OPERATE,
    Action.DECIDE: Scope.OPERATE,
    Action.IMPORT: Scope.LISTS,
    Action.ERASE: Scope.LISTS,
    Action.AUDIT: Scope.AUDIT,
    Action.MANAGE: Scope.MANAGE,
    Action.READ: Scope.READ,
    Action.INCIDENT: Scope.OPERATE,
    Action.ROTA: Scope.WRITE,
    Action.WORD: Scope.WRITE,
    Action.HOLD: Scope.AUDIT,
    Action.REDACT: Scope.MANAGE,
    Action.AUTHORISE: Scope.APPROVE,
    Action.SEND_ALONE: Scope.APPROVE,  # who may only write for somebody releases nothing
    Action.REVIEW: Scope.APPROVE,
    Action.STORM: Scope.OPERATE,
    Action.DRILL: Scope.WRITE,
    Action.SCHEDULE: Scope.OPERATE,
    Action.ANSWER: Scope.WRITE,  # a program that only reads gives nobody's word, and says of nobody how he is reached
}


class Narrowed(frozenset[str]):
    """Roles of which only some can be used now: by this token, or in a session that is not yet all the way in.

    A set of roles like any other, so that no place that asks about roles can forget to ask about this.
    """

    scopes: frozenset[str]
    why: str

    @classmethod
    def to(cls, roles: Iterable[str], scopes: Iterable[str], why: str) -> Self:
        made = cls(roles)
        made.scopes, made.why = frozenset(scopes), why
        return made


WEBSITE_HEAD_START = timedelta(milliseconds=700)  # posts wait so long for the page they link to
RECEIPT_KEPT = timedelta(hours=24)  # a receipt may arrive before what it is about is recorded
RESEND_AT_MOST = 1_000  # unknown deliveries of one broadcast that policy alone may send again
RESEND_AT_MOST_PERCENT = 5


def require(name: str, roles: Collection[str], action: Action) -> None:
    """NotAllowed, saying who may, unless one of these roles may do this, and can be used for it now."""
    if not MAY[action] & set(roles):
        may = " or ".join(sorted(f"{_article(r)} {r}" for r in MAY[action] - {Role.DELEGATE}))
        has = ", ".join(sorted(roles)) or "no role"
        raise NotAllowed(f"Only {may} may {action}. You are {name} ({has}). Nothing was changed.")
    if isinstance(roles, Narrowed) and SCOPE_OF[action] not in roles.scopes:
        raise NotAllowed(f"{roles.why} Nothing was changed.")


def require_reason(reason: str) -> None:
    """Invalid unless somebody who decides says why: without it nobody could judge the decision afterwards."""
    if not reason.strip():
        raise Invalid("Give a reason: the auditor needs it. Nothing was changed.")


def may_resend(*, unknown: int, planned: int) -> bool:
    """Whether so many unknown deliveries of a broadcast of this size may be sent again without asking a person.

    A gateway that accepts everything and answers nothing would otherwise send a whole audience twice. A broadcast
    of up to 20 deliveries may resend one.
    """
    return unknown <= min(RESEND_AT_MOST, max(1, planned * RESEND_AT_MOST_PERCENT // 100))


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
