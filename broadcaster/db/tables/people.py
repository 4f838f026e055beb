"""Who may do what, and who is sent what."""

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from broadcaster.db.tables.columns import count, metadata, moment, own_id, prose, to, uid, word

# --- people ----------------------------------------------------------------------------------------------

# "user" is a reserved word on PostgreSQL.
person = Table(
    "person",
    metadata,
    own_id(),
    uid(),
    Column("name", String(64), nullable=False, unique=True),
    prose("roles"),  # space-separated
    moment("created_at"),
    moment("disabled_at", nullable=True),
)

token = Table(
    "token",
    metadata,
    own_id(),
    to("person", index=True),
    Column(
        "sha256", String(64), nullable=False, unique=True
    ),  # the token itself is shown once and never stored
    moment("created_at"),
    moment("expires_at"),
    moment("revoked_at", nullable=True),
    Column("name", String(64), nullable=False, server_default=""),
    Column(
        "scopes", Text, nullable=False, server_default=""
    ),  # space-separated; empty: all that the roles allow
    moment("used_at", nullable=True),
    Column(
        "factor", String(64), nullable=False, server_default=""
    ),  # the second factor that was given last with it
    moment("factor_at", nullable=True),
)

# --- what is sent to whom --------------------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    own_id(),
    word("mode"),
    word("channel"),
    word("name"),
    moment("created_at"),
    moment("paused_at", nullable=True),
    prose("pause_reason"),
    # Its breaker, written only while something fails; its rate, only where its file or its gateway names one.
    Column("failures", Integer, nullable=False, server_default="0"),
    moment("failing_since", nullable=True),
    moment("open_until", nullable=True),
    moment("free_at", nullable=True),
    UniqueConstraint("mode", "name"),
)

audience = Table(
    "audience",
    metadata,
    own_id(),
    Column("name", String(64), nullable=False, unique=True),
    moment("created_at"),
)

audience_version = Table(
    "audience_version",
    metadata,
    own_id(),
    uid(),
    to("audience"),
    count("no"),
    word("sha256", default=""),  # over the marks of its numbers, in order
    count("size"),
    Column("erased", Integer, nullable=False, server_default="0"),  # how many of those were erased since
    prose("source"),
    prose("lawful_basis"),
    prose("purpose"),
    Column("review_on", String(10), nullable=False, default=""),
    to("person", name="imported_by"),
    moment("created_at"),
    moment("sealed_at", nullable=True),  # until then it is being imported and cannot be used
    moment("wiped_at", nullable=True),  # its numbers were kept long enough: from then on it cannot be used
    UniqueConstraint("audience_id", "no"),
)

#: Of an erased person the row stays, since deliveries count on it: with its mark in place of the index, and nothing else.
recipient = Table(
    "recipient",
    metadata,
    own_id(),
    to("audience_version"),
    count("ordinal"),
    Column(
        "number_index", LargeBinary(16), nullable=False
    ),  # keyed, so that a number can be found but not guessed
    Column("number_sealed", LargeBinary, nullable=False),  # AES-GCM; empty once erased
    Column(
        "salt", LargeBinary(16), nullable=True
    ),  # of its mark; NULL once erased, and where there were no marks yet
    Column("language", String(16), nullable=False, default=""),
    UniqueConstraint("audience_version_id", "ordinal"),
    UniqueConstraint("audience_version_id", "number_index"),
)

suppression = Table(
    "suppression",
    metadata,
    own_id(),
    Column("number_index", LargeBinary(16), nullable=False),
    word("purpose", default=""),  # empty: all purposes
    word("reason"),
    moment("created_at"),
    UniqueConstraint("number_index", "purpose"),
)
