"""What every gateway's requests have in common: who is shown as the sender, and how long a text may live."""

import re
from datetime import datetime

from broadcaster.domain.errors import Invalid, Refused
from broadcaster.domain.post import Post

_NUMBER_SENDER = re.compile(r"\+?\d{3,15}")
_NAME_SENDER = re.compile(r"[A-Za-z0-9 ]{1,11}")  # 3GPP TS 23.040, 9.1.2.5: 11 characters of GSM 7-bit


def checked_sender(sender: str) -> str:
    """The sender, where networks take it. Invalid otherwise."""
    if not _NUMBER_SENDER.fullmatch(sender) and not _NAME_SENDER.fullmatch(sender):
        raise Invalid(
            "The SMS sender must be a number, or at most 11 letters, digits and spaces. Correct sender in its file."
        )
    return sender


def seconds_left(post: Post, now: datetime) -> float | None:
    """Until the message expires; None where it does not say. Refused where what it says cannot be read."""
    expires = post.facts.get("expires", "")
    if not expires:
        return None
    try:
        return (datetime.fromisoformat(expires) - now).total_seconds()
    except (ValueError, TypeError) as exc:  # no date, or one without a time zone
        raise Refused("bad_expiry", "The message's time of expiry cannot be read. Set it again.") from exc
