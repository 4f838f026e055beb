"""A broadcast and its work, down to the single attempt."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint, text

from broadcaster.db.tables.columns import Id, count, metadata, moment, own_id, prose, to, uid, word

#: Deliveries that nothing moves on but a person. Text, not parameters: a database uses a partial index only where the
#: query says word for word what the index says.
FOR_A_PERSON = text("state IN ('unknown_final', 'quarantined')")

#: Deliveries that a platform gave an id. As above, word for word.
WITH_PLATFORM_ID = text("platform_id <> ''")
#: Deliveries with an unknown outcome, and no entry for each that has none. As above, word for word.
WITH_UNKNOWN = text("unknown_since IS NOT NULL")
#: Receipts that nothing was found for yet.
RECEIPT_WAITS = text("applied_at IS NULL")

#: Foreign keys of the tables with a row for each recipient. PostgreSQL looks each row of each of them up, and locks what
#: it finds: that was a third of what it did for a text. One place writes each, with ids that it has just read, and
#: nothing is ever deleted that they name (ADR 11).
ON_SQLITE_ONLY = frozenset(
    {
        "fk_attempt_delivery_id",
        "fk_attempt_intent_group_id",
        "fk_delivery_amends_delivery_id",
        "fk_delivery_batch_id",
        "fk_delivery_broadcast_id",
        "fk_delivery_target_id",
    }
)

broadcast = Table(
    "broadcast",
    metadata,
    own_id(),
    uid(),
    to("message"),
    to("approval"),
    to("incident", index=True),
    to("standing_approval", nullable=True),
    to("broadcast", name="superseded_by_id", nullable=True),
    word("mode"),
    word("kind"),
    count("sequence"),
    word("state"),
    count("precedence"),  # 0 is the most urgent
    word("on_unknown"),
    moment("released_at"),
    moment("expires_at"),
    moment("ended_at", nullable=True),
    prose("stop_reason"),
    # 1: storm mode holds it. Decided once, at its release: what was urgent then stays so.
    Column("routine", Integer, nullable=False, server_default="0"),
    Column("storm", String(64), nullable=False, server_default=""),
    UniqueConstraint("approval_id"),  # two clicks, one broadcast
    Index("ix_broadcast_state", "state", "expires_at"),
)

target = Table(
    "target",
    metadata,
    own_id(),
    uid(),
    to("broadcast", index=True),
    to("post"),
    to("account"),
    word("channel"),
    word("lane"),
    Column("language", String(16), nullable=False),
    # Whose language it is: `cy`, or `-cy -es` for everybody else; empty for the whole audience.
    Column("speaking", String(64), nullable=False, server_default=""),
    to("audience_version", nullable=True),
    count("planned_total"),
    count("planned"),  # how many deliveries exist already; the cursor of a resumed plan
    # What it does to what `amends_delivery_id` of its deliveries put there; empty for a post of its own.
    Column("act", String(64), nullable=False, server_default=""),
    # The broadcast whose text took this one's place here: nothing more of this one goes out. No foreign key, and may be
    # empty: SQLite would have to make the table anew for that.
    Column("superseded_by_id", Id, nullable=True),
)

#: Through which accounts a target may be sent, as approved: the one it is named by, and its spares.
route = Table(
    "route",
    metadata,
    own_id(),
    to("target"),
    to("account"),
    count("rank"),  # the lowest that can goes first; those of one rank share by weight
    count("weight"),
    UniqueConstraint("target_id", "account_id"),
)

batch = Table(
    "batch",
    metadata,
    own_id(),
    to("broadcast"),
    to("target"),
    to("account"),  # the one it went through last
    word("mode"),
    word("lane"),
    count("precedence"),
    word("state"),
    count("size"),
    count("fence"),  # goes up with every claim; an intent under an older one is refused
    count("deaths"),  # workers that died on it
    word("owner", default=""),
    moment("lease_until", nullable=True),
    moment("next_at"),
    Index("ix_batch_claim", "mode", "lane", "state", "precedence", "broadcast_id", "next_at"),
    Index("ix_batch_broadcast", "broadcast_id", "state"),
)

delivery = Table(
    "delivery",
    metadata,
    own_id(),
    uid(),  # the key towards the platform, the same on every try
    to("broadcast"),
    to("target"),
    to("batch"),
    count("ordinal"),
    # No foreign key: without an index of its own each recipient taken back at an import would search all deliveries.
    Column("recipient_id", Id, nullable=True),
    Column("language", String(16), nullable=False),
    # Through which one it was tried last, where its target has several. No foreign key: it is written for each of many.
    Column("account_id", Id, nullable=True),
    to("delivery", name="amends_delivery_id", nullable=True),
    word("state"),
    count("attempts"),
    count("resends"),  # times it was sent again after an unknown
    moment("next_at"),
    moment("unknown_since", nullable=True),
    moment("look_at", nullable=True),  # when the platform is next asked what became of an unknown
    moment("absent_since", nullable=True),  # the first clean read that did not show it
    moment("settled_at", nullable=True),
    word("code", default=""),
    prose("operator_text"),
    Column("platform_id", String(256), nullable=False, default=""),
    prose("link"),
    UniqueConstraint("target_id", "ordinal"),
    Index("ix_delivery_batch", "batch_id", "state", "ordinal"),
    Index("ix_delivery_target_state", "target_id", "state"),
    Index("ix_delivery_unknown", "unknown_since", sqlite_where=WITH_UNKNOWN, postgresql_where=WITH_UNKNOWN),
    # Small whatever was sent: the sweeper asks every second whether there are any.
    Index(
        "ix_delivery_for_a_person",
        "target_id",
        "state",
        "resends",
        sqlite_where=FOR_A_PERSON,
        postgresql_where=FOR_A_PERSON,
    ),
    # Some gateways name a text in its receipt only by the id that they gave it.
    Index(
        "ix_delivery_platform_id",
        "platform_id",
        sqlite_where=WITH_PLATFORM_ID,
        postgresql_where=WITH_PLATFORM_ID,
    ),
)

intent_group = Table(
    "intent_group",
    metadata,
    own_id(),
    to("batch", index=True),
    to("target"),
    # Through which one it went. No foreign key, and may be empty: SQLite would have to make the table anew for that.
    Column("account_id", Id, nullable=True),
    count("fence"),
    word("owner"),
    prose("delivery_ids"),  # JSON list
    count("size"),
    moment("opened_at"),
    moment("closed_at", nullable=True),
    Index("ix_intent_group_open", "closed_at", "target_id"),
)

attempt = Table(
    "attempt",
    metadata,
    own_id(),
    to("delivery", index=True),
    to("intent_group"),
    word("outcome"),
    word("code", default=""),
    Column("platform_id", String(256), nullable=False, default=""),
    prose("link"),
    prose("detail"),
    moment("started_at"),
    moment("ended_at"),
    UniqueConstraint("intent_group_id", "delivery_id"),
)

receipt = Table(
    "receipt",
    metadata,
    own_id(),
    to("account"),
    Column("delivery_uid", String(36), nullable=False),
    # Of a gateway that does not carry our key back; else empty.
    Column("platform_id", String(256), nullable=False, server_default=""),
    word("state"),
    word("code"),
    moment("received_at"),
    moment(
        "next_at"
    ),  # when it is looked at next: what nobody knows must not be looked up with every other one
    moment("applied_at", nullable=True),
    UniqueConstraint(
        "account_id", "delivery_uid", "platform_id", "state", "code", name="uq_receipt_told"
    ),  # gateways repeat themselves
    Index("ix_receipt_waiting", "next_at", "id", sqlite_where=RECEIPT_WAITS, postgresql_where=RECEIPT_WAITS),
)
