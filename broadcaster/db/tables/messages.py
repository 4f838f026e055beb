"""A message, its versions, its pictures, and what was submitted and approved."""

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from broadcaster.db.tables.columns import count, metadata, moment, own_id, prose, to, uid, word

notice_template = Table(
    "notice_template",
    metadata,
    own_id(),
    word("name"),
    count("version"),
    word("sha256"),
    prose("content"),  # canonical JSON; immutable
    moment("created_at"),
    UniqueConstraint("name", "version"),
    UniqueConstraint("name", "sha256"),
)

#: What was edited here, over the template that ships under this name, which is version 0. The highest number is in force.
template_version = Table(
    "template_version",
    metadata,
    own_id(),
    word("name"),
    count("no"),
    to("notice_template", index=True),
    Column("put_back_no", Integer, nullable=True),  # the version whose wording was put back in force
    count("retired"),  # 1 where it is not to be used any more from this version on
    to("person", name="author_id"),
    prose("reason"),
    moment("created_at"),
    UniqueConstraint("name", "no"),
)

#: Pictures, stripped of what they say beside the picture; each once, under the SHA-256 of its bytes.
media = Table(
    "media",
    metadata,
    own_id(),
    Column("sha256", String(64), nullable=False, unique=True),
    word("media_type"),
    count("width"),
    count("height"),
    Column("content", LargeBinary, nullable=False),
    moment("created_at"),
)

#: A picture as it was made for the rules of a platform.
rendition = Table(
    "rendition",
    metadata,
    own_id(),
    to("media", name="original_id"),
    word("rules"),  # digest of the rules
    to("media"),
    UniqueConstraint("original_id", "rules"),
)

message = Table(
    "message",
    metadata,
    own_id(),
    uid(),
    Column("ref", String(6), nullable=False, unique=True),
    to("incident", index=True),
    word("mode"),
    word("kind"),
    word("purpose", default=""),
    word("visibility", default="public"),
    word("state"),
    count("version"),
    to("person", name="author_id"),
    to("message", name="amends_id", nullable=True),
    moment("created_at"),
    moment("not_before", nullable=True),
)

message_version = Table(
    "message_version",
    metadata,
    own_id(),
    to("message"),
    count("no"),
    to("notice_template", nullable=True),
    Column("template_no", Integer, nullable=True),  # its version; NULL in what is older than such versions
    prose("facts"),  # canonical JSON
    prose("blanks"),  # canonical JSON: what the officer filled in, so that a draft can be opened again
    prose("accounts"),  # JSON list of account names, in the order they were chosen
    to("audience_version", nullable=True),
    Column("images", Text, nullable=False, server_default="[]"),  # JSON list of {sha256, alt}
    to("person", name="author_id"),
    moment("created_at"),
    moment("next_update_at", nullable=True),  # when it says that people will hear more
    # JSON: its languages in their order, the facts in those beside the template's own, and by when one follows that it
    # goes without; empty where the template's own is all there is.
    Column("languages", Text, nullable=False, server_default=""),
    UniqueConstraint("message_id", "no"),
)

submission = Table(
    "submission",
    metadata,
    own_id(),
    uid(),
    to("message_version", index=True),
    prose("manifest"),  # canonical JSON, to the byte
    word("manifest_sha256"),
    to("person", name="submitted_by"),
    moment("submitted_at"),
    moment("expires_at"),
    word("state"),  # open, approved, void
)

post = Table(
    "post",
    metadata,
    own_id(),
    to("submission", index=True),
    word("channel"),
    to("account"),
    Column("language", String(16), nullable=False),
    Column("content", LargeBinary, nullable=False),  # canonical JSON, to the byte
    word("sha256"),
    UniqueConstraint("submission_id", "account_id", "language"),
)

standing_approval = Table(
    "standing_approval",
    metadata,
    own_id(),
    uid(),
    word("mode"),
    word("kind"),  # series, sequel
    prose("bounds"),  # canonical JSON: template version, blanks, slots, rule, channels, audience rule
    word("factor", default=""),  # how the approver proved who he is
    to("person", name="approved_by"),
    moment("approved_at"),
    moment("ends_at"),
    moment("revoked_at", nullable=True),
)

approval = Table(
    "approval",
    metadata,
    own_id(),
    uid(),
    to("submission"),
    word("manifest_sha256"),
    to("person", name="approver_id"),
    to("standing_approval", nullable=True),
    word("factor"),  # how the approver proved who he is
    moment("approved_at"),
    UniqueConstraint("submission_id"),  # used up by one broadcast
)

#: What somebody is typing, good or not: so that nothing typed is ever lost. Nobody else reads it; it is no version.
worksheet = Table(
    "worksheet",
    metadata,
    own_id(),
    uid(),
    to("person", index=True),
    to("message", nullable=True, index=True),  # the one that is being changed; none where it is a new one
    count("base"),  # the version that the change began from
    word("template"),
    prose("content"),  # JSON: what the form holds
    moment("created_at"),
    moment("changed_at"),
)
