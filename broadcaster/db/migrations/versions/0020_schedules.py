"""schedules: planned notices, their versions, tables of values, runs, and addresses for calendars

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.add_column("standing_approval", sa.Column("factor", sa.String(64), nullable=False, server_default=""))
    _table(
        "schedule",
        [
            *(
                sa.Column("uid", sa.String(36), nullable=False),
                sa.Column("ref", sa.String(6), nullable=False),
            ),
            *(_text("name"), _word("mode"), _id("author_id"), _time("created_at")),
            *(_time("paused_at", nullable=True), _id("paused_by_id", nullable=True), _text("pause_reason")),
            *(_time("ended_at", nullable=True), _text("end_reason")),
        ],
        to={"author_id": "person", "paused_by_id": "person"},
        unique=[("uid",), ("ref",)],
    )
    _table(
        "schedule_table",
        [sa.Column("sha256", sa.String(64), nullable=False), _text("content"), _time("created_at")],
        to={},
        unique=[("sha256",)],
    )
    _table(
        "schedule_version",
        [
            *(_id("schedule_id"), sa.Column("no", sa.Integer(), nullable=False), _word("state")),
            *(_text("plan"), _id("notice_template_id")),
            sa.Column("template_no", sa.Integer(), nullable=False),
            *(_text("blanks"), _text("accounts"), _id("audience_id", nullable=True), _word("visibility")),
            *(_id("schedule_table_id", nullable=True), _id("author_id"), _time("created_at")),
            _text("bounds"),
            sa.Column("bounds_sha256", sa.String(64), nullable=False, server_default=""),
            *(_id("submitted_by", nullable=True), _time("submitted_at", nullable=True)),
            *(_id("decided_by", nullable=True), _time("decided_at", nullable=True), _text("reason")),
            *(_id("standing_approval_id", nullable=True), _time("from_at", nullable=True)),
            *(_time("until_at", nullable=True), _time("next_at", nullable=True)),
        ],
        to={
            "schedule_id": "schedule",
            "notice_template_id": "notice_template",
            "audience_id": "audience",
            "schedule_table_id": "schedule_table",
            "author_id": "person",
            "submitted_by": "person",
            "decided_by": "person",
            "standing_approval_id": "standing_approval",
        },
        unique=[("schedule_id", "no")],
    )
    op.create_index(op.f("ix_schedule_version_schedule_id"), "schedule_version", ["schedule_id"])
    op.create_index(op.f("ix_schedule_version_next_at"), "schedule_version", ["next_at"])
    _table(
        "schedule_run",
        [
            *(_id("schedule_id"), _id("schedule_version_id", nullable=True), _time("planned_at")),
            *(_word("state"), _word("code"), _text("reason"), _id("message_id", nullable=True)),
            *(_id("person_id", nullable=True), _time("decided_at")),
        ],
        to={
            "schedule_id": "schedule",
            "schedule_version_id": "schedule_version",
            "message_id": "message",
            "person_id": "person",
        },
        unique=[("schedule_id", "planned_at")],
    )
    _table(
        "calendar_address",
        [
            _id("person_id"),
            sa.Column("secret_sha256", sa.String(64), nullable=False),
            _time("created_at"),
        ],
        to={"person_id": "person"},
        unique=[("person_id",), ("secret_sha256",)],
    )


def _table(
    name: str, columns: Sequence[sa.Column[Any]], *, to: dict[str, str], unique: Sequence[tuple[str, ...]]
) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        *columns,
        *(
            sa.ForeignKeyConstraint([own], [f"{other}.id"], name=op.f(f"fk_{name}_{own}"))
            for own, other in to.items()
        ),
        *(sa.UniqueConstraint(*own, name=op.f(f"uq_{name}_{'_'.join(own)}")) for own in unique),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _word(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length=64), nullable=False)


def _id(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, ID, nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, TIME, nullable=nullable)
