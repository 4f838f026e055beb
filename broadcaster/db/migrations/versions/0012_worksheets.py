"""worksheets

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "worksheet",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_worksheet_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_worksheet_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worksheet")),
        sa.UniqueConstraint("uid", name=op.f("uq_worksheet_uid")),
    )
    op.create_index(op.f("ix_worksheet_message_id"), "worksheet", ["message_id"], unique=False)
    op.create_index(op.f("ix_worksheet_person_id"), "worksheet", ["person_id"], unique=False)
