"""Paging staff: what a page is about, what came of it, who is next, and how long each waits. Knows no way of paging."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broadcaster.domain.policy import Role
from broadcaster.domain.rota import DutyRole

REACH_OF_A_TEXT = 300  # characters: two segments, and a link that is still whole


class RequestKind(StrEnum):
    APPROVAL = "approval"  #: a submission waits for a second person
    TOLD = "told"  #: something needs a person: an alarm, a notice that could not go out
    BREAK_GLASS = (
        "break-glass"  #: somebody sent without a second person: everybody who approves is told, once
    )
    REVIEW = "review"  #: and somebody else looks at it afterwards
    TEST = "test"  #: somebody tries out whether a page reaches him or her; it is over as soon as it is made


class PageState(StrEnum):
    """Three outcomes, as of everything that leaves this house. A page that may have arrived is not waited for any longer
    than one that did; a page that surely did not costs nobody the wait."""

    WAITING = "waiting"
    BEGUN = "begun"
    SENT = "sent"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


MAIL, SMS, ROOM = "mail", "sms", "room"
NO_WAY = "no_way"  # the person gave no work number and no work address that could be used

#: Which role everybody in it has, where nobody on call answers.
ROLE_OF: Mapping[str, Role] = {
    DutyRole.OFFICER: Role.OFFICER,
    DutyRole.APPROVER: Role.APPROVER,
    DutyRole.TECHNICAL: Role.ADMINISTRATOR,
}

#: By the policy `nobody-answers`: the end of the sentence "If nobody answers, ...".
IF_NOBODY_ANSWERS: Mapping[str, str] = {
    "nothing": "nothing is sent",
    "again": "everybody who approves is paged again and again until the time is over, and then nothing is sent",
    "pre-authorised": "wording that was authorised beforehand goes out by itself, and nothing else is sent",
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """Something that pages people until it is over. `waited_s` counts from when it was opened."""

    id: int
    uid: str
    kind: RequestKind
    subject: str
    submission_id: int | None
    role: str
    words: str
    link: str
    state: str
    stage: int
    opened_at: datetime
    next_at: datetime | None
    acknowledged_by: str
    acknowledged_at: datetime | None
    acknowledged_way: str
    closed_at: datetime | None
    closed_why: str

    def waited_s(self, now: datetime) -> int:
        return max(0, int((now - self.opened_at).total_seconds()))

    @property
    def answered_in_s(self) -> int | None:
        return self.waited_s(self.acknowledged_at) if self.acknowledged_at else None


@dataclass(frozen=True, kw_only=True)
class Page:
    """`person` is empty where a room was paged: a team's channel that several read."""

    id: int
    person: str
    way: str
    stage: int
    state: PageState
    code: str
    made_at: datetime
    done_at: datetime | None


def turns(on_call: Sequence[str], everybody: Iterable[str]) -> list[tuple[str, ...]]:
    """Who is paged at each stage: those on call one after the other, then everybody in the role."""
    known = tuple(dict.fromkeys(everybody))
    first: list[tuple[str, ...]] = [(name,) for name in dict.fromkeys(on_call) if name in known]
    return [*first, known] if known else first


def surely_missed(pages: Sequence[Page]) -> bool:
    """Whether each page of a stage is known not to have gone: then nobody waits for an answer to it."""
    people = [p for p in pages if p.person]
    return bool(people) and all(p.state is PageState.NOT_SENT for p in people)


def worded(words: str, *, waited_s: int, stage: int, link: str) -> str:
    """What a page says. The seconds are those of the moment at which it goes."""
    waits = f" It has waited {waited_s:,} seconds." if stage or waited_s > 20 else ""
    return f"{words}{waits} {link}".strip()
