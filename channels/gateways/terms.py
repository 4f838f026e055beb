"""What gateways have in common: the sender shown, the key on its way there and back, how long a text may live, and
what a release may fill in."""

import re
from datetime import datetime
from urllib.parse import quote

from broadcaster.domain.errors import Invalid, Refused
from broadcaster.domain.post import SEQUENCES, Post

SENDER_HELP = (
    "the sender shown: 3 to 11 letters, digits or spaces, at least one of them a letter; or a number"
)

_NUMBER = re.compile(r"(?:\+[1-9]|(?!00)\d)\d{2,14}")  # E.164, a national number or a short code
# 11 characters of GSM 7-bit at most (3GPP TS 23.040, 9.1.2.5), and one of them a letter, or networks show a number.
# Fewer than 3, 00 at the beginning, and the three words that spam has spoilt: GOV.UK Notify refuses them on behalf of
# the UK networks (github.com/alphagov/notifications-admin, app/main/forms.py and validators.py, read 2026-11).
_NAME = re.compile(r"(?=.*[A-Za-z])(?!00)[A-Za-z0-9][A-Za-z0-9 ]{1,9}[A-Za-z0-9]")
_SPOILT = frozenset({"alert", "info", "verify"})
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def checked_sender(sender: str) -> str:
    """The sender, where networks take it. Invalid otherwise.

    A network drops what it does not take, or shows another sender, and in neither case tells us.
    """
    if sender.lower() in _SPOILT:
        raise Invalid(
            f'The networks block "{sender}" as an SMS sender, for spam is sent under it. Use the name of your '
            "organisation as sender in the account's file."
        )
    if not _NUMBER.fullmatch(sender) and not _NAME.fullmatch(sender):
        raise Invalid(
            "The SMS sender must be a number (not with 00; write +44...), or 3 to 11 letters, digits and spaces with "
            "a letter among them. Correct sender in the account's file."
        )
    return sender


def is_key(value: str) -> bool:
    """Whether this can be a delivery's key, as it comes back with a receipt."""
    return _KEY.fullmatch(value) is not None


def with_key(receipt_url: str, key: str) -> str:
    """Our address for the receipts of one delivery, which has its key in it."""
    return f"{receipt_url}{'&' if '?' in receipt_url else '?'}key={quote(key, safe='')}"


def seconds_left(post: Post, now: datetime) -> float | None:
    """Until the message expires; None where it does not say. Refused where what it says cannot be read."""
    expires = post.facts.get("expires", "")
    if not expires:
        return None
    try:
        return (datetime.fromisoformat(expires) - now).total_seconds()
    except (ValueError, TypeError) as exc:  # no date, or one without a time zone
        raise Refused("bad_expiry", "The message's time of expiry cannot be read. Set it again.") from exc


def texts_at_release(post: Post) -> list[str]:
    """The post's text for every width of its late slots.

    Officers see the greatest width. A shorter one moves what follows it onto another edge between segments, and an
    empty one can leave spaces or lines without anything between them. The time of sending is always as wide.
    """
    widest = post.at_widest().text
    texts = [widest]
    for slot in SEQUENCES.values():
        shorter = ("", slot.widest[:-1], slot.widest)
        texts = [text.replace(slot.widest, sequence) for text in texts for sequence in shorter]
    return list(dict.fromkeys(texts))
