"""What platforms and people told us, as it came."""

from sqlalchemy import Column, Index, LargeBinary, String, Table, UniqueConstraint, text

from broadcaster.db.tables.columns import count, metadata, moment, own_id, to, word

#: What few rows of many are; word for word what the queries say.
REPLY_OPEN = text("reply IN ('due', 'sending')")
UNREADABLE = text("kind = 'unreadable'")
NOT_WIPED = text("wiped_at IS NULL")

#: Genuine ones only. `mark` is a keyed digest of the whole: a repeated one leaves no second row, and the digest tells
#: nobody the number in it. The rows go after some days.
callback = Table(
    "callback",
    metadata,
    own_id(),
    to("account"),
    word("kind"),  # receipt, heard or unreadable
    Column("mark", LargeBinary(16), nullable=False),
    Column("raw_sealed", LargeBinary, nullable=False),  # AES-GCM, bound to the mark
    moment("received_at"),
    UniqueConstraint("account_id", "mark"),
    Index("ix_callback_unreadable", "received_at", sqlite_where=UNREADABLE, postgresql_where=UNREADABLE),
)

#: What people write. Number and text go after some days; the row stays, so that a message that somebody brings
#: again, years later, is known.
heard = Table(
    "heard",
    metadata,
    own_id(),
    to("account"),
    Column("mark", LargeBinary(16), nullable=False),  # keyed, of the platform's id of it
    word("meaning"),  # stop, start or other
    Column(
        "number_index", LargeBinary(16), nullable=False
    ),  # empty where it came from no number, and once wiped
    Column("number_sealed", LargeBinary, nullable=False),
    Column("text_sealed", LargeBinary, nullable=False),
    moment("received_at"),
    moment("wiped_at", nullable=True),
    # The confirmation of an opt-out: its own row of truth, since it belongs to no broadcast.
    word("reply", default=""),
    count("reply_attempts"),
    moment("reply_at", nullable=True),  # when it is due, then when it was last tried
    word("reply_code", default=""),
    Column("reply_platform_id", String(256), nullable=False, default=""),
    UniqueConstraint("account_id", "mark"),
    Index("ix_heard_received", "received_at", sqlite_where=NOT_WIPED, postgresql_where=NOT_WIPED),
    Index("ix_heard_number", "number_index"),
    Index("ix_heard_reply", "reply_at", sqlite_where=REPLY_OPEN, postgresql_where=REPLY_OPEN),
)
