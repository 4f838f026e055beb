"""templates: notice templates that were edited here, as versions over those that ship

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "template_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("notice_template_id", ID, nullable=False),
        sa.Column("put_back_no", sa.Integer(), nullable=True),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_template_id"],
            ["notice_template.id"],
            name=op.f("fk_template_version_notice_template_id"),
        ),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_template_version_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_version")),
        sa.UniqueConstraint("name", "no", name=op.f("uq_template_version_name_no")),
    )
    op.create_index(
        op.f("ix_template_version_notice_template_id"), "template_version", ["notice_template_id"]
    )
    # Empty in what was written before: what waits for approval during the upgrade keeps its manifest.
    op.add_column("message_version", sa.Column("template_no", sa.Integer(), nullable=True))
