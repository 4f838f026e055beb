"""What is known of a post after it was accepted: whether it is seen where people read it, and what people did by hand."""

from sqlalchemy import Column, ForeignKey, Index, Table, text

from broadcaster.db.tables.columns import Id, count, metadata, moment, own_id, prose, to, word

#: Posts that are not where, or not what, they should be. Text, not parameters: see FOR_A_PERSON.
WRONG_SIGHT = text("state IN ('absent', 'differs')")

#: One row for each public post that was looked for again after its acceptance.
sighting = Table(
    "sighting",
    metadata,
    Column("delivery_id", Id, ForeignKey("delivery.id"), primary_key=True, autoincrement=False),
    word("state"),
    count("tries"),
    moment("next_at"),  # of those that are still looked for
    moment("looked_at", nullable=True),
    Index("ix_sighting_wrong", "state", sqlite_where=WRONG_SIGHT, postgresql_where=WRONG_SIGHT),
)

#: What people did themselves: posted it where a channel could not, or told it at doors, on the radio.
by_hand = Table(
    "by_hand",
    metadata,
    own_id(),
    to("broadcast", index=True),
    to(
        "target", nullable=True
    ),  # the channel's place that it stands in for; none where it was told otherwise
    to("person"),
    word("way"),
    moment("at"),
    moment("noted_at"),
    prose("link"),
    prose("words"),
)
