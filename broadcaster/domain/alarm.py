"""What a person must be told without asking. Each code has its section in docs/alarms.md."""

from enum import StrEnum


class AlarmCode(StrEnum):
    UNKNOWN_WAITS = "unknown_waits"  #: an unknown outcome that is still being looked into after two minutes
    UNKNOWN_UNDECIDED = "unknown_undecided"  #: nothing will prove it: a person decides
    QUARANTINED = "quarantined"  #: what is stored is not what was approved, so it was not sent
    COUNTS_DIFFER = "counts_differ"  #: deliveries were lost or doubled
    ACCOUNT_PAUSED = "account_paused"  #: the platform refused an account's credentials
    NOBODY_SENDS = "nobody_sends"  #: work is there and nobody takes it


#: What may never be over by itself: a person says that he has seen it.
ACKNOWLEDGED_BY_A_PERSON = frozenset(
    {AlarmCode.UNKNOWN_UNDECIDED, AlarmCode.QUARANTINED, AlarmCode.COUNTS_DIFFER}
)
