"""How X says no: problem details, the rate window and its headers, and the words for each kind of fault."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from channels.sandbox.exchange import Answer, Header

WINDOW_S = 900
INVALID_REQUEST = "https://api.x.com/2/problems/invalid-request"
NOT_FOUND = "https://api.x.com/2/problems/resource-not-found"
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."  # live 2026-02-12
TOO_LONG = (  # live 2023-02-25, with status 400
    "Your Tweet text is too long. For more information on how Twitter determines text length see"
    " https://github.com/twitter/twitter-text."
)


# live in 2026-03 and after, with status 403
REPLY_REFUSED = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author"
    " of the post you are replying to."
)
REPLY_GONE = "You attempted to reply to a Tweet that is deleted or not visible to you."
DAY_S = 86_400


class RateWindow:
    """So many calls in 15 minutes; the headers that X sends with every answer."""

    def __init__(self, limit: int, now: float, *, used_up: bool = False) -> None:
        self.limit = limit
        self._used = limit if used_up else 0
        self._reset = int(now) + WINDOW_S

    def over(self, now: float) -> bool:
        return now >= self._reset

    def take(self) -> bool:
        if self._used >= self.limit:
            return False
        self._used += 1
        return True

    def headers(self) -> tuple[Header, ...]:
        left = max(0, self.limit - self._used)
        return (
            (b"x-rate-limit-limit", str(self.limit).encode()),
            (b"x-rate-limit-remaining", str(left).encode()),
            (b"x-rate-limit-reset", str(self._reset).encode()),
        )


def json_answer(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(
        status=status, body=json.dumps(body).encode(), content_type=b"application/json; charset=utf-8"
    )


def problem(status: int, detail: str, *, kind: str = "about:blank") -> Answer:
    title = HTTPStatus(status).phrase if kind == "about:blank" else "Invalid Request"
    body = {"title": title, "type": kind, "status": status, "detail": detail}
    return Answer(status=status, body=json.dumps(body).encode(), content_type=b"application/problem+json")


def invalid_pictures(media_ids: list[str]) -> Answer:
    """For ids that are unknown, another account's or run out: X tells them not apart."""
    body = {
        "errors": [{"parameters": {"media.media_ids": media_ids}, "message": "Your media IDs are invalid."}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": INVALID_REQUEST,
    }
    return json_answer(400, body)


def invalid(detail: str) -> Answer:
    return problem(400, detail, kind=INVALID_REQUEST)


def not_found(resource: str, resource_id: str) -> dict[str, str]:
    return {
        "title": "Not Found Error",
        "type": NOT_FOUND,
        "detail": f"Could not find {resource} with id: [{resource_id}].",
        "resource_type": resource,
        "resource_id": resource_id,
        "parameter": "id",
        "value": resource_id,
    }


def refusal(kind: str) -> Answer:
    """X's words for a fault of this kind."""
    if kind in ("no_credits", "spend_cap", "daily_limit"):
        return _used_up(kind)
    match kind:
        case "429":
            return json_answer(429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]})
        case "500" | "503":
            return problem(int(kind), HTTPStatus(int(kind)).phrase)
        case "expired_token":
            return problem(401, "Unauthorized")
        case "duplicate_refusal" | "reply_refused":
            return problem(403, DUPLICATE if kind == "duplicate_refusal" else REPLY_REFUSED)
    page = f"<html><body>{HTTPStatus(int(kind)).phrase}</body></html>\n"
    return Answer(status=int(kind), body=page.encode(), content_type=b"text/html; charset=utf-8")


def _used_up(kind: str) -> Answer:
    if kind == "daily_limit":
        return problem(429, "Too Many Requests")
    if kind == "no_credits":
        told = "does not have any credits to fulfill this request."
        return json_answer(402, _of_account("CreditsDepleted", told))
    told = (
        "has reached its billing cycle spend cap. API requests will be blocked until the next cycle begins on"
    )
    body = _of_account("SpendCapReached", f"{told} 2026-12-14.")
    return json_answer(403, {**body, "reset_date": "2026-12-14"})


def _of_account(title: str, told: str) -> dict[str, Any]:
    """What X says of the developer's account, seen live from 2026-04 on: one type for both kinds."""
    detail = f"Your enrolled account [1999] {told}"
    return {
        "account_id": 1999,
        "title": title,
        "detail": detail,
        "type": "https://api.x.com/2/problems/credits",
    }


def daily_headers(now: float) -> tuple[Header, ...]:
    """As node-twitter-api-v2 #495 and #553 quote them."""
    return (
        (b"x-user-limit-24hour-limit", b"100"),
        (b"x-user-limit-24hour-remaining", b"0"),
        (b"x-user-limit-24hour-reset", str(int(now) + DAY_S).encode()),
    )
