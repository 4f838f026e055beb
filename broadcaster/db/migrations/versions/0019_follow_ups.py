"""follow-ups: what a target does to what stands there, what took its place, what stood there before, when the next update is due

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.add_column(
        "target", sa.Column("act", sa.String(length=64), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("target", sa.Column("superseded_by_id", ID, nullable=True))
    op.add_column("message_version", sa.Column("next_update_at", TIME, nullable=True))
    op.create_table(
        "stood",
        sa.Column("id", ID, nullable=False),
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("platform_id", sa.String(length=256), nullable=False),
        sa.Column("found", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("read_at", TIME, nullable=False),
        sa.Column("redacted_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_stood_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stood")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_stood_delivery_id")),
    )
    op.create_table(
        "sequel",
        sa.Column("id", ID, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("ref", sa.String(length=6), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("message_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_sequel_submission_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_sequel_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequel")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_sequel_submission_id")),
        sa.UniqueConstraint("message_id", name=op.f("uq_sequel_message_id")),
    )
    op.create_table(
        "ending",
        sa.Column("id", ID, nullable=False),
        sa.Column("broadcast_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_ending_broadcast_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_ending_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ending")),
        sa.UniqueConstraint("broadcast_id", name=op.f("uq_ending_broadcast_id")),
    )
