"""rows of many

What is written for each recipient is written faster: the index on unknown outcomes holds nothing else any more, and on
PostgreSQL the tables that get a row for each recipient have no foreign keys (see ON_SQLITE_ONLY in
`broadcaster.db.tables`). SQLite keeps them: it would have to make the tables anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

GONE = {
    "attempt": ("delivery_id", "intent_group_id"),
    "delivery": ("amends_delivery_id", "batch_id", "broadcast_id", "target_id"),
}
WITH_UNKNOWN = sa.text("unknown_since IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_delivery_unknown", "delivery")
    op.create_index(
        "ix_delivery_unknown",
        "delivery",
        ["unknown_since"],
        sqlite_where=WITH_UNKNOWN,
        postgresql_where=WITH_UNKNOWN,
    )
    if op.get_context().dialect.name == "sqlite":
        return
    for table, columns in GONE.items():
        for column in columns:
            op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")
