"""clock: pages to staff, wording authorised beforehand, break-glass and its reviews, elections

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "page_request",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("submission_id", ID, nullable=True),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("acknowledged_by", ID, nullable=True),
        sa.Column("acknowledged_at", TIME, nullable=True),
        sa.Column("acknowledged_way", sa.String(length=64), nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("closed_why", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_page_request_submission_id")
        ),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["person.id"], name=op.f("fk_page_request_acknowledged_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_request")),
        sa.UniqueConstraint("uid", name=op.f("uq_page_request_uid")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_page_request_submission_id")),
    )
    op.create_index(op.f("ix_page_request_state"), "page_request", ["state"])
    op.create_table(
        "page",
        sa.Column("id", ID, nullable=False),
        sa.Column("page_request_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("way", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("begun_at", TIME, nullable=True),
        sa.Column("done_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["page_request_id"], ["page_request.id"], name=op.f("fk_page_page_request_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_page_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page")),
    )
    op.create_index(op.f("ix_page_state"), "page", ["state"])
    op.create_index(op.f("ix_page_page_request_id"), "page", ["page_request_id"])
    op.create_table(
        "pre_authorisation",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(length=6), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("template_no", sa.Integer(), nullable=False),
        sa.Column("template_sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("proposed_by", ID, nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("confirmed_by", ID, nullable=True),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("ended_by", ID, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["person.id"], name=op.f("fk_pre_authorisation_proposed_by")
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["person.id"], name=op.f("fk_pre_authorisation_confirmed_by")
        ),
        sa.ForeignKeyConstraint(["ended_by"], ["person.id"], name=op.f("fk_pre_authorisation_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pre_authorisation")),
        sa.UniqueConstraint("ref", name=op.f("uq_pre_authorisation_ref")),
    )
    op.create_table(
        "authority",
        sa.Column("id", ID, nullable=False),
        sa.Column("approval_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("pre_authorisation_id", ID, nullable=True),
        sa.Column("sent_by", ID, nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_authority_approval_id")),
        sa.ForeignKeyConstraint(
            ["pre_authorisation_id"], ["pre_authorisation.id"], name=op.f("fk_authority_pre_authorisation_id")
        ),
        sa.ForeignKeyConstraint(["sent_by"], ["person.id"], name=op.f("fk_authority_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authority")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_authority_approval_id")),
    )
    op.create_table(
        "break_glass",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("approval_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("correction", sa.Integer(), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("review_due_at", TIME, nullable=False),
        sa.Column("reviewed_by", ID, nullable=True),
        sa.Column("reviewed_at", TIME, nullable=True),
        sa.Column("verdict", sa.String(length=64), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_break_glass_message_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_break_glass_approval_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_break_glass_person_id")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["person.id"], name=op.f("fk_break_glass_reviewed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass")),
        sa.UniqueConstraint("uid", name=op.f("uq_break_glass_uid")),
        sa.UniqueConstraint("message_id", name=op.f("uq_break_glass_message_id")),
    )
    op.create_table(
        "election_period",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(length=6), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("set_by", ID, nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["set_by"], ["person.id"], name=op.f("fk_election_period_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_election_period")),
        sa.UniqueConstraint("ref", name=op.f("uq_election_period_ref")),
    )
    op.create_table(
        "election_name",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("added_by", ID, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_election_name_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_election_name")),
    )
