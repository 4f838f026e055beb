"""What Graph tells an app about a token of its own (docs/graph-api/reference/debug_token, read 2026-11)."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.sandbox.exchange import Call
from channels.sandbox.graph import header_token
from channels.sandbox.settings import Settings


def is_app_token(call: Call, given: Mapping[str, str], account: Mapping[str, str]) -> bool:
    """Whether the call carries `app id|app secret`, which only the app itself has."""
    token = given.get("access_token") or header_token(call.header(b"authorization"))
    right = f"{account['app_id']}|{account['app_secret']}"
    return hmac.compare_digest(token.encode(), right.encode())


def as_debugged(given: Mapping[str, str], account: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    """The `data` of the answer."""
    now = datetime.now(UTC)
    days = settings.facebook_token_days
    ends = int((now + timedelta(days=days)).timestamp()) if days else 0
    known = hmac.compare_digest(given.get("input_token", "").encode(), account["access_token"].encode())
    if not known:
        error = {"code": 190, "message": "Malformed access token"}
        return {"error": error, "is_valid": False, "scopes": []}
    page = settings.facebook_speaks_for or account["page_id"]
    told = {
        "app_id": account["app_id"],
        "type": "PAGE",
        "application": "Crisis broadcaster (sandbox)",
        "data_access_expires_at": 0,
        "expires_at": ends,
        "is_valid": days >= 0,
        "issued_at": int((now - timedelta(days=1)).timestamp()),
        "profile_id": page,
        "scopes": settings.facebook_scopes,
        "user_id": "122100000000001",
    }
    if days < 0:
        told["error"] = {
            "code": 190,
            "subcode": 463,
            "message": "Error validating access token: Session has expired",
        }
    return told
