"""identity

How people prove who they are. Tokens of before keep all that their users' roles allow; nobody has a password yet.

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
WORD, SHA256, UID = sa.String(64), sa.String(64), sa.String(36)


def upgrade() -> None:
    for name in ("name", "factor"):
        op.add_column("token", sa.Column(name, WORD, server_default="", nullable=False))
    op.add_column("token", sa.Column("scopes", sa.Text(), server_default="", nullable=False))
    for name in ("used_at", "factor_at"):
        op.add_column("token", sa.Column(name, TIME, nullable=True))
    _create_factors()
    _create_sessions()
    _create_decisions()


def _create_factors() -> None:
    _table("password", _person(), _column("hash", sa.Text()), _column("set_at", TIME), unique=("person_id",))
    _table(
        "totp",
        _person(),
        _column("bound_to", sa.LargeBinary(64)),
        _column("secret_sealed", sa.LargeBinary()),
        _column("created_at", TIME),
        _maybe("confirmed_at"),
        _maybe("used_at"),
        _column("last_step", sa.BigInteger()),
        unique=("person_id",),
    )
    _table(
        "recovery_code",
        _person(),
        _column("sha256", SHA256),
        _column("created_at", TIME),
        _maybe("used_at"),
        unique=("sha256",),
    )
    op.create_index("ix_recovery_code_person_id", "recovery_code", ["person_id"])
    _table(
        "passkey",
        _column("uid", UID),
        _person(),
        _column("credential_id", sa.LargeBinary(1023)),
        _column("public_key", sa.LargeBinary()),
        _column("sign_count", sa.BigInteger()),
        _column("name", WORD),
        _column("transports", sa.Text()),
        _column("created_at", TIME),
        _maybe("used_at"),
        unique=("uid", "credential_id"),
    )
    op.create_index("ix_passkey_person_id", "passkey", ["person_id"])
    _table(
        "challenge",
        _column("sha256", SHA256),
        _column("purpose", WORD),
        sa.Column("person_id", ID, nullable=True),
        _column("session_uid", UID),
        _column("expires_at", TIME),
        unique=("sha256",),
        people=("person_id",),
    )


def _create_sessions() -> None:
    _table(
        "session",
        _column("uid", UID),
        _person(),
        _column("sha256", SHA256),
        _column("created_at", TIME),
        _column("seen_at", TIME),
        _column("ends_at", TIME),
        _column("factor", WORD),
        _maybe("factor_at"),
        _column("address", WORD),
        _column("agent", WORD),
        _maybe("ended_at"),
        _column("why_ended", WORD),
        unique=("uid", "sha256"),
    )
    op.create_index("ix_session_person_id", "session", ["person_id"])
    op.create_index("ix_session_ended", "session", ["ended_at", "ends_at"])
    _table(
        "brake",
        _column("mark", sa.LargeBinary(16)),
        _column("failures", sa.Integer()),
        _maybe("failed_at"),
        _maybe("blocked_until"),
        _maybe("good_at"),
        _column("touched_at", TIME),
        unique=("mark",),
    )
    op.create_index("ix_brake_touched", "brake", ["touched_at"])
    _table(
        "invitation",
        _person(),
        _column("sha256", SHA256),
        sa.Column("invited_by", ID, nullable=True),
        _column("created_at", TIME),
        _column("expires_at", TIME),
        _maybe("used_at"),
        unique=("sha256",),
        people=("person_id", "invited_by"),
    )
    op.create_index("ix_invitation_person_id", "invitation", ["person_id"])


def _create_decisions() -> None:
    _table(
        "proposal",
        _column("ref", sa.String(6)),
        _column("kind", WORD),
        _column("content", sa.Text()),
        _column("sha256", SHA256),
        _column("reason", sa.Text()),
        _column("proposed_by", ID),
        _column("proposed_at", TIME),
        _column("expires_at", TIME),
        _column("state", WORD),
        sa.Column("decided_by", ID, nullable=True),
        _maybe("decided_at"),
        unique=("ref",),
        people=("proposed_by", "decided_by"),
    )
    op.create_index("ix_proposal_state", "proposal", ["state", "expires_at"])
    _table(
        "policy_switch",
        _column("name", WORD),
        _column("value", WORD),
        _column("changed_at", TIME),
        unique=("name",),
    )


def _table(name: str, *columns: Any, unique: tuple[str, ...], people: tuple[str, ...] = ()) -> None:
    """`people` are the columns that name a person."""
    people = people or tuple(c.name for c in columns if c.name == "person_id")
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        *columns,
        *(sa.ForeignKeyConstraint([c], ["person.id"], name=op.f(f"fk_{name}_{c}")) for c in people),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        *(sa.UniqueConstraint(column, name=op.f(f"uq_{name}_{column}")) for column in unique),
    )


def _person() -> Any:
    return _column("person_id", ID)


def _column(name: str, kind: Any) -> Any:
    return sa.Column(name, kind, nullable=False)


def _maybe(name: str) -> Any:
    return sa.Column(name, TIME, nullable=True)
