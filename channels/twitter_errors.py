"""What X's answers say about a post: the table, and nothing else of X."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.http import clamp_wait_s, from_status, header, redact
from channels.http_errors import Meaning

_DUPLICATE = Meaning(
    OutcomeUnknown, "duplicate", "X says that this text was posted already. The account is read to make sure."
)
_CREDITS = Meaning(
    NotConfigured,
    "no_credits",
    "The credits of the X account are used up, so X takes no post. Buy credits at console.x.com, X's developer "
    "console, and then resume the account.",
)
_SPENDING = Meaning(
    NotConfigured,
    "spending_capped",
    "The spending cap that you set for X is reached, so X takes no post. Raise it at console.x.com, X's developer "
    "console, and then resume the account.",
)
_CAPPED = Meaning(
    NotConfigured,
    "usage_capped",
    "The usage cap of the X account is reached, so X takes no post. Raise it at console.x.com, X's developer "
    "console, and then resume the account.",
)
_CREDENTIALS = Meaning(
    NotConfigured, "credentials_refused", "X does not accept this account's tokens. Renew them in its file."
)
_LOCKED = Meaning(
    NotConfigured,
    "account_locked",
    "X has locked or suspended this account. Log in to X and follow its steps.",
)
_NOT_PERMITTED = Meaning(
    NotConfigured,
    "no_permission",
    "The X app may not post. Give it read and write access and make new tokens.",
)
_FORBIDDEN = Meaning(
    Refused,
    "forbidden",
    "X does not permit this post. Log in to X and see whether a notice waits there, and post by hand.",
)
REPLY_REFUSED = "reply_refused"
_REPLY_REFUSED = Meaning(
    Refused,
    REPLY_REFUSED,
    "X does not let this account's app answer the part before. Post this part by hand.",
)
REPLY_GONE = "part_before_gone"
_REPLY_GONE = Meaning(
    Refused,
    REPLY_GONE,
    "The part before this one is no longer on X, so this part was not posted. If nobody meant to delete it, post both "
    "by hand.",
)
_PICTURES = Meaning(
    Refused,
    "picture_refused",
    "X did not take the pictures of this post, so nothing was posted. Change or remove them, or post by hand.",
)
_TOO_LONG = Meaning(Refused, "too_long", "X says that the post is too long. Shorten it.")
_AUTOMATED = Meaning(Refused, "looks_automated", "X took the post for spam. Post by hand, and ask X.")

# v1.1 codes. That v2 sends one at all is documented for 88 alone (docs.x.com/x-api/fundamentals/rate-limits); these
# stand here in case. X's present pages no longer list them: their meanings are those of the former page "Error codes &
# responses" (a copy in github.com/arzzen/all-exit-error-codes, which lacks 186 and 326) and of the enum of
# github.com/plhery/node-twitter-api-v2, errors.types.ts, which has all; read 2026-11. None was seen live by us.
_CODES: Mapping[int, Meaning] = {
    32: _CREDENTIALS,
    64: _LOCKED,
    89: _CREDENTIALS,
    186: _TOO_LONG,
    187: _DUPLICATE,
    215: _CREDENTIALS,
    226: _AUTOMATED,
    261: _NOT_PERMITTED,
    326: _LOCKED,
    385: _REPLY_GONE,
    433: _REPLY_REFUSED,
}
# The last part of a problem's `type`, such as https://api.x.com/2/problems/usage-capped. None is in openapi.json 2.167.
_TYPES: Mapping[str, Meaning] = {
    # docs.x.com/x-api/fundamentals/response-codes-and-errors, "Error types", read 2026-11
    "usage-capped": _CAPPED,
    "client-forbidden": _NOT_PERMITTED,
    # undocumented; live answers quoted in others' issues and sources, 2026-03 to 2026-09. X uses "credits" for both
    # kinds, which only the title tells apart.
    "credits": _CREDITS,
    "credits-depleted": _CREDITS,
    "spend-cap-reached": _SPENDING,
    "unsupported-authentication": _CREDENTIALS,  # plhery/node-twitter-api-v2 #475, 2023-05
    "oauth1-permissions": _NOT_PERMITTED,  # plhery/node-twitter-api-v2 #493, 2023-07
    "user-suspended": _LOCKED,  # akrherz/iembot #156, 2026-02
}
_TITLES: Mapping[str, Meaning] = {
    "CreditsDepleted": _CREDITS,  # with status 402
    "SpendCapReached": _SPENDING,  # with status 403
    "UsageCapExceeded": _CAPPED,
}
# X's own words, in small letters, and the statuses with which they were seen live: v2 gives these refusals no type of
# their own. Seen: the first 2026-02-12, the next two 2026-03 and 2026-09, the others long known.
_WORDS: tuple[tuple[str, frozenset[int], Meaning], ...] = (
    ("duplicate content", frozenset({403}), _DUPLICATE),
    ("reply to this conversation is not allowed", frozenset({403}), _REPLY_REFUSED),
    ("only reply to or quote posts where you are mentioned", frozenset({403}), _REPLY_REFUSED),
    ("reply to a tweet that is deleted or not visible", frozenset({400, 403}), _REPLY_GONE),
    ("reply to a post that is deleted or not visible", frozenset({400, 403}), _REPLY_GONE),
    ("media ids are invalid", frozenset({400}), _PICTURES),
)
_STATUSES: Mapping[int, Meaning] = {401: _CREDENTIALS, 402: _CREDITS, 403: _FORBIDDEN}


def refusal(
    status: int,
    headers: Mapping[str, str],
    answer: Mapping[str, Any],
    *,
    secrets: list[str],
    private: str,
    now_s: float,
) -> SendError:
    """What an answer other than 2xx says about the post. A 5xx is judged by its status alone."""
    detail = f"HTTP {status}: {redact(_said(answer), secrets, private=private)}".removesuffix(": ")
    if status == 429 and (until_s := _daily_reset_s(headers, answer)) is not None:
        return _daily(until_s, detail, now_s)
    kind = _kind(status, answer) if 400 <= status < 500 else None
    if kind is not None:
        return kind.outcome(kind.code, kind.text + _counts_anew(kind, answer), detail=detail)
    if status == 429:
        text = "X's rate limit is reached; it took nothing. It is tried again when the limit allows."
        return NotSent("rate_limited", text, detail=detail, retry_after_s=_reset_s(headers, now_s))
    return from_status(status, headers, detail=detail, now_s=now_s)


def _kind(status: int, answer: Mapping[str, Any]) -> Meaning | None:
    for problem in _problems(answer):
        known = (
            _TITLES.get(str(problem.get("title", "")))
            or _TYPES.get(str(problem.get("type", "")).rsplit("/", 1)[-1])
            or _CODES.get(_code(problem))
            or _worded(status, problem)
        )
        if known:
            return known
    return _STATUSES.get(status)


def _worded(status: int, problem: Mapping[str, Any]) -> Meaning | None:
    said = f"{problem.get('detail', '')} {problem.get('message', '')}".lower()
    return next((kind for words, at, kind in _WORDS if status in at and words in said), None)


def _counts_anew(kind: Meaning, answer: Mapping[str, Any]) -> str:
    """X tells the day (live, 2026-04: "reset_date": "2026-04-14") on which its count of a cap begins anew."""
    said = str(answer.get("reset_date") or answer.get("detail", ""))
    found = re.search(r"\d{4}-\d{2}-\d{2}", said, re.ASCII) if kind in (_SPENDING, _CAPPED) else None
    try:
        day = date.fromisoformat(found[0]) if found else None
    except ValueError:
        return ""
    return f" X counts anew from {day.day} {day:%B %Y}." if day else ""


def _daily(until_s: float, detail: str, now_s: float) -> NotSent:
    """It ends by itself, so the account is not paused; a person is told when, since the message may expire before."""
    try:
        moment = datetime.fromtimestamp(until_s, UTC)
        until = f"at {moment:%H:%M} UTC on {moment.day} {moment:%B}"
    except (ValueError, OverflowError, OSError):
        until = "within a day"
    text = (
        f"X takes no more posts today from this account or its app; the count begins anew {until}. Nothing was sent. "
        "It is tried again until the message expires. If it cannot wait, post by hand."
    )
    return NotSent("daily_limit", text, detail=detail, retry_after_s=clamp_wait_s(until_s - now_s))


def _daily_reset_s(headers: Mapping[str, str], answer: Mapping[str, Any]) -> float | None:
    """When the day's limit ends, in seconds of the epoch, where it is reached (headers as in node-twitter-api-v2 #495
    and #553); NaN where X does not say when."""
    given = {name.lower(): value for name, value in headers.items()}
    for whose in ("user", "app"):
        if given.get(f"x-{whose}-limit-24hour-remaining", "").strip() == "0":
            return _number(given.get(f"x-{whose}-limit-24hour-reset", ""))
    return float("nan") if answer.get("period") == "Daily" else None


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("nan")


def _problems(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """X answers with problem+json, with a list of errors, or with both."""
    yield answer
    errors = answer.get("errors")
    yield from (error for error in (errors if isinstance(errors, list) else []) if isinstance(error, dict))


def _code(problem: Mapping[str, Any]) -> int:
    code = problem.get("code")
    return code if isinstance(code, int) else -1


def _said(answer: Mapping[str, Any]) -> str:
    parts = [
        str(p[field]) for p in _problems(answer) for field in ("title", "detail", "message") if p.get(field)
    ]
    return "; ".join(dict.fromkeys(parts))


def _reset_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """`x-rate-limit-reset` is the second of the epoch at which posts are taken again."""
    value = header(headers, "x-rate-limit-reset")
    return clamp_wait_s(_number(value) - now_s)
