"""What X's answers say about a post: the table, and nothing else of X."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.http import clamp_wait_s, from_status, redact


@dataclass(frozen=True)
class _Kind:
    outcome: type[SendError]
    code: str
    text: str


_DUPLICATE = _Kind(
    OutcomeUnknown, "duplicate", "X says that this text was posted already. The account is read to make sure."
)
_CREDITS = _Kind(
    NotConfigured,
    "no_credits",
    "The credits of the X account are used up. Buy credits in X's developer console.",
)
_CAPPED = _Kind(
    NotConfigured, "usage_capped", "The X account's usage cap is reached. Raise it in X's developer console."
)
_CREDENTIALS = _Kind(
    NotConfigured, "credentials_refused", "X does not accept this account's tokens. Renew them in its file."
)
_LOCKED = _Kind(
    NotConfigured,
    "account_locked",
    "X has locked or suspended this account. Log in to X and follow its steps.",
)
_NOT_PERMITTED = _Kind(
    NotConfigured,
    "no_permission",
    "The X app may not post. Give it read and write access and make new tokens.",
)
_FORBIDDEN = _Kind(Refused, "forbidden", "X does not permit this post.")
_TOO_LONG = _Kind(Refused, "too_long", "X says that the post is too long. Shorten it.")
_AUTOMATED = _Kind(Refused, "looks_automated", "X took the post for spam. Post by hand, and ask X.")

# v1.1 codes. That v2 sends one at all is documented for 88 alone (docs.x.com/x-api/fundamentals/rate-limits); these
# stand here in case. X's present pages no longer list them: their meanings are those of the former page "Error codes &
# responses" (a copy in github.com/arzzen/all-exit-error-codes, which lacks 186 and 326) and of the enum of
# github.com/plhery/node-twitter-api-v2, errors.types.ts, which has all; read 2026-11. None was seen live by us.
_CODES: Mapping[int, _Kind] = {
    32: _CREDENTIALS,
    64: _LOCKED,
    89: _CREDENTIALS,
    186: _TOO_LONG,
    187: _DUPLICATE,
    215: _CREDENTIALS,
    226: _AUTOMATED,
    261: _NOT_PERMITTED,
    326: _LOCKED,
}
# The last part of a problem's `type`, such as https://api.x.com/2/problems/usage-capped. None is in openapi.json 2.167.
_TYPES: Mapping[str, _Kind] = {
    # docs.x.com/x-api/fundamentals/response-codes-and-errors, "Error types", read 2026-11
    "usage-capped": _CAPPED,
    "client-forbidden": _NOT_PERMITTED,
    # undocumented; live answers to posts in others' issues
    "unsupported-authentication": _CREDENTIALS,  # plhery/node-twitter-api-v2 #475, 2023-05
    "oauth1-permissions": _NOT_PERMITTED,  # plhery/node-twitter-api-v2 #493, 2023-07
    "user-suspended": _LOCKED,  # akrherz/iembot #156, 2026-02
}
_STATUSES: Mapping[int, _Kind] = {401: _CREDENTIALS, 402: _CREDITS, 403: _FORBIDDEN}


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
    kind = _kind(status, answer) if 400 <= status < 500 else None
    if kind is not None:
        return kind.outcome(kind.code, kind.text, detail=detail)
    if status == 429:
        text = "X's rate limit is reached; it took nothing. It is tried again when the limit allows."
        return NotSent("rate_limited", text, detail=detail, retry_after_s=_reset_s(headers, now_s))
    return from_status(status, headers, detail=detail, now_s=now_s)


def _kind(status: int, answer: Mapping[str, Any]) -> _Kind | None:
    for problem in _problems(answer):
        known = _TYPES.get(str(problem.get("type", "")).rsplit("/", 1)[-1]) or _CODES.get(_code(problem))
        if known:
            return known
        if status == 403 and "duplicate content" in str(
            problem.get("detail", "")
        ):  # live answer of 2026-02-12
            return _DUPLICATE
    return _STATUSES.get(status)


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
    value = next((v for name, v in headers.items() if name.lower() == "x-rate-limit-reset"), "")
    try:
        return clamp_wait_s(float(value) - now_s)
    except ValueError:
        return None
