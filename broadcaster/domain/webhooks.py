"""What programs elsewhere are told, as Standard Webhooks 1.0 has it (github.com/standard-webhooks, read 2026-11).

References, counts and digests only: what is sent leaves the house, and whoever wants to know more asks the API with a token.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.canonical import Json

SECRET_PREFIX = "whsec_"  # noqa: S105 - of every such secret
TEST = "webhook.test"
#: What each act of the audit log is told as. Of an act that is not here nothing is told.
TYPES: Mapping[str, str] = {
    "message_submitted": "message.submitted",
    "message_returned": "message.returned",
    "message_rejected": "message.rejected",
    "message_approved_and_released": "message.approved",
    "broadcast_stopped": "message.stopped",
    "broadcast_done": "message.finished",
    "unknown_left_to_a_person": "delivery.unknown",
    "alarm_raised": "alarm.raised",
    "alarm_cleared": "alarm.cleared",
}
#: What of an event goes out, by name. Reasons stay here: people write into them what they like.
TOLD = (
    "broadcast",
    "manifest_sha256",
    "version",
    "public_posts",
    "recipients",
    "planned",
    "totals",
    "count",
    "code",
    "subject",
)
#: How long after each failed try the next one comes; after the last it is given up: about three days.
AFTER_TRIES = tuple(
    timedelta(seconds=each)
    for each in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)


def content(event: AuditEvent, payload: Mapping[str, Any], *, mode: str) -> dict[str, Json]:
    """`mode` is live or exercise, empty of what belongs to no message."""
    about: dict[str, Json] = {"reference": event.subject, "mode": mode} if mode else {}
    told: dict[str, Json] = {name: payload[name] for name in TOLD if name in payload}
    data: dict[str, Json] = {"event": event.no, **about, **told}
    return {"type": TYPES[event.act], "timestamp": event.at, "data": data}


def signature(secret: str, *, uid: str, timestamp: int, body: str) -> str:
    """`v1,` and the HMAC-SHA256 of id, time and body, which the receiver makes again."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.digest(key, f"{uid}.{timestamp}.{body}".encode(), "sha256")
    return "v1," + base64.b64encode(signed).decode()
