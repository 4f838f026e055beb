"""incidents: decisions, agreements, actions and hand-overs

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    for name, size in (("lead_agency", 200), ("in_hands_of", 64)):
        op.add_column("incident", sa.Column(name, sa.String(size), nullable=False, server_default=""))
    op.add_column("incident", sa.Column("closed_at", TIME, nullable=True))
    _table("incident_decision", [_word("kind"), _text("what"), _text("reason"), _time("at")])
    _table(
        "incident_agreement",
        [_text("who"), _text("agency"), _word("way"), _text("about"), _time("at"), _time("noted_at")],
    )
    _table(
        "incident_action",
        [
            *(_text("what"), _text("who"), _time("until", nullable=True), _time("noted_at")),
            *(_time("done_at", nullable=True), sa.Column("done_by_id", ID, nullable=True)),
        ],
        people=("person_id", "done_by_id"),
    )
    _table(
        "incident_hand_over",
        [
            *(sa.Column("from_id", ID, nullable=False), sa.Column("to_id", ID, nullable=False)),
            *(_text("words"), _time("offered_at")),
            *(_time("accepted_at", nullable=True), _time("withdrawn_at", nullable=True)),
        ],
        people=("from_id", "to_id"),
    )


def _table(name: str, columns: Sequence[sa.Column[Any]], *, people: Sequence[str] = ("person_id",)) -> None:
    own = [sa.Column("person_id", ID, nullable=False)] if "person_id" in people else []
    keys = [sa.ForeignKeyConstraint([each], ["person.id"], name=op.f(f"fk_{name}_{each}")) for each in people]
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        *own,
        *columns,
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f(f"fk_{name}_incident_id")),
        *keys,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_incident_id"), name, ["incident_id"], unique=False)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _word(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length=64), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, TIME, nullable=nullable)
