"""What GOV.UK Notify finds wrong with a JSON Web Token, in its words; nothing where the token is good."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

SKEW_S = 30
_KEY_CHARS = 36


def token_problem(authorization: str, api_key: str, *, now: datetime) -> str:
    """`api_key` is the service's whole key: its last 36 characters are the secret, the 36 before the service id."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return "Unauthorized: authentication token must be provided"
    service, secret = api_key[-2 * _KEY_CHARS - 1 : -_KEY_CHARS - 1], api_key[-_KEY_CHARS:]
    try:
        signed, _, given = token.rpartition(".")
        header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        right = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
        genuine = hmac.compare_digest(_decoded(given), right)
    except ValueError:
        return "Invalid token: signature, api token is not valid"
    if not isinstance(claims, dict) or claims.get("iss") != service:
        return "Invalid token: service not found"
    if not isinstance(header, dict) or header.get("alg") != "HS256" or not genuine:
        return "Invalid token: API key not found"
    return _time_problem(claims.get("iat"), now)


def _time_problem(issued: Any, now: datetime) -> str:
    if not isinstance(issued, int) or abs(now.timestamp() - issued) > SKEW_S:
        return "Error: Your system clock must be accurate to within 30 seconds"
    return ""


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
