"""Who gets in by single sign-on, who is on call, how staff are reached at work, and who may approve what for whom."""

from sqlalchemy import Column, Index, String, Table, UniqueConstraint

from broadcaster.db.tables.columns import metadata, moment, own_id, prose, to, uid, word

#: Administrators allow it; the first sign-in links it to whom the provider knows, and nobody else gets in by it then.
sso_user = Table(
    "sso_user",
    metadata,
    own_id(),
    to("person"),
    moment("allowed_at"),
    Column("issuer", String(512), nullable=True),
    Column("subject", String(255), nullable=True),
    moment("linked_at", nullable=True),
    UniqueConstraint("person_id"),
    UniqueConstraint("issuer", "subject"),
)

duty = Table(
    "duty",
    metadata,
    own_id(),
    uid(),
    to("person", index=True),
    word("role"),
    moment("starts_at"),
    moment("ends_at"),
    to("person", name="covers_id", nullable=True),  # for whom this person stands in
    to("person", name="entered_by"),
    moment("entered_at"),
    moment("acknowledged_at", nullable=True),
    moment("removed_at", nullable=True),
    Index("ix_duty_ends", "ends_at"),
)

#: Work numbers and work addresses that staff entered for themselves.
work_contact = Table(
    "work_contact",
    metadata,
    own_id(),
    to("person"),
    word("phone", default=""),
    Column("mail", String(254), nullable=False, default=""),
    moment("changed_at"),
    UniqueConstraint("person_id"),
)

delegation = Table(
    "delegation",
    metadata,
    own_id(),
    Column("ref", String(6), nullable=False, unique=True),
    to("person", index=True),
    prose("covers"),  # canonical JSON: templates, severities, the most that texts may cost
    prose("scheme"),
    moment("starts_at"),
    moment("ends_at"),
    to("person", name="given_by"),
    moment("given_at"),
    moment("ended_at", nullable=True),
)
