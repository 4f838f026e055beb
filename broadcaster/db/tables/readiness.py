"""What the last check of each account found."""

from sqlalchemy import Column, ForeignKey, Table

from broadcaster.db.tables.columns import Id, metadata, moment, prose, word

probe = Table(
    "probe",
    metadata,
    Column("account_id", Id, ForeignKey("account.id"), primary_key=True, autoincrement=False),
    moment("claimed_at"),  # when the newest check began: of several processes one makes it
    moment("probed_at", nullable=True),  # when the newest answer came; none before the first
    word("state", default=""),
    moment("since", nullable=True),  # it is in this state
    word("code", default=""),
    prose("text"),
    moment("valid_until", nullable=True),
    prose("facts", default="[]"),  # JSON, pairs of name and value
    moment("last_ready_at", nullable=True),
)
