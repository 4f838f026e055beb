"""erasure

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """What was imported earlier gets no salts: manifests that were approved hold its digest, and it must not change."""
    op.add_column("audience_version", sa.Column("erased", sa.Integer(), server_default="0", nullable=False))
    op.add_column("audience_version", sa.Column("wiped_at", TIME, nullable=True))
    op.add_column("recipient", sa.Column("salt", sa.LargeBinary(length=16), nullable=True))
