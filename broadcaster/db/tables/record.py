"""The record of who did what, what is wrong now, and who leads."""

from sqlalchemy import Column, Index, String, Table, text

from broadcaster.db.tables.columns import Id, count, metadata, moment, own_id, prose, word

_STILL_SO = text("cleared_at IS NULL")

# --- the record ------------------------------------------------------------------------------------------

#: Text, not parameters: see FOR_A_PERSON.
_UNSEALED = text("no IS NULL")

#: Written with the change that it records, and never changed but once: the sealer gives it its place in the tree.
audit_event = Table(
    "audit_event",
    metadata,
    own_id(),
    Column("no", Id, nullable=True, unique=True),  # its place in the tree, dense, from 1
    Column("leaf", String(64), nullable=True),  # its hash there, hexadecimal
    moment("at"),
    word("actor"),
    word("act"),
    word("subject"),  # a message's reference, a user, an audience: what to look under
    prose(
        "payload"
    ),  # canonical JSON of digests, counts, names of staff; never a number, a name of the public, a secret
    # Each gives what somebody looks for in the order in which it is shown, the newest first.
    Index("ix_audit_event_subject", "subject", "at", "id"),
    Index("ix_audit_event_at", "at", "id"),
    Index("ix_audit_event_act", "act", "at", "id"),
    Index("ix_audit_event_actor", "actor", "at", "id"),
    Index("ix_audit_event_actor_act", "actor", "act", "at", "id"),
    # Small however long the log is: the sealer asks four times a second.
    Index("ix_audit_event_unsealed", "id", sqlite_where=_UNSEALED, postgresql_where=_UNSEALED),
)

#: The root of the tree over the first `size` events, signed (a checkpoint of c2sp.org/tlog-checkpoint).
audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("size", Id, primary_key=True, autoincrement=False),
    prose("note"),
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
