"""GOV.UK Notify's API key, and the JSON Web Token made of it (RFC 7519, HS256 of RFC 7518, 3.2)."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from broadcaster.domain.errors import Invalid

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_API_KEY = re.compile(rf"(?:.*-)?(?P<service>{_UUID})-(?P<secret>{_UUID})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """`{name}-{service id}-{secret}`, as Notify shows it once."""

    text: str
    service_id: str
    secret: str

    def __repr__(self) -> str:
        return f"ApiKey({self.service_id})"

    @classmethod
    def read(cls, text: str, *, account: str) -> Self:
        """Invalid, without quoting it, where this is no API key."""
        match = _API_KEY.fullmatch(text)
        if not match:
            raise Invalid(
                f'The account "{account}": api_key is not an API key of GOV.UK Notify. It has the form '
                "name-service id-secret; copy all of it."
            )
        return cls(text=text, service_id=match["service"], secret=match["secret"])

    def token(self, now: datetime) -> str:
        """Good for 30 seconds around `now` (aware)."""
        header = {"typ": "JWT", "alg": "HS256"}
        claims = {"iss": self.service_id, "iat": int(now.timestamp())}
        return signed(json.dumps(header).encode(), json.dumps(claims).encode(), self.secret.encode())


def signed(header: bytes, claims: bytes, key: bytes) -> str:
    """The compact form of RFC 7515, 7.1, of these exact bytes."""
    content = f"{_base64url(header)}.{_base64url(claims)}"
    return f"{content}.{_base64url(hmac.new(key, content.encode(), hashlib.sha256).digest())}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
