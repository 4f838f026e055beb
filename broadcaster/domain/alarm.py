"""What a person must be told without asking. Each code has its section in docs/alarms.md."""

from collections.abc import Mapping
from enum import StrEnum

from broadcaster.domain.rota import DutyRole


class AlarmCode(StrEnum):
    UNKNOWN_WAITS = "unknown_waits"  #: an unknown outcome that is still being looked into after two minutes
    UNKNOWN_UNDECIDED = "unknown_undecided"  #: nothing will prove it: a person decides
    POST_NOT_SEEN = (
        "post_not_seen"  #: a post that was accepted is not there, or differs from what was approved
    )
    QUARANTINED = "quarantined"  #: what is stored is not what was approved, so it was not sent
    COUNTS_DIFFER = "counts_differ"  #: deliveries were lost or doubled
    ACCOUNT_PAUSED = "account_paused"  #: the platform refused an account's credentials
    ACCOUNT_FAILING = "account_failing"  #: what is sent through an account fails, and goes through its spares
    ACCOUNT_NOT_READY = "account_not_ready"  #: a check found that an account could not send
    CREDENTIALS_END = "credentials_end"  #: an account's credentials end within seven days
    NEXT_UPDATE_DUE = (
        "next_update_due"  #: a message promised an update that is due in ten minutes, or overdue
    )
    NOBODY_SENDS = "nobody_sends"  #: work is there and nobody takes it
    NOBODY_SEALS = "nobody_seals"  #: the audit log is written and not sealed
    NOBODY_ANCHORS = "nobody_anchors"  #: the audit log is sealed and not laid down outside
    AUDIT_LOG_ALTERED = "audit_log_altered"  #: the audit log is not the one that was signed
    WEBHOOK_FAILING = "webhook_failing"  #: nothing reaches a webhook, or it was disabled for that
    BREAK_GLASS_UNREVIEWED = (
        "break_glass_unreviewed"  #: sent without a second person a day ago, and nobody has reviewed it
    )
    STORM_MODE_LONG = "storm_mode_long"  #: storm mode has been on for twelve hours
    HELD_UNDECIDED = "held_undecided"  #: storm mode is over, and what it held waits for a decision
    SCHEDULE_NOT_SENT = "schedule_not_sent"  #: a scheduled notice was due and did not go out
    FEED_FAILING = "feed_failing"  #: a feed of warnings cannot be read, or has been silent for too long
    RESTORED = "restored"  #: a backup was restored: what was decided since it was taken is lost


#: What may never be over by itself: a person says that he has seen it.
ACKNOWLEDGED_BY_A_PERSON = frozenset(
    {
        AlarmCode.POST_NOT_SEEN,
        AlarmCode.UNKNOWN_UNDECIDED,
        AlarmCode.QUARANTINED,
        AlarmCode.COUNTS_DIFFER,
        AlarmCode.AUDIT_LOG_ALTERED,
        AlarmCode.SCHEDULE_NOT_SENT,
        AlarmCode.RESTORED,
    }
)

#: Their subject is mode/account.
OF_AN_ACCOUNT = frozenset(
    {
        AlarmCode.ACCOUNT_PAUSED,
        AlarmCode.ACCOUNT_FAILING,
        AlarmCode.ACCOUNT_NOT_READY,
        AlarmCode.CREDENTIALS_END,
    }
)

#: What cannot wait until the morning, with who is paged, and what a page says: rooms and telephones of other firms are no place
#: for the words of a platform or of a message. All other alarms are read on Home, and by monitoring.
WAKES: Mapping[AlarmCode, tuple[DutyRole, str]] = {
    AlarmCode.NOBODY_SENDS: (DutyRole.TECHNICAL, "Messages wait and nobody sends them."),
    AlarmCode.ACCOUNT_PAUSED: (
        DutyRole.TECHNICAL,
        "A platform refused the account, and nothing is sent with it.",
    ),
    AlarmCode.QUARANTINED: (DutyRole.TECHNICAL, "What is stored is not what was approved, and was not sent."),
    AlarmCode.COUNTS_DIFFER: (DutyRole.TECHNICAL, "Deliveries were lost or doubled."),
    AlarmCode.AUDIT_LOG_ALTERED: (DutyRole.TECHNICAL, "The audit log was altered."),
    AlarmCode.UNKNOWN_UNDECIDED: (
        DutyRole.OFFICER,
        "Some of it may or may not have been sent: somebody must decide.",
    ),
    AlarmCode.POST_NOT_SEEN: (DutyRole.OFFICER, "A post is not there, or is not what was approved."),
    AlarmCode.NEXT_UPDATE_DUE: (DutyRole.OFFICER, "People were promised word, and it is due."),
    AlarmCode.FEED_FAILING: (
        DutyRole.OFFICER,
        "This feed of warnings cannot be read. Look at its own pages.",
    ),
}
