"""callbacks

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    _create_callback()
    _create_heard()
    _index("ix_delivery_platform_id", "delivery", ["platform_id"], where="platform_id <> ''")
    _change_receipt()


def _create_callback() -> None:
    op.create_table(
        "callback",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=16), nullable=False),
        sa.Column("raw_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_callback_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback")),
        sa.UniqueConstraint("account_id", "mark", name=op.f("uq_callback_account_id_mark")),
    )
    _index("ix_callback_unreadable", "callback", ["received_at"], where="kind = 'unreadable'")


def _create_heard() -> None:
    op.create_table(
        "heard",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("mark", sa.LargeBinary(length=16), nullable=False),
        sa.Column("meaning", sa.String(length=64), nullable=False),
        sa.Column("number_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("wiped_at", TIME, nullable=True),
        sa.Column("reply", sa.String(length=64), nullable=False),
        sa.Column("reply_attempts", sa.Integer(), nullable=False),
        sa.Column("reply_at", TIME, nullable=True),
        sa.Column("reply_code", sa.String(length=64), nullable=False),
        sa.Column("reply_platform_id", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_heard_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heard")),
        sa.UniqueConstraint("account_id", "mark", name=op.f("uq_heard_account_id_mark")),
    )
    _index("ix_heard_received", "heard", ["received_at"], where="wiped_at IS NULL")
    op.create_index("ix_heard_number", "heard", ["number_index"])
    _index("ix_heard_reply", "heard", ["reply_at"], where="reply IN ('due', 'sending')")


def _change_receipt() -> None:
    """What waits is looked at as soon as the new version runs."""
    op.drop_index("ix_receipt_waiting", table_name="receipt")
    op.add_column(
        "receipt", sa.Column("platform_id", sa.String(length=256), server_default="", nullable=False)
    )
    op.add_column("receipt", sa.Column("next_at", TIME, nullable=True))
    op.execute("UPDATE receipt SET next_at = received_at")
    with op.batch_alter_table("receipt") as receipt:
        receipt.alter_column("next_at", existing_type=TIME, nullable=False)
        receipt.drop_constraint("uq_receipt_account_id_delivery_uid_state_code", type_="unique")
        receipt.create_unique_constraint(
            "uq_receipt_told", ["account_id", "delivery_uid", "platform_id", "state", "code"]
        )
    _index("ix_receipt_waiting", "receipt", ["next_at", "id"], where="applied_at IS NULL")


def _index(name: str, table: str, columns: list[str], *, where: str) -> None:
    """Over the few rows of many for which this holds."""
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
