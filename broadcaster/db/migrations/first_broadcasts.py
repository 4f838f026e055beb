"""The second half of revision 0001: a broadcast and its work. Frozen, as that is."""

import sqlalchemy as sa
from alembic import op

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def create_broadcasts() -> None:
    op.create_table(
        "broadcast",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("approval_id", ID, nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("standing_approval_id", ID, nullable=True),
        sa.Column("superseded_by_id", ID, nullable=True),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("precedence", sa.Integer(), nullable=False),
        sa.Column("on_unknown", sa.String(length=64), nullable=False),
        sa.Column("released_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_broadcast_approval_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_broadcast_incident_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_broadcast_message_id")),
        sa.ForeignKeyConstraint(
            ["standing_approval_id"], ["standing_approval.id"], name=op.f("fk_broadcast_standing_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["superseded_by_id"], ["broadcast.id"], name=op.f("fk_broadcast_superseded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_broadcast_approval_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_broadcast_uid")),
    )
    op.create_index(op.f("ix_broadcast_incident_id"), "broadcast", ["incident_id"], unique=False)
    op.create_index("ix_broadcast_state", "broadcast", ["state", "expires_at"], unique=False)
    op.create_table(
        "target",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("broadcast_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("audience_version_id", ID, nullable=True),
        sa.Column("planned_total", sa.Integer(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_target_account_id")),
        sa.ForeignKeyConstraint(
            ["audience_version_id"], ["audience_version.id"], name=op.f("fk_target_audience_version_id")
        ),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_target_broadcast_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_target_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target")),
        sa.UniqueConstraint("uid", name=op.f("uq_target_uid")),
    )
    op.create_index(op.f("ix_target_broadcast_id"), "target", ["broadcast_id"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", ID, nullable=False),
        sa.Column("broadcast_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("precedence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("next_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_batch_account_id")),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_batch_broadcast_id")),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=op.f("fk_batch_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_index("ix_batch_broadcast", "batch", ["broadcast_id", "state"], unique=False)
    op.create_index(
        "ix_batch_claim",
        "batch",
        ["mode", "lane", "state", "precedence", "broadcast_id", "next_at"],
        unique=False,
    )
    op.create_table(
        "delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("broadcast_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("recipient_id", ID, nullable=True),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("amends_delivery_id", ID, nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("resends", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("unknown_since", TIME, nullable=True),
        sa.Column("look_at", TIME, nullable=True),
        sa.Column("absent_since", TIME, nullable=True),
        sa.Column("settled_at", TIME, nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("operator_text", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.String(length=256), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["amends_delivery_id"], ["delivery.id"], name=op.f("fk_delivery_amends_delivery_id")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_delivery_batch_id")),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_delivery_broadcast_id")),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=op.f("fk_delivery_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("target_id", "ordinal", name=op.f("uq_delivery_target_id_ordinal")),
        sa.UniqueConstraint("uid", name=op.f("uq_delivery_uid")),
    )
    op.create_index("ix_delivery_batch", "delivery", ["batch_id", "state", "ordinal"], unique=False)
    op.create_index("ix_delivery_target_state", "delivery", ["target_id", "state"], unique=False)
    op.create_index("ix_delivery_unknown", "delivery", ["unknown_since"], unique=False)
    op.create_table(
        "intent_group",
        sa.Column("id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("delivery_ids", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_intent_group_batch_id")),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=op.f("fk_intent_group_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intent_group")),
    )
    op.create_index(op.f("ix_intent_group_batch_id"), "intent_group", ["batch_id"], unique=False)
    op.create_index("ix_intent_group_open", "intent_group", ["closed_at", "target_id"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", ID, nullable=False),
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("intent_group_id", ID, nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("platform_id", sa.String(length=256), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_attempt_delivery_id")),
        sa.ForeignKeyConstraint(
            ["intent_group_id"], ["intent_group.id"], name=op.f("fk_attempt_intent_group_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint(
            "intent_group_id", "delivery_id", name=op.f("uq_attempt_intent_group_id_delivery_id")
        ),
    )
    op.create_index(op.f("ix_attempt_delivery_id"), "attempt", ["delivery_id"], unique=False)
    # ### end Alembic commands ###
