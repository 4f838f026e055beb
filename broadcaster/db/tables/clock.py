"""The approval clock: who was paged about what, what was authorised beforehand, what was sent without a second person, and when
an election is near."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from broadcaster.db.tables.columns import count, metadata, moment, own_id, prose, to, uid, word

#: Something that somebody must know of or decide, until it is over; `next_at` is when more people are paged.
page_request = Table(
    "page_request",
    metadata,
    own_id(),
    uid(),
    word("kind"),
    word("subject"),  # a message's reference, or what else it is about: never a person outside of the staff
    to("submission", nullable=True),
    word("role"),
    prose("words"),  # what the page says
    prose("link"),  # a path of the console
    word("state"),  # open, closed
    count("stage"),
    moment("opened_at"),
    moment("next_at", nullable=True),
    to("person", name="acknowledged_by", nullable=True),
    moment("acknowledged_at", nullable=True),
    word("acknowledged_way", default=""),
    moment("closed_at", nullable=True),
    word("closed_why", default=""),
    UniqueConstraint("submission_id"),
    Index("ix_page_request_state", "state"),
)

#: One page, by one way, to one person or to a room that several read.
page = Table(
    "page",
    metadata,
    own_id(),
    to("page_request", index=True),
    to("person", nullable=True),
    word("way"),  # mail, sms, room
    count("stage"),
    word("state"),  # waiting, begun, sent, not_sent, unknown
    word("code", default=""),
    moment("made_at"),
    moment("begun_at", nullable=True),
    moment("done_at", nullable=True),
    Index("ix_page_state", "state"),
)

#: Wording that two people agreed on in quiet times, for named events and within bounds, until a day.
pre_authorisation = Table(
    "pre_authorisation",
    metadata,
    own_id(),
    Column("ref", String(6), nullable=False, unique=True),
    word("template"),
    count("template_no"),
    word("template_sha256"),
    prose("content"),  # canonical JSON: events and bounds
    word("sha256"),
    prose("reason"),
    moment("ends_at"),
    to("person", name="proposed_by"),
    moment("proposed_at"),
    to("person", name="confirmed_by", nullable=True),
    moment("confirmed_at", nullable=True),
    to("person", name="ended_by", nullable=True),
    moment("ended_at", nullable=True),
)

#: How an approval came about where no second person decided on the day.
authority = Table(
    "authority",
    metadata,
    own_id(),
    to("approval"),
    word("kind"),  # pre-authorised, break-glass
    to("pre_authorisation", nullable=True),
    to("person", name="sent_by", nullable=True),  # none where nobody answered, and the clock did it
    prose("event"),
    UniqueConstraint("approval_id"),
)

break_glass = Table(
    "break_glass",
    metadata,
    own_id(),
    uid(),
    to("message"),
    to("approval"),
    to("person"),
    prose("reason"),
    word("policy"),
    Column("correction", Integer, nullable=False, default=0),
    count("recipients"),
    moment("at"),
    moment("review_due_at"),
    to("person", name="reviewed_by", nullable=True),
    moment("reviewed_at", nullable=True),
    word("verdict", default=""),
    prose("finding"),
    UniqueConstraint("message_id"),
)

election_period = Table(
    "election_period",
    metadata,
    own_id(),
    Column("ref", String(6), nullable=False, unique=True),
    moment("starts_at"),
    moment("ends_at"),
    to("person", name="set_by"),
    moment("set_at"),
    moment("ended_at", nullable=True),
)

#: Who stands or holds office: public people, by the council's own list.
election_name = Table(
    "election_name",
    metadata,
    own_id(),
    Column("name", String(100), nullable=False),
    to("person", name="added_by"),
    moment("added_at"),
    moment("removed_at", nullable=True),
)
