"""after: read-back of accepted posts, and what people did by hand

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
WRONG_SIGHT = sa.text("state IN ('absent', 'differs')")


def upgrade() -> None:
    op.create_table(
        "sighting",
        sa.Column("delivery_id", ID, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("looked_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_sighting_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_sighting")),
    )
    op.create_index(
        "ix_sighting_wrong",
        "sighting",
        ["state"],
        sqlite_where=WRONG_SIGHT,
        postgresql_where=WRONG_SIGHT,
    )
    op.create_table(
        "by_hand",
        sa.Column("id", ID, nullable=False),
        sa.Column("broadcast_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=True),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("way", sa.String(length=64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("noted_at", TIME, nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_by_hand_broadcast_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_by_hand_person_id")),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=op.f("fk_by_hand_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_by_hand")),
    )
    op.create_index(op.f("ix_by_hand_broadcast_id"), "by_hand", ["broadcast_id"])
