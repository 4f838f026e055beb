"""Every table. Rows are written by the store of their noun beside this folder; migrations/ brings a database here.

`uid` is the id that leaves this system (UUIDv7); `ref` the six characters that people and posts carry.
"""

from broadcaster.db.tables.after import WRONG_SIGHT, by_hand, sighting
from broadcaster.db.tables.broadcasts import (
    FOR_A_PERSON,
    ON_SQLITE_ONLY,
    attempt,
    batch,
    broadcast,
    delivery,
    intent_group,
    receipt,
    route,
    target,
)
from broadcaster.db.tables.callbacks import callback, heard
from broadcaster.db.tables.columns import Time, metadata
from broadcaster.db.tables.identity import (
    brake,
    challenge,
    invitation,
    passkey,
    password,
    policy_switch,
    proposal,
    recovery_code,
    session,
    totp,
)
from broadcaster.db.tables.messages import (
    approval,
    incident,
    media,
    message,
    message_version,
    notice_template,
    post,
    rendition,
    standing_approval,
    submission,
    worksheet,
)
from broadcaster.db.tables.people import (
    account,
    audience,
    audience_version,
    person,
    recipient,
    suppression,
    token,
)
from broadcaster.db.tables.readiness import probe
from broadcaster.db.tables.record import alarm, audit_checkpoint, audit_event, leader

__all__ = [
    "FOR_A_PERSON",
    "ON_SQLITE_ONLY",
    "WRONG_SIGHT",
    "Time",
    "account",
    "alarm",
    "approval",
    "attempt",
    "audience",
    "audience_version",
    "audit_checkpoint",
    "audit_event",
    "batch",
    "brake",
    "broadcast",
    "by_hand",
    "callback",
    "challenge",
    "delivery",
    "heard",
    "incident",
    "intent_group",
    "invitation",
    "leader",
    "media",
    "message",
    "message_version",
    "metadata",
    "notice_template",
    "passkey",
    "password",
    "person",
    "policy_switch",
    "post",
    "probe",
    "proposal",
    "receipt",
    "recipient",
    "recovery_code",
    "rendition",
    "route",
    "session",
    "sighting",
    "standing_approval",
    "submission",
    "suppression",
    "target",
    "token",
    "totp",
    "worksheet",
]
