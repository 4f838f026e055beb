"""Drills: what was planned, with what happens on the way and who takes part. How it went is in the rows of its messages."""

from sqlalchemy import Column, Index, String, Table, UniqueConstraint

from broadcaster.db.tables.columns import count, metadata, moment, own_id, prose, to, word

drill = Table(
    "drill",
    metadata,
    own_id(),
    Column("ref", String(6), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    prose("scenario"),
    word("template"),
    count("asks_correction"),  # 1: those who take part are asked for a correction too
    prose("bars"),  # canonical JSON: seconds until each step, as they were when it was planned
    word("state"),
    moment("starts_at"),
    count("every_months"),  # 0: it is not repeated
    to("person", name="planned_by"),
    moment("planned_at"),
    to("person", name="started_by", nullable=True),  # empty: at its time, by itself
    moment("started_at", nullable=True),
    moment("ended_at", nullable=True),
    prose("end_reason"),
    to("incident", nullable=True),
    Index("ix_drill_due", "state", "starts_at"),
)

drill_inject = Table(
    "drill_inject",
    metadata,
    own_id(),
    to("drill", index=True),
    count("after_minutes"),
    prose("text"),
)

drill_part = Table(
    "drill_part",
    metadata,
    own_id(),
    to("drill"),
    to("person", index=True),
    UniqueConstraint("drill_id", "person_id"),
)
