"""Storm mode: each time that it was on. It is on while a row has no end."""

from sqlalchemy import Table

from broadcaster.db.tables.columns import metadata, moment, own_id, prose, to

storm = Table(
    "storm",
    metadata,
    own_id(),
    to("person", name="on_by"),
    moment("on_at"),
    prose("reason"),
    to("person", name="off_by", nullable=True),
    moment("off_at", nullable=True),
    prose("off_reason"),
)
