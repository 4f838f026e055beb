"""Feeds of weather services that are watched, and what they warned of."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from broadcaster.db.tables.columns import Id, count, metadata, moment, own_id, prose, to, uid, word

#: `rules` is JSON, as in domain/watching. `etag` and `modified` are said back to the source; `changed_at` is when it last had
#: something new, whatever that was; `said` is what became of the last look. One that was removed keeps its warnings.
feed = Table(
    "feed",
    metadata,
    own_id(),
    uid(),
    word("name"),
    prose("url"),
    Column("every_s", Integer, nullable=False),
    Column("silent_h", Integer, nullable=False),
    prose("rules"),
    to("person", name="added_by"),
    moment("created_at"),
    moment("removed_at", nullable=True),
    Column("etag", String(200), nullable=False, default=""),
    Column("modified", String(200), nullable=False, default=""),
    moment("next_at"),
    moment("looked_at", nullable=True),
    moment("good_at", nullable=True),
    moment("changed_at"),
    moment("failing_since", nullable=True),
    count("tries"),
    word("said", default=""),
)

#: A line of a feed that was read already: what is at its address is fetched once.
feed_entry = Table(
    "feed_entry",
    metadata,
    own_id(),
    to("feed"),
    Column("mark_sha256", String(64), nullable=False),
    moment("seen_at"),
    UniqueConstraint("feed_id", "mark_sha256"),
)

#: `key_sha256` is of sender and identifier: the same warning in two feeds is one. `first_id` is the first of those that refer to
#: each other. `content` is JSON; `template` is empty where no rule concerns it. `message_id` is what was written from it.
feed_warning = Table(
    "feed_warning",
    metadata,
    own_id(),
    uid(),
    to("feed", index=True),
    Column("key_sha256", String(64), nullable=False, unique=True),
    Column("first_id", Id, nullable=True, index=True),
    word("kind"),
    word("state"),
    prose("content"),
    word("template"),
    prose("rule"),
    moment("heard_at"),
    moment("ends_at", nullable=True),
    to("person", name="decided_by", nullable=True),
    moment("decided_at", nullable=True),
    prose("reason"),
    word("sheet", default=""),
    to("incident", nullable=True),
    to("message", nullable=True, index=True),
    Index("ix_feed_warning_state", "state"),
)
