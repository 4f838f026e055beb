"""retired: a notice template's version by which it is not to be used any more

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("template_version", sa.Column("retired", sa.Integer(), server_default="0", nullable=False))
