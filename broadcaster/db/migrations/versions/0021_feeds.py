"""feeds: sources of warnings that are watched, and what they warned of

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "feed",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("silent_h", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("added_by", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.Column("etag", sa.String(length=200), nullable=False),
        sa.Column("modified", sa.String(length=200), nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("looked_at", TIME, nullable=True),
        sa.Column("good_at", TIME, nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("failing_since", TIME, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("said", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_feed_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("uid", name=op.f("uq_feed_uid")),
    )
    op.create_table(
        "feed_entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("mark_sha256", sa.String(length=64), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_entry_feed_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_entry")),
        sa.UniqueConstraint("feed_id", "mark_sha256", name=op.f("uq_feed_entry_feed_id_mark_sha256")),
    )
    op.create_table(
        "feed_warning",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("first_id", ID, nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("heard_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=True),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sheet", sa.String(length=64), nullable=False),
        sa.Column("incident_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        *[
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_feed_warning_{column}"))
            for column, table in (
                ("feed_id", "feed"),
                ("decided_by", "person"),
                ("incident_id", "incident"),
                ("message_id", "message"),
            )
        ],
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_warning")),
        sa.UniqueConstraint("uid", name=op.f("uq_feed_warning_uid")),
        sa.UniqueConstraint("key_sha256", name=op.f("uq_feed_warning_key_sha256")),
    )
    for column in ("feed_id", "first_id", "message_id"):
        op.create_index(op.f(f"ix_feed_warning_{column}"), "feed_warning", [column])
    op.create_index("ix_feed_warning_state", "feed_warning", ["state"])
