"""How somebody proves who he is: factors, what a session still wants, what a token may be used for, and the delays
between failed tries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from broadcaster.domain.policy import Role


class Factor(StrEnum):
    """What was given beside a name and a password, or instead of both."""

    PASSKEY = "passkey"
    TOTP = "totp"
    RECOVERY_CODE = "recovery-code"
    SSO = "single-sign-on"  # the provider's word that one was given there


class Wants(StrEnum):
    """What a session must be given before its user may do what his roles allow."""

    NOTHING = "nothing"
    FACTOR = "factor"  # the second factor
    ENROLMENT = "enrolment"  # a second factor must be set up first: the session may do that and nothing else


class Switch(StrEnum):
    """Policies that administrators may choose otherwise, by a proposal."""

    SECOND_ADMINISTRATOR = "second-administrator"
    SECOND_FACTOR = "second-factor"
    FIRST_LIVE = "first-live"
    NOBODY_ANSWERS = "nobody-answers"
    BREAK_GLASS = "break-glass"


#: What each may be set to; the first is how it is shipped.
SWITCHES: Mapping[Switch, tuple[str, ...]] = {
    Switch.SECOND_ADMINISTRATOR: ("on", "off"),
    Switch.SECOND_FACTOR: ("roles", "all"),
    Switch.FIRST_LIVE: ("off", "on"),
    Switch.NOBODY_ANSWERS: ("nothing", "again", "pre-authorised"),
    Switch.BREAK_GLASS: ("off", "templates", "texts-1000", "texts-10000", "texts-50000", "public-50000"),
}

NEEDS_FACTOR = frozenset({Role.APPROVER, Role.DELEGATE, Role.ADMINISTRATOR})
INVITATION_LASTS = timedelta(days=3)
PROPOSAL_LASTS = timedelta(days=7)
CHALLENGE_LASTS = timedelta(minutes=5)
SSO_LASTS = timedelta(minutes=10)  # from being sent to the provider until coming back
FACTOR_WANTED_LASTS = timedelta(minutes=15)  # from the password to the second factor, or until one is set up
RECOVERY_CODES = 10


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long the next try must wait: not at all after `free` failures, then 1, 2, 4... seconds up to `longest_s`."""

    free: int
    longest_s: int

    def wait_s(self, failures: int) -> int:
        over = failures - self.free
        return 0 if over <= 0 else min(self.longest_s, 1 << min(over - 1, 16))


#: Whoever guesses from one place at one name waits longest. A place alone may be a whole council behind one address. The
#: brakes on a name, and on everybody, hold only those who come from a place that this person never signed in from: a
#: stranger can not keep the duty officer out of her own account at night. They are short, since a new place may be hers.
PER_NAME_AND_PLACE = Pace(free=3, longest_s=60)
PER_PLACE = Pace(free=30, longest_s=60)
PER_NAME = Pace(free=20, longest_s=10)
EVERYBODY = Pace(free=500, longest_s=5)
PER_FACTOR = Pace(free=3, longest_s=60)  # codes: only who knows the password comes that far

FORGOTTEN_AFTER = timedelta(hours=1)  # failures that long ago count no more
KNOWN_PLACE_LASTS = timedelta(days=60)  # a place that somebody signed in from


def needs_factor(roles: Collection[str], *, of_all: bool) -> bool:
    return of_all or bool(NEEDS_FACTOR & set(roles))
