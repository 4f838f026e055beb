"""The keys of a batch's deliveries, on their way to Sinch and back in the address for its receipts.

Sinch carries back one label for a whole batch, and its own id of a batch is known only where its answer came through. So
that receipts clear up a batch whose answer was lost, each callback brings the keys of all its deliveries, and beside each a
tag of its number. Whoever reads the address learns no number from it, and nobody without our token can make one up.
"""

import base64
import hmac
import re
import uuid
from collections.abc import Iterator, Sequence

#: "callback_url: max 2048 characters long" (github.com/sinch/docs, docs/sms/sms-guide.md, read 2026-11).
MOST_URL_CHARS = 2048
PARAMETER = "keys"

_KEY, _TAG, _SEAL = 16, 3, 12  # bytes
_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def mark(token: bytes, batch: str, digits: str) -> str:
    """Names one recipient of one batch: nobody without our token finds the number behind it, not even by trying all
    numbers there are, and the same person has another mark in each batch."""
    return f"{batch}:{_mac(token, f'mark:{batch}:{digits}'.encode(), 8).hex()}"


def with_keys(url: str, token: bytes, recipients: Sequence[tuple[str, str]]) -> str:
    """The address with the keys and tags of these (key, digits) put into it; as it is where they do not fit."""
    if not all(_UID.fullmatch(key) for key, _ in recipients):
        return url
    first = recipients[0][0]
    entries = b"".join(
        bytes.fromhex(key.replace("-", "")) + _tag(token, first, digits) for key, digits in recipients
    )
    carried = base64.urlsafe_b64encode(entries + _seal(token, entries)).rstrip(b"=").decode()
    made = f"{url}{'&' if '?' in url else '?'}{PARAMETER}={carried}"
    return made if len(made) <= MOST_URL_CHARS else url


def key_of(carried: str, token: bytes, *, first: str, digits: str) -> str:
    """The key of the delivery to this number; nothing where `carried` is not ours, not of the batch of this `first` key,
    or does not tell the number from another one."""
    try:
        raw = base64.b64decode(carried + "=" * (-len(carried) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return ""
    entries, seal = raw[:-_SEAL], raw[-_SEAL:]
    if not entries or len(entries) % (_KEY + _TAG) or not hmac.compare_digest(seal, _seal(token, entries)):
        return ""
    tag = _tag(token, first, digits)
    keys = [key for key, of in _entries(entries) if of == tag]
    return keys[0] if len(keys) == 1 else ""


def _entries(raw: bytes) -> Iterator[tuple[str, bytes]]:
    for at in range(0, len(raw), _KEY + _TAG):
        yield str(uuid.UUID(bytes=raw[at : at + _KEY])), raw[at + _KEY : at + _KEY + _TAG]


def _tag(token: bytes, first: str, digits: str) -> bytes:
    return _mac(token, f"tag:{first}:{digits}".encode(), _TAG)


def _seal(token: bytes, entries: bytes) -> bytes:
    return _mac(token, b"keys:" + entries, _SEAL)


def _mac(token: bytes, text: bytes, length: int) -> bytes:
    """Each begins with another word, so that none of the three can stand for another one."""
    return hmac.digest(token, text, "sha256")[:length]
