"""sso and rota: single sign-on, who is on call, delegations, and apps that are being set up

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    _table(
        "totp_begun",
        _column("person_id", ID),
        _column("holder", sa.String(64)),
        _column("bound_to", sa.LargeBinary(64)),
        _column("secret_sealed", sa.LargeBinary()),
        _column("created_at", TIME),
        _person("totp_begun", "person_id"),
        sa.UniqueConstraint("person_id", "holder", name=op.f("uq_totp_begun_person_id_holder")),
    )
    # An app that somebody was setting up at this moment is begun anew: it lasted a quarter of an hour anyway.
    op.execute("DELETE FROM totp WHERE confirmed_at IS NULL")
    _table(
        "sso_user",
        _column("person_id", ID),
        _column("allowed_at", TIME),
        _column("issuer", sa.String(512), nullable=True),
        _column("subject", sa.String(255), nullable=True),
        _column("linked_at", TIME, nullable=True),
        _person("sso_user", "person_id"),
        sa.UniqueConstraint("person_id", name=op.f("uq_sso_user_person_id")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_sso_user_issuer_subject")),
    )
    _table(
        "work_contact",
        _column("person_id", ID),
        _column("phone", sa.String(64)),
        _column("mail", sa.String(254)),
        _column("changed_at", TIME),
        _person("work_contact", "person_id"),
        sa.UniqueConstraint("person_id", name=op.f("uq_work_contact_person_id")),
    )
    _duty()
    _delegation()


def _duty() -> None:
    _table(
        "duty",
        _column("uid", sa.String(36)),
        _column("person_id", ID),
        _column("role", sa.String(64)),
        _column("starts_at", TIME),
        _column("ends_at", TIME),
        _column("covers_id", ID, nullable=True),
        _column("entered_by", ID),
        _column("entered_at", TIME),
        _column("acknowledged_at", TIME, nullable=True),
        _column("removed_at", TIME, nullable=True),
        *(_person("duty", name) for name in ("person_id", "covers_id", "entered_by")),
        sa.UniqueConstraint("uid", name=op.f("uq_duty_uid")),
    )
    op.create_index(op.f("ix_duty_person_id"), "duty", ["person_id"])
    op.create_index("ix_duty_ends", "duty", ["ends_at"])


def _delegation() -> None:
    _table(
        "delegation",
        _column("ref", sa.String(6)),
        _column("person_id", ID),
        _column("covers", sa.Text()),
        _column("scheme", sa.Text()),
        _column("starts_at", TIME),
        _column("ends_at", TIME),
        _column("given_by", ID),
        _column("given_at", TIME),
        _column("ended_at", TIME, nullable=True),
        *(_person("delegation", name) for name in ("person_id", "given_by")),
        sa.UniqueConstraint("ref", name=op.f("uq_delegation_ref")),
    )
    op.create_index(op.f("ix_delegation_person_id"), "delegation", ["person_id"])


def _table(name: str, *parts: Any) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)


def _person(table: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_{table}_{name}"))
