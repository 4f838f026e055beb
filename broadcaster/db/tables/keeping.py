"""What keeps records longer than they would stay, and what takes words and pictures out of them."""

from sqlalchemy import Column, String, Table

from broadcaster.db.tables.columns import metadata, moment, own_id, prose, to, word

#: Nothing that one covers is wiped, erased or redacted while it is not lifted. One of the three ids is there.
legal_hold = Table(
    "legal_hold",
    metadata,
    own_id(),
    Column("ref", String(6), nullable=False, unique=True),
    word("kind"),
    prose("about"),  # as people call it: a reference, or an audience's name
    to("message", nullable=True),
    to("incident", nullable=True),
    to("audience", nullable=True),
    prose("reason"),
    to("person", name="placed_by"),
    moment("placed_at"),
    to("person", name="lifted_by", nullable=True),
    moment("lifted_at", nullable=True),
    prose("lift_reason"),
)

#: That something was taken out of a message; what it was stands nowhere any more.
redaction = Table(
    "redaction",
    metadata,
    own_id(),
    Column("ref", String(6), nullable=False, unique=True),
    to("message", index=True),
    word("kind"),
    prose("digests"),  # JSON list: SHA-256 of each post or picture as it was, as manifests and events name it
    word("code"),
    prose("reason"),
    prose("authorised_by"),
    to("person"),
    moment("at"),
)
