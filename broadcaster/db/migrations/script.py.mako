"""${message}

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    ${upgrades}
% if down_revision is None:
    # What the audit log's first event chains to.
    head = sa.table("audit_head", sa.column("id"), sa.column("no"), sa.column("sha256"))
    op.bulk_insert(head, [{"id": 1, "no": 0, "sha256": "0" * 64}])
% endif
