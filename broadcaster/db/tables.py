"""Every table. Rows are written by the store of their noun beside this file; migrations/ brings a database here.

`uid` is the id that leaves this system (UUIDv7); `ref` the six characters that people and posts carry.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only for INTEGER PRIMARY KEY


class Time(TypeDecorator[datetime]):
    """An aware time in UTC: `timestamptz` on PostgreSQL, text of fixed width that sorts on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return String(27) if dialect.name == "sqlite" else DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset does not go into the database")
        utc = value.astimezone(UTC)
        return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if dialect.name == "sqlite" else value.astimezone(UTC)


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True)


def _uid() -> Column[str]:
    return Column("uid", String(36), nullable=False, unique=True)


def _to(table: str, *, name: str = "", nullable: bool = False, index: bool = False) -> Column[int]:
    return Column(name or f"{table}_id", Id, ForeignKey(f"{table}.id"), nullable=nullable, index=index)


def _text(name: str, *, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, default=default)


def _word(name: str, *, default: str | None = None) -> Column[str]:
    return Column(name, String(64), nullable=False, default=default)


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, Time, nullable=nullable)


def _count(name: str, *, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, default=default)


#: Deliveries that nothing moves on but a person. Text, not parameters: a database uses a partial index only where the
#: query says word for word what the index says.
FOR_A_PERSON = text("state IN ('unknown_final', 'quarantined')")
_STILL_SO = text("cleared_at IS NULL")

# --- people -----------------------------------------------------------------------------------------------

# "user" is a reserved word on PostgreSQL.
person = Table(
    "person",
    metadata,
    _id(),
    _uid(),
    Column("name", String(64), nullable=False, unique=True),
    _text("roles"),  # space-separated
    _time("created_at"),
    _time("disabled_at", nullable=True),
)

token = Table(
    "token",
    metadata,
    _id(),
    _to("person", index=True),
    Column(
        "sha256", String(64), nullable=False, unique=True
    ),  # the token itself is shown once and never stored
    _time("created_at"),
    _time("expires_at"),
    _time("revoked_at", nullable=True),
)

# --- what is sent to whom ---------------------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    _id(),
    _word("mode"),
    _word("channel"),
    _word("name"),
    _time("created_at"),
    _time("paused_at", nullable=True),
    _text("pause_reason"),
    UniqueConstraint("mode", "name"),
)

audience = Table(
    "audience",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    _time("created_at"),
)

audience_version = Table(
    "audience_version",
    metadata,
    _id(),
    _uid(),
    _to("audience"),
    _count("no"),
    _word("sha256", default=""),  # over the keyed indexes of its numbers, in order
    _count("size"),
    _text("source"),
    _text("lawful_basis"),
    _text("purpose"),
    Column("review_on", String(10), nullable=False, default=""),
    _to("person", name="imported_by"),
    _time("created_at"),
    _time("sealed_at", nullable=True),  # until then it is being imported and cannot be used
    UniqueConstraint("audience_id", "no"),
)

recipient = Table(
    "recipient",
    metadata,
    _id(),
    _to("audience_version"),
    _count("ordinal"),
    Column(
        "number_index", LargeBinary(16), nullable=False
    ),  # keyed, so that a number can be found but not guessed
    Column("number_sealed", LargeBinary, nullable=False),  # AES-GCM
    Column("language", String(16), nullable=False, default=""),
    UniqueConstraint("audience_version_id", "ordinal"),
    UniqueConstraint("audience_version_id", "number_index"),
)

suppression = Table(
    "suppression",
    metadata,
    _id(),
    Column("number_index", LargeBinary(16), nullable=False),
    _word("purpose", default=""),  # empty: all purposes
    _word("reason"),
    _time("created_at"),
    UniqueConstraint("number_index", "purpose"),
)

# --- a message and its versions ---------------------------------------------------------------------------

notice_template = Table(
    "notice_template",
    metadata,
    _id(),
    _word("name"),
    _count("version"),
    _word("sha256"),
    _text("content"),  # canonical JSON; immutable
    _time("created_at"),
    UniqueConstraint("name", "version"),
    UniqueConstraint("name", "sha256"),
)

#: Pictures, stripped of what they say beside the picture; each once, under the SHA-256 of its bytes.
media = Table(
    "media",
    metadata,
    _id(),
    Column("sha256", String(64), nullable=False, unique=True),
    _word("media_type"),
    _count("width"),
    _count("height"),
    Column("content", LargeBinary, nullable=False),
    _time("created_at"),
)

#: A picture as it was made for the rules of a platform.
rendition = Table(
    "rendition",
    metadata,
    _id(),
    _to("media", name="original_id"),
    _word("rules"),  # digest of the rules
    _to("media"),
    UniqueConstraint("original_id", "rules"),
)

incident = Table(
    "incident",
    metadata,
    _id(),
    _uid(),
    Column("ref", String(6), nullable=False, unique=True),
    _text("name"),
    _time("opened_at"),
)

message = Table(
    "message",
    metadata,
    _id(),
    _uid(),
    Column("ref", String(6), nullable=False, unique=True),
    _to("incident", index=True),
    _word("mode"),
    _word("kind"),
    _word("purpose", default=""),
    _word("visibility", default="public"),
    _word("state"),
    _count("version"),
    _to("person", name="author_id"),
    _to("message", name="amends_id", nullable=True),
    _time("created_at"),
    _time("not_before", nullable=True),
)

message_version = Table(
    "message_version",
    metadata,
    _id(),
    _to("message"),
    _count("no"),
    _to("notice_template", nullable=True),
    _text("facts"),  # canonical JSON
    _text("blanks"),  # canonical JSON: what the officer filled in, so that a draft can be opened again
    _text("accounts"),  # JSON list of account names, in the order they were chosen
    _to("audience_version", nullable=True),
    Column("images", Text, nullable=False, server_default="[]"),  # JSON list of {sha256, alt}
    _to("person", name="author_id"),
    _time("created_at"),
    UniqueConstraint("message_id", "no"),
)

submission = Table(
    "submission",
    metadata,
    _id(),
    _uid(),
    _to("message_version", index=True),
    _text("manifest"),  # canonical JSON, to the byte
    _word("manifest_sha256"),
    _to("person", name="submitted_by"),
    _time("submitted_at"),
    _time("expires_at"),
    _word("state"),  # open, approved, void
)

post = Table(
    "post",
    metadata,
    _id(),
    _to("submission", index=True),
    _word("channel"),
    _to("account"),
    Column("language", String(16), nullable=False),
    Column("content", LargeBinary, nullable=False),  # canonical JSON, to the byte
    _word("sha256"),
    UniqueConstraint("submission_id", "account_id", "language"),
)

standing_approval = Table(
    "standing_approval",
    metadata,
    _id(),
    _uid(),
    _word("mode"),
    _word("kind"),  # series, sequel
    _text("bounds"),  # canonical JSON: template version, blanks, slots, rule, channels, audience rule
    _to("person", name="approved_by"),
    _time("approved_at"),
    _time("ends_at"),
    _time("revoked_at", nullable=True),
)

approval = Table(
    "approval",
    metadata,
    _id(),
    _uid(),
    _to("submission"),
    _word("manifest_sha256"),
    _to("person", name="approver_id"),
    _to("standing_approval", nullable=True),
    _word("factor"),  # how the approver proved who he is
    _time("approved_at"),
    UniqueConstraint("submission_id"),  # used up by one broadcast
)

# --- a broadcast and its work -----------------------------------------------------------------------------

broadcast = Table(
    "broadcast",
    metadata,
    _id(),
    _uid(),
    _to("message"),
    _to("approval"),
    _to("incident", index=True),
    _to("standing_approval", nullable=True),
    _to("broadcast", name="superseded_by_id", nullable=True),
    _word("mode"),
    _word("kind"),
    _count("sequence"),
    _word("state"),
    _count("precedence"),  # 0 is the most urgent
    _word("on_unknown"),
    _time("released_at"),
    _time("expires_at"),
    _time("ended_at", nullable=True),
    _text("stop_reason"),
    UniqueConstraint("approval_id"),  # two clicks, one broadcast
    Index("ix_broadcast_state", "state", "expires_at"),
)

target = Table(
    "target",
    metadata,
    _id(),
    _uid(),
    _to("broadcast", index=True),
    _to("post"),
    _to("account"),
    _word("channel"),
    _word("lane"),
    Column("language", String(16), nullable=False),
    _to("audience_version", nullable=True),
    _count("planned_total"),
    _count("planned"),  # how many deliveries exist already; the cursor of a resumed plan
)

batch = Table(
    "batch",
    metadata,
    _id(),
    _to("broadcast"),
    _to("target"),
    _to("account"),
    _word("mode"),
    _word("lane"),
    _count("precedence"),
    _word("state"),
    _count("size"),
    _count("fence"),  # goes up with every claim; an intent under an older one is refused
    _count("deaths"),  # workers that died on it
    _word("owner", default=""),
    _time("lease_until", nullable=True),
    _time("next_at"),
    Index("ix_batch_claim", "mode", "lane", "state", "precedence", "broadcast_id", "next_at"),
    Index("ix_batch_broadcast", "broadcast_id", "state"),
)

delivery = Table(
    "delivery",
    metadata,
    _id(),
    _uid(),  # the key towards the platform, the same on every try
    _to("broadcast"),
    _to("target"),
    _to("batch"),
    _count("ordinal"),
    # No foreign key: without an index of its own each recipient taken back at an import would search all deliveries.
    Column("recipient_id", Id, nullable=True),
    Column("language", String(16), nullable=False),
    _to("delivery", name="amends_delivery_id", nullable=True),
    _word("state"),
    _count("attempts"),
    _count("resends"),  # times it was sent again after an unknown
    _time("next_at"),
    _time("unknown_since", nullable=True),
    _time("look_at", nullable=True),  # when the platform is next asked what became of an unknown
    _time("absent_since", nullable=True),  # the first clean read that did not show it
    _time("settled_at", nullable=True),
    _word("code", default=""),
    _text("operator_text"),
    Column("platform_id", String(256), nullable=False, default=""),
    _text("link"),
    UniqueConstraint("target_id", "ordinal"),
    Index("ix_delivery_batch", "batch_id", "state", "ordinal"),
    Index("ix_delivery_target_state", "target_id", "state"),
    Index("ix_delivery_unknown", "unknown_since"),
    # Small whatever was sent: the sweeper asks every second whether there are any.
    Index(
        "ix_delivery_for_a_person",
        "target_id",
        "state",
        "resends",
        sqlite_where=FOR_A_PERSON,
        postgresql_where=FOR_A_PERSON,
    ),
)

intent_group = Table(
    "intent_group",
    metadata,
    _id(),
    _to("batch", index=True),
    _to("target"),
    _count("fence"),
    _word("owner"),
    _text("delivery_ids"),  # JSON list
    _count("size"),
    _time("opened_at"),
    _time("closed_at", nullable=True),
    Index("ix_intent_group_open", "closed_at", "target_id"),
)

attempt = Table(
    "attempt",
    metadata,
    _id(),
    _to("delivery", index=True),
    _to("intent_group"),
    _word("outcome"),
    _word("code", default=""),
    Column("platform_id", String(256), nullable=False, default=""),
    _text("link"),
    _text("detail"),
    _time("started_at"),
    _time("ended_at"),
    UniqueConstraint("intent_group_id", "delivery_id"),
)

receipt = Table(
    "receipt",
    metadata,
    _id(),
    _to("account"),
    Column("delivery_uid", String(36), nullable=False),
    _word("state"),
    _word("code"),
    _time("received_at"),
    _time("applied_at", nullable=True),
    UniqueConstraint("account_id", "delivery_uid", "state", "code"),  # gateways repeat themselves
    Index("ix_receipt_waiting", "applied_at", "id"),
)

# --- the record -------------------------------------------------------------------------------------------

audit_event = Table(
    "audit_event",
    metadata,
    _id(),
    Column("no", Id, nullable=False, unique=True),  # dense, from 1
    _time("at"),
    _word("actor"),
    _word("act"),
    _word("subject"),  # a message's reference, a user, an audience: what to look under
    _text(
        "payload"
    ),  # canonical JSON of digests, counts, names of staff; never a number, a name of the public, a secret
    _word("payload_sha256"),
    _word("previous_sha256"),
    _word("sha256"),
    Index("ix_audit_event_subject", "subject", "no"),
)

audit_head = Table(
    "audit_head",
    metadata,
    _id(),
    Column("no", Id, nullable=False),
    _word("sha256"),
)

alarm = Table(
    "alarm",
    metadata,
    _id(),
    _word("code"),
    Column("subject", String(128), nullable=False),  # a message's reference, an account, a lane
    _text("text"),  # what happened, what it means, what to do
    _count("size"),  # of how many it is: where there are more than a person has seen, that is news
    _time("raised_at"),
    _time("acknowledged_at", nullable=True),  # a person has seen what may never be over
    _time("cleared_at", nullable=True),
    Index(
        "uq_alarm_open",
        "code",
        "subject",
        unique=True,
        sqlite_where=_STILL_SO,
        postgresql_where=_STILL_SO,
    ),
    Index("ix_alarm_raised", "raised_at"),
)

# --- processes --------------------------------------------------------------------------------------------

leader = Table(
    "leader",
    metadata,
    Column("role", String(32), primary_key=True),
    _word("owner"),
    _time("lease_until"),
)
