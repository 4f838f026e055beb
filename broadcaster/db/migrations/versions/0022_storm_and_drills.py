"""storm and drills: what storm mode holds, and drills with their bars and those who take part

Frozen: the types stand here, so that a later change of `broadcaster.db.tables` does not change what this revision did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "storm",
        sa.Column("id", ID, nullable=False),
        sa.Column("on_by", ID, nullable=False),
        sa.Column("on_at", TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("off_by", ID, nullable=True),
        sa.Column("off_at", TIME, nullable=True),
        sa.Column("off_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["on_by"], ["person.id"], name=op.f("fk_storm_on_by")),
        sa.ForeignKeyConstraint(["off_by"], ["person.id"], name=op.f("fk_storm_off_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storm")),
    )
    op.create_table(
        "drill",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(length=6), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("asks_correction", sa.Integer(), nullable=False),
        sa.Column("bars", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("every_months", sa.Integer(), nullable=False),
        sa.Column("planned_by", ID, nullable=False),
        sa.Column("planned_at", TIME, nullable=False),
        sa.Column("started_by", ID, nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("incident_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["planned_by"], ["person.id"], name=op.f("fk_drill_planned_by")),
        sa.ForeignKeyConstraint(["started_by"], ["person.id"], name=op.f("fk_drill_started_by")),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_drill_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill")),
        sa.UniqueConstraint("ref", name=op.f("uq_drill_ref")),
    )
    op.create_index("ix_drill_due", "drill", ["state", "starts_at"])
    op.create_table(
        "drill_inject",
        sa.Column("id", ID, nullable=False),
        sa.Column("drill_id", ID, nullable=False),
        sa.Column("after_minutes", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["drill_id"], ["drill.id"], name=op.f("fk_drill_inject_drill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_inject")),
    )
    op.create_index(op.f("ix_drill_inject_drill_id"), "drill_inject", ["drill_id"])
    op.create_table(
        "drill_part",
        sa.Column("id", ID, nullable=False),
        sa.Column("drill_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["drill_id"], ["drill.id"], name=op.f("fk_drill_part_drill_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_drill_part_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_part")),
        sa.UniqueConstraint("drill_id", "person_id", name=op.f("uq_drill_part_drill_id_person_id")),
    )
    op.create_index(op.f("ix_drill_part_person_id"), "drill_part", ["person_id"])
    op.add_column("incident", sa.Column("mode", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("broadcast", sa.Column("routine", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("broadcast", sa.Column("storm", sa.String(length=64), nullable=False, server_default=""))
    # Of what is being sent during the upgrade: what is not life-safety is held when storm mode comes on.
    op.execute("UPDATE broadcast SET routine = 1 WHERE on_unknown = 'hold' AND kind <> 'Cancel'")
