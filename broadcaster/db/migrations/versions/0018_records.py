"""records: the policy that staff read before their first live message, legal holds, and redactions

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "policy_text",
        sa.Column("id", ID, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_policy_text_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_text")),
        sa.UniqueConstraint("no", name=op.f("uq_policy_text_no")),
    )
    op.create_table(
        "policy_read",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("policy_text_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_policy_read_person_id")),
        sa.ForeignKeyConstraint(
            ["policy_text_id"], ["policy_text.id"], name=op.f("fk_policy_read_policy_text_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_read")),
        sa.UniqueConstraint(
            "person_id", "policy_text_id", name=op.f("uq_policy_read_person_id_policy_text_id")
        ),
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(length=6), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("incident_id", ID, nullable=True),
        sa.Column("audience_id", ID, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", ID, nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("lifted_by", ID, nullable=True),
        sa.Column("lifted_at", TIME, nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_legal_hold_message_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_legal_hold_incident_id")),
        sa.ForeignKeyConstraint(["audience_id"], ["audience.id"], name=op.f("fk_legal_hold_audience_id")),
        sa.ForeignKeyConstraint(["placed_by"], ["person.id"], name=op.f("fk_legal_hold_placed_by")),
        sa.ForeignKeyConstraint(["lifted_by"], ["person.id"], name=op.f("fk_legal_hold_lifted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
        sa.UniqueConstraint("ref", name=op.f("uq_legal_hold_ref")),
    )
    op.create_table(
        "redaction",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(length=6), nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("authorised_by", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_redaction_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_redaction_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redaction")),
        sa.UniqueConstraint("ref", name=op.f("uq_redaction_ref")),
    )
    op.create_index(op.f("ix_redaction_message_id"), "redaction", ["message_id"])
