"""audit looked up

The audit log is read by people: newest first, by who, by what, by about what, by when. Each of these has an index that
gives the events in that order, so that a page of a million events costs what a page of a hundred does.
"""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.drop_index("ix_audit_event_subject", "audit_event")
    op.create_index("ix_audit_event_subject", "audit_event", ["subject", "at", "id"])
    op.create_index("ix_audit_event_at", "audit_event", ["at", "id"])
    op.create_index("ix_audit_event_act", "audit_event", ["act", "at", "id"])
    op.create_index("ix_audit_event_actor", "audit_event", ["actor", "at", "id"])
    op.create_index("ix_audit_event_actor_act", "audit_event", ["actor", "act", "at", "id"])
