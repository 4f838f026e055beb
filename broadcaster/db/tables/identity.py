"""How people prove who they are: passwords, second factors, sessions, invitations, the brake on guessing, proposals."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from broadcaster.db.tables.columns import count, metadata, moment, own_id, prose, to, uid, word


def _sha256() -> Column[str]:
    """All that is kept of a secret that was handed out: who reads the database cannot use it."""
    return Column("sha256", String(64), nullable=False, unique=True)


# --- what somebody knows or has --------------------------------------------------------------------------

password = Table(
    "password",
    metadata,
    own_id(),
    to("person"),
    prose("hash"),  # Argon2id, with its parameters
    moment("set_at"),
    UniqueConstraint("person_id"),
)

totp = Table(
    "totp",
    metadata,
    own_id(),
    to("person"),
    Column("bound_to", LargeBinary(64), nullable=False),  # what its seal is for, and whose it is
    Column("secret_sealed", LargeBinary, nullable=False),
    moment("created_at"),
    moment("confirmed_at", nullable=True),  # NULL counts for nothing: before 0016 one that was being set up
    moment("used_at", nullable=True),
    Column(
        "last_step", BigInteger, nullable=False
    ),  # a code of this step or an earlier one is not taken again
    UniqueConstraint("person_id"),
)

#: An app that is being set up, of one session or token of a person: two that are at it at once never swap their keys.
totp_begun = Table(
    "totp_begun",
    metadata,
    own_id(),
    to("person"),
    Column("holder", String(64), nullable=False),
    Column("bound_to", LargeBinary(64), nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    moment("created_at"),
    UniqueConstraint("person_id", "holder"),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    own_id(),
    to("person", index=True),
    _sha256(),
    moment("created_at"),
    moment("used_at", nullable=True),
)

passkey = Table(
    "passkey",
    metadata,
    own_id(),
    uid(),
    to("person", index=True),
    Column("credential_id", LargeBinary(1023), nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", String(64), nullable=False),
    prose("transports"),  # space-separated
    moment("created_at"),
    moment("used_at", nullable=True),
)

#: What a passkey is asked to sign. Taken away when it is used, so that no answer counts twice.
challenge = Table(
    "challenge",
    metadata,
    own_id(),
    _sha256(),
    word("purpose"),
    to("person", nullable=True),  # whose answer it must be; NULL where nobody has said yet who he is
    Column("session_uid", String(36), nullable=False, default=""),  # in which session it must be given
    moment("expires_at", nullable=False),
)

# --- being signed in -------------------------------------------------------------------------------------

session = Table(
    "session",
    metadata,
    own_id(),
    uid(),
    to("person", index=True),
    _sha256(),  # of the cookie's value, which changes at each change of what the session may do
    moment("created_at"),
    moment("seen_at"),
    moment("ends_at"),  # at the latest
    word("factor", default=""),  # the second factor that was given last
    moment("factor_at", nullable=True),
    Column("address", String(64), nullable=False, default=""),
    Column("agent", String(64), nullable=False, default=""),
    moment("ended_at", nullable=True),
    word("why_ended", default=""),
    Index("ix_session_ended", "ended_at", "ends_at"),
)

#: Failed tries of one kind from one place or for one name, all under keyed marks: somebody's password may have been
#: typed where the name belongs.
brake = Table(
    "brake",
    metadata,
    own_id(),
    Column("mark", LargeBinary(16), nullable=False, unique=True),
    count("failures"),
    moment("failed_at", nullable=True),
    moment("blocked_until", nullable=True),
    moment("good_at", nullable=True),  # when somebody last got in this way
    moment("touched_at"),
    Index("ix_brake_touched", "touched_at"),
)

invitation = Table(
    "invitation",
    metadata,
    own_id(),
    to("person", index=True),
    _sha256(),
    to("person", name="invited_by", nullable=True),
    moment("created_at"),
    moment("expires_at"),
    moment("used_at", nullable=True),
)

# --- what two people decide ------------------------------------------------------------------------------

proposal = Table(
    "proposal",
    metadata,
    own_id(),
    Column("ref", String(6), nullable=False, unique=True),
    word("kind"),
    prose("content"),  # canonical JSON: what will be done, to the letter
    Column("sha256", String(64), nullable=False),
    prose("reason"),
    to("person", name="proposed_by"),
    moment("proposed_at"),
    moment("expires_at"),
    word("state"),
    to("person", name="decided_by", nullable=True),
    moment("decided_at", nullable=True),
    Index("ix_proposal_state", "state", "expires_at"),
)

#: Policies that people chose otherwise than they are shipped.
policy_switch = Table(
    "policy_switch",
    metadata,
    own_id(),
    Column("name", String(64), nullable=False, unique=True),
    word("value"),
    moment("changed_at"),
)

#: What staff are to have read before their first live message. The highest number is the one that counts.
policy_text = Table(
    "policy_text",
    metadata,
    own_id(),
    Column("no", Integer, nullable=False, unique=True),
    prose("words"),
    Column("sha256", String(64), nullable=False),
    to("person", name="author_id"),
    moment("created_at"),
)

#: Who said that he had read which.
policy_read = Table(
    "policy_read",
    metadata,
    own_id(),
    to("person"),
    to("policy_text"),
    moment("at"),
    UniqueConstraint("person_id", "policy_text_id"),
)
