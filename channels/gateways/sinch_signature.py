"""Sinch's signature of a callback: base64 of an HMAC over body, nonce and time.

Service plans have it since 2025-02-13 (developers.sinch.com/docs/sms/release-notes); what is signed and the names of the
headers stand in Sinch's own .NET SDK (SMS webhooks, `ValidateAuthenticationHeader`), read 2026-11.
"""

import base64
import hmac
from collections.abc import Mapping

from channels.http import header

_HEADER = "x-sinch-webhook-signature"
_DIGESTS = {"": "sha256", "hmacsha256": "sha256", "hmacsha384": "sha384", "hmacsha512": "sha512"}


def signature(secret: str, body: bytes, *, nonce: str, timestamp: str, digest: str = "sha256") -> str:
    signed = b".".join((body, nonce.encode(), timestamp.encode()))
    return base64.b64encode(hmac.digest(secret.encode(), signed, digest)).decode()


def is_genuine(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether `headers` carry Sinch's signature of these bytes.

    The time is not held against our clock: Sinch repeats a callback for 23 hours and nobody says that it signs each try
    anew. A receipt or a message that comes twice does nothing the second time.
    """
    given = header(headers, _HEADER)
    digest = _DIGESTS.get(header(headers, f"{_HEADER}-algorithm").lower())
    if digest is None:
        return False
    nonce, timestamp = header(headers, f"{_HEADER}-nonce"), header(headers, f"{_HEADER}-timestamp")
    right = signature(secret, body, nonce=nonce, timestamp=timestamp, digest=digest)
    return hmac.compare_digest(given.encode(), right.encode())
