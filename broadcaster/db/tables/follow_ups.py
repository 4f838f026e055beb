"""What follows a message that was sent: what stood where it changed something, what is ready for it, how it ended."""

from sqlalchemy import Column, String, Table, UniqueConstraint

from broadcaster.db.tables.columns import metadata, moment, own_id, prose, to, word

#: What a reader saw before a delivery edited it or took it down: evidence, which can be redacted; its digest stays.
stood = Table(
    "stood",
    metadata,
    own_id(),
    to("delivery"),
    Column("platform_id", String(256), nullable=False),
    word("found"),  # there, absent
    prose("text"),
    Column("sha256", String(64), nullable=False),
    moment("read_at"),
    moment("redacted_at", nullable=True),
    UniqueConstraint("delivery_id"),
)

#: The "sent in error" that lies ready beside a submission, worded and rendered, and is approved with it.
sequel = Table(
    "sequel",
    metadata,
    own_id(),
    to("submission"),
    Column("ref", String(6), nullable=False),
    prose("content"),  # canonical JSON, whose digest is in the submission's manifest
    to("message", nullable=True),  # once it was sent
    UniqueConstraint("submission_id"),
    UniqueConstraint("message_id"),
)

#: A person has decided that a message may end without another word.
ending = Table(
    "ending",
    metadata,
    own_id(),
    to("broadcast"),
    to("person"),
    prose("reason"),
    moment("at"),
    UniqueConstraint("broadcast_id"),
)
