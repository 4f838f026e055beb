"""Break-glass: sending without a second person, when nobody can be reached and it cannot wait. What the policy allows of it."""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum

INTERVAL = timedelta(minutes=10)
REVIEW_WITHIN = timedelta(hours=24)
REVIEW_FIRST_ASKED = timedelta(hours=12)
SHORTEST_REASON = 20
MOST_PEOPLE = 50_000
OFF, TEMPLATES, PUBLIC = "off", "templates", "public"
#: What sets right what went out must not wait for its turn.
CORRECTIONS = frozenset({"correction", "sent-in-error", "rumour-correction"})


class Verdict(StrEnum):
    RIGHT = "right"  #: it could not wait, and what was sent was right
    AVOIDABLE = "avoidable"  #: somebody could have been reached, or it could have waited
    WRONG = "wrong"  #: it should not have been sent, or not so


def most_people(policy: str) -> int:
    """The cap on an audience."""
    number = policy.rpartition("-")[2]
    return min(MOST_PEOPLE, int(number)) if number.isdecimal() else MOST_PEOPLE


def outside(policy: str, *, recipients: int, public: bool, pre_authorised_wording: bool) -> Iterator[str]:
    """Why the policy does not allow it. Public posts have no bounded audience, so what they say was authorised before, or two
    administrators have chosen otherwise."""
    if policy == TEMPLATES and not pre_authorised_wording:
        yield "the policy allows only wording that was authorised beforehand, and nobody authorised this one"
    elif public and not pre_authorised_wording and not policy.startswith(PUBLIC):
        yield (
            "public posts reach everybody, and the policy allows them only with wording that was authorised beforehand; leave "
            "the public channels out"
        )
    if recipients > most_people(policy):
        yield f"it goes to {recipients:,} people, and the policy allows {most_people(policy):,}"


def is_correction(*, purpose: str, template: str, sequence: int) -> bool:
    """Of something that was sent before in its incident: else it would be a way round the interval."""
    return bool({purpose, template} & CORRECTIONS) and sequence > 1
