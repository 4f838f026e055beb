"""A message: what an officer writes. Its facts, its versions' states, and who may do what to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """CAP 1.2, `severity`."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Urgency(StrEnum):
    """CAP 1.2, `urgency`."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """CAP 1.2, `certainty`."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class Mode(StrEnum):
    """Live speaks to the public; an exercise has other accounts, other credentials, other processes, other words."""

    LIVE = "live"
    EXERCISE = "exercise"


class Visibility(StrEnum):
    """Who may read a message. What is not public never goes to a place that everybody can read."""

    PUBLIC = "public"
    PARTNERS = "partners"
    STAFF = "staff"


class MessageState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"  #: posts and manifest are stored and wait for a second person
    RELEASED = "released"  #: approved; its broadcast exists
    REJECTED = "rejected"
    EXPIRED = "expired"  #: nobody approved in time


#: Every change of a message's state that there is. Nothing else decides one.
MESSAGE_TRANSITIONS: Mapping[MessageState, frozenset[MessageState]] = {
    MessageState.DRAFT: frozenset({MessageState.SUBMITTED}),
    MessageState.SUBMITTED: frozenset(
        {MessageState.DRAFT, MessageState.RELEASED, MessageState.REJECTED, MessageState.EXPIRED}
    ),
    MessageState.RELEASED: frozenset(),
    MessageState.REJECTED: frozenset(),
    MessageState.EXPIRED: frozenset({MessageState.DRAFT, MessageState.SUBMITTED}),
}


class Kind(StrEnum):
    """CAP 1.2, `msgType`."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The structured content of a message. Times are ISO 8601 with an offset: `2026-11-21T18:00:00+00:00`."""

    event: str
    headline: str
    area: str
    instruction: str
    starts: str
    expires: str
    source: str
    severity: Severity = Severity.UNKNOWN
    urgency: Urgency = Urgency.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN
    details: str = ""
    contact: str = ""

    def to_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> Self:
        enums = {
            "severity": Severity(data["severity"]),
            "urgency": Urgency(data["urgency"]),
            "certainty": Certainty(data["certainty"]),
        }
        return cls(**{**data, **enums})  # type: ignore[arg-type]  # the three are replaced just above

    @property
    def expires_at(self) -> datetime:
        return datetime.fromisoformat(self.expires)
