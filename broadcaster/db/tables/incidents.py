"""What belongs to one event as a whole, beside its messages: decisions, who agreed, what is left to do, who has it in hand."""

from sqlalchemy import Column, String, Table

from broadcaster.db.tables.columns import metadata, moment, own_id, prose, to, uid, word

incident = Table(
    "incident",
    metadata,
    own_id(),
    uid(),
    Column("ref", String(6), nullable=False, unique=True),
    prose("name"),
    moment("opened_at"),
    Column("lead_agency", String(200), nullable=False, server_default=""),
    Column(
        "in_hands_of", String(64), nullable=False, server_default=""
    ),  # a user's name, which never changes
    moment("closed_at", nullable=True),
    # Of a drill: nothing live can belong to it. Empty: whatever its messages are.
    Column("mode", String(64), nullable=False, server_default=""),
)

#: To warn, and as much not to: an inquiry asks about that one first.
incident_decision = Table(
    "incident_decision",
    metadata,
    own_id(),
    to("incident", index=True),
    to("person"),
    word("kind"),
    prose("what"),
    prose("reason"),
    moment("at"),
)

#: Partners have no account here: somebody of ours notes that they agreed, and how.
incident_agreement = Table(
    "incident_agreement",
    metadata,
    own_id(),
    to("incident", index=True),
    to("person"),
    prose("who"),
    prose("agency"),
    word("way"),
    prose("about"),
    moment("at"),
    moment("noted_at"),
)

incident_action = Table(
    "incident_action",
    metadata,
    own_id(),
    to("incident", index=True),
    to("person"),
    prose("what"),
    prose("who"),
    moment("until", nullable=True),
    moment("noted_at"),
    moment("done_at", nullable=True),
    to("person", name="done_by_id", nullable=True),
)

incident_hand_over = Table(
    "incident_hand_over",
    metadata,
    own_id(),
    to("incident", index=True),
    to("person", name="from_id"),
    to("person", name="to_id"),
    prose("words"),
    moment("offered_at"),
    moment("accepted_at", nullable=True),
    moment("withdrawn_at", nullable=True),
)
