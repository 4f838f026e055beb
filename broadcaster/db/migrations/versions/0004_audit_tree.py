"""audit tree

The chain of events, for which every writer waited in turn, becomes a tree that a sealer builds behind them. The events stay as
they are; the sealer numbers them anew in the same order. What the chain ended with, and whether it was whole, becomes an
event itself: exports from before can still be compared.

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
UNSEALED = sa.text("no IS NULL")


def upgrade() -> None:
    chain = _old_chain(op.get_bind())
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", ID, autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_checkpoint")),
    )
    op.drop_index("ix_audit_event_subject", table_name="audit_event")
    with op.batch_alter_table("audit_event") as event:
        event.alter_column("no", existing_type=ID, nullable=True)
        event.add_column(sa.Column("leaf", sa.String(64), nullable=True))
        for name in ("payload_sha256", "previous_sha256", "sha256"):
            event.drop_column(name)
    op.create_index("ix_audit_event_subject", "audit_event", ["subject", "id"])
    op.create_index(
        "ix_audit_event_unsealed",
        "audit_event",
        ["id"],
        sqlite_where=UNSEALED,
        postgresql_where=UNSEALED,
    )
    op.drop_table("audit_head")
    op.execute("UPDATE audit_event SET no = NULL")
    if chain["events"]:
        _say(op.get_bind(), chain)


def _old_chain(connection: sa.Connection) -> dict[str, Any]:
    """What it ended with, and the first event that was altered or is missing: 0 where it was whole."""
    previous, expected, bad = "0" * 64, 1, 0
    rows = connection.execute(sa.text("SELECT * FROM audit_event ORDER BY no"))
    for row in rows:
        content = {
            "act": row.act,
            "actor": row.actor,
            "at": _iso(row.at),
            "no": row.no,
            "payload_sha256": hashlib.sha256(row.payload.encode()).hexdigest(),
            "previous_sha256": previous,
            "subject": row.subject,
        }
        if not bad and (row.no != expected or row.sha256 != _sha256(content)):
            bad = expected
        previous, expected = row.sha256, expected + 1
    head = connection.execute(sa.text("SELECT no, sha256 FROM audit_head")).one()
    if not bad and (expected - 1, previous) != (head.no, head.sha256):
        bad = expected
    return {"events": expected - 1, "first_bad": bad, "head_sha256": head.sha256}


def _sha256(content: dict[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _iso(at: Any) -> str:
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        return str(moment.astimezone(UTC).isoformat(timespec="microseconds"))
    except ValueError:
        return str(at)


def _say(connection: sa.Connection, chain: dict[str, Any]) -> None:
    event = sa.table(
        "audit_event",
        sa.column("at", TIME),
        sa.column("actor"),
        sa.column("act"),
        sa.column("subject"),
        sa.column("payload"),
    )
    now = datetime.now(UTC)
    connection.execute(
        event.insert().values(
            at=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if connection.dialect.name == "sqlite" else now,
            actor="system",
            act="audit_log_rebuilt_as_tree",
            subject="",
            payload=json.dumps(chain, sort_keys=True, separators=(",", ":")),
        )
    )
