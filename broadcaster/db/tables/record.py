"""The record of who did what, what is wrong now, and who leads."""

from sqlalchemy import Column, Index, String, Table, text

from broadcaster.db.tables.columns import Id, count, metadata, moment, own_id, prose, word

_STILL_SO = text("cleared_at IS NULL")

# --- the record ------------------------------------------------------------------------------------------

audit_event = Table(
    "audit_event",
    metadata,
    own_id(),
    Column("no", Id, nullable=False, unique=True),  # dense, from 1
    moment("at"),
    word("actor"),
    word("act"),
    word("subject"),  # a message's reference, a user, an audience: what to look under
    prose(
        "payload"
    ),  # canonical JSON of digests, counts, names of staff; never a number, a name of the public, a secret
    word("payload_sha256"),
    word("previous_sha256"),
    word("sha256"),
    Index("ix_audit_event_subject", "subject", "no"),
)

audit_head = Table(
    "audit_head",
    metadata,
    own_id(),
    Column("no", Id, nullable=False),
    word("sha256"),
)

alarm = Table(
    "alarm",
    metadata,
    own_id(),
    word("code"),
    Column("subject", String(128), nullable=False),  # a message's reference, an account, a lane
    prose("text"),  # what happened, what it means, what to do
    count("size"),  # of how many it is: where there are more than a person has seen, that is news
    moment("raised_at"),
    moment("acknowledged_at", nullable=True),  # a person has seen what may never be over
    moment("cleared_at", nullable=True),
    Index(
        "uq_alarm_open",
        "code",
        "subject",
        unique=True,
        sqlite_where=_STILL_SO,
        postgresql_where=_STILL_SO,
    ),
    Index("ix_alarm_raised", "raised_at"),
)

# --- processes -------------------------------------------------------------------------------------------

leader = Table(
    "leader",
    metadata,
    Column("role", String(32), primary_key=True),
    word("owner"),
    moment("lease_until"),
)
