"""routes

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    _create_route()
    op.add_column("account", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    for name in ("failing_since", "open_until", "free_at"):
        op.add_column("account", sa.Column(name, TIME, nullable=True))
    op.add_column("delivery", sa.Column("account_id", ID, nullable=True))
    _name_the_account_of_groups()


def _create_route() -> None:
    """Every target so far has the one account that it is named by."""
    op.create_table(
        "route",
        sa.Column("id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_route_account_id")),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=op.f("fk_route_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
        sa.UniqueConstraint("target_id", "account_id", name=op.f("uq_route_target_id_account_id")),
    )
    op.execute(
        "INSERT INTO route (target_id, account_id, rank, weight) "
        "SELECT id, account_id, 0, 100 FROM target ORDER BY id"
    )


def _name_the_account_of_groups() -> None:
    op.add_column("intent_group", sa.Column("account_id", ID, nullable=True))
    op.execute(
        "UPDATE intent_group SET account_id = "
        "(SELECT target.account_id FROM target WHERE target.id = intent_group.target_id)"
    )
