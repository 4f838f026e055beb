"""What programs need: answers that are given again to who asks again, and webhooks with what is still to be told to them."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from broadcaster.db.tables.columns import Id, count, metadata, moment, own_id, prose, to, uid, word

DUE = text("next_at IS NOT NULL")

#: A request that came with an Idempotency-Key. `status` is empty until it was answered.
request_once = Table(
    "request_once",
    metadata,
    own_id(),
    to("person"),
    Column("key_sha256", String(64), nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("status", Integer, nullable=True),
    prose("location"),
    prose("answer"),
    moment("created_at"),
    UniqueConstraint("person_id", "key_sha256"),
    Index("ix_request_once_created_at", "created_at"),
)

#: Where something is told to. `types` are separated by blanks, none for all; `seen_no` is up to which event of the audit log it
#: was looked whether there is something to tell.
webhook = Table(
    "webhook",
    metadata,
    own_id(),
    uid(),
    prose("url"),
    prose("types"),
    Column("bound_to", LargeBinary(64), nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    to("person", name="added_by"),
    moment("created_at"),
    Column("seen_no", Id, nullable=False),
    moment("failing_since", nullable=True),
    moment("disabled_at", nullable=True),
)

#: `next_at` is empty once it arrived or was given up; `said` is what became of the last try.
webhook_message = Table(
    "webhook_message",
    metadata,
    own_id(),
    uid(),
    to("webhook", index=True),
    word("type"),
    prose("content"),
    count("tries"),
    moment("next_at", nullable=True),
    moment("sent_at", nullable=True),
    word("said"),
    moment("created_at"),
    Index("ix_webhook_message_due", "next_at", sqlite_where=DUE, postgresql_where=DUE),
    Index("ix_webhook_message_created_at", "created_at"),
)
