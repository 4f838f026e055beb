"""readiness

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "probe",
        sa.Column("account_id", ID, autoincrement=False, nullable=False),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.Column("probed_at", TIME, nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("since", TIME, nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("valid_until", TIME, nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("last_ready_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_probe_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_probe")),
    )
