"""Scheduled notices: what is planned, its versions, their tables of values, and what became of each planned moment."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from broadcaster.db.tables.columns import count, metadata, moment, own_id, prose, to, uid, word

schedule = Table(
    "schedule",
    metadata,
    own_id(),
    uid(),
    Column("ref", String(6), nullable=False, unique=True),
    prose("name"),
    word("mode"),
    to("person", name="author_id"),
    moment("created_at"),
    moment("paused_at", nullable=True),
    to("person", name="paused_by_id", nullable=True),
    prose("pause_reason"),
    moment("ended_at", nullable=True),
    prose("end_reason"),
)

#: CSV that blanks are filled from, each once, under the SHA-256 of its canonical JSON.
schedule_table = Table(
    "schedule_table",
    metadata,
    own_id(),
    Column("sha256", String(64), nullable=False, unique=True),
    prose("content"),  # canonical JSON: columns, and rows by date
    moment("created_at"),
)

#: Immutable in what it says; another wording or another rule is another version.
schedule_version = Table(
    "schedule_version",
    metadata,
    own_id(),
    to("schedule", index=True),
    count("no"),
    word("state"),
    prose("plan"),  # canonical JSON: first run, zone, rule, exceptions, last day, grace
    to("notice_template"),
    Column("template_no", Integer, nullable=False),
    prose("blanks"),  # canonical JSON: what was typed, formulas as they were written
    prose("accounts"),  # JSON list of account names
    # The codes of its languages in their order, with spaces between; empty where the template's own is all there is.
    Column("languages", String(64), nullable=False, server_default=""),
    to("audience", nullable=True),
    word("visibility"),
    to("schedule_table", nullable=True),
    to("person", name="author_id"),
    moment("created_at"),
    prose("bounds"),  # canonical JSON, to the byte: what is approved; empty until it was submitted
    Column("bounds_sha256", String(64), nullable=False, server_default=""),
    to("person", name="submitted_by", nullable=True),
    moment("submitted_at", nullable=True),
    to("person", name="decided_by", nullable=True),
    moment("decided_at", nullable=True),
    prose("reason"),  # of returning or rejecting it
    to("standing_approval", nullable=True),
    moment("from_at", nullable=True),  # runs later than this are its own
    moment("until_at", nullable=True),  # and up to this, where another one took its place
    moment("next_at", nullable=True),  # the next run that is not decided; none where all are
    UniqueConstraint("schedule_id", "no"),
    Index("ix_schedule_version_next_at", "next_at"),
)

#: One planned moment and what became of it. The unique pair is what lets no number of sweepers send one twice.
schedule_run = Table(
    "schedule_run",
    metadata,
    own_id(),
    to("schedule"),
    to("schedule_version", nullable=True),
    moment("planned_at"),
    word("state"),
    word("code", default=""),
    prose("reason"),
    to("message", nullable=True),
    to("person", nullable=True),  # who left it out
    moment("decided_at"),
    UniqueConstraint("schedule_id", "planned_at"),
)

#: Where a person's own calendar reads the next runs. Only the digest of the secret in the address is kept.
calendar_address = Table(
    "calendar_address",
    metadata,
    own_id(),
    to("person"),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    moment("created_at"),
    UniqueConstraint("person_id"),
)
