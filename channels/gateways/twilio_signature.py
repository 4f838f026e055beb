"""Twilio's signature of a callback: base64 of HMAC-SHA1 with the account's Auth Token (twilio.com/docs/usage/security).

Signed are the address, as Twilio was given it, and every field of the form, also such as nobody has documented yet.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit, urlunsplit

_PORTS = {"https": 443, "http": 80}


def signature(auth_token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """Names in order, each with its values in order; what is there twice counts once."""
    content = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(auth_token.encode(), content.encode(), hashlib.sha1).digest()).decode()


def is_genuine(given: str, auth_token: str, url: str, fields: Sequence[tuple[str, str]]) -> bool:
    """Whether `given` is Twilio's signature. Some of its servers sign the address with its port, others without."""
    right = [signature(auth_token, form, fields) for form in _forms(url)]
    return any(hmac.compare_digest(given.encode(), one.encode()) for one in right)


def _forms(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.netloc
    if parts.port is None:
        return url, urlunsplit(parts._replace(netloc=f"{host}:{_PORTS.get(parts.scheme, 443)}"))
    return url, urlunsplit(parts._replace(netloc=host.rpartition(":")[0]))
