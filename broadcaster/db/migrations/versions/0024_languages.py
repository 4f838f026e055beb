"""languages: of a message's version, of a schedule's, and of the part of an audience that a target goes to

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("message_version", sa.Column("languages", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "schedule_version", sa.Column("languages", sa.String(length=64), server_default="", nullable=False)
    )
    op.add_column("target", sa.Column("speaking", sa.String(length=64), server_default="", nullable=False))
