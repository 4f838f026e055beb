"""What the Graph API's error codes say about a post: the table, and nothing else of Facebook."""

import re
from collections.abc import Mapping
from typing import Any

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.facebook_usage import regain_s
from channels.http import from_status, redact
from channels.http_errors import Meaning

_TEMPORARY = Meaning(
    NotSent, "temporary", "Facebook has a passing fault and took nothing. It is tried again."
)
_RATE = Meaning(
    NotSent, "rate_limited", "Facebook's rate limit is reached; it took nothing. It is tried again."
)
_TOKEN = Meaning(
    NotConfigured,
    "token_refused",
    "Facebook does not accept the Page's token. Renew access_token in the account.",
)
_EXPIRED = Meaning(
    NotConfigured,
    "token_refused",
    "The Page's token has expired or was withdrawn. Make one with a system user, which does not expire, "
    "and put it into access_token.",
)
_PERSON = Meaning(
    NotConfigured,
    "token_refused",
    "The token hangs on a person who removed the app, lost the Page or must log in to Facebook. "
    "Make one with a system user and put it into access_token.",
)
_USER_TOKEN = Meaning(
    NotConfigured,
    "token_refused",
    "access_token holds a person's token. Facebook wants the Page's own: make one with a system user.",
)
_PERMISSION = Meaning(
    NotConfigured,
    "no_permission",
    "The token may not post to this Page. Grant pages_manage_posts and renew it.",
)
_DUPLICATE = Meaning(
    OutcomeUnknown, "duplicate", "Facebook says that it has this post already. The Page is read to make sure."
)
_POLICY = Meaning(
    Refused,
    "policy",
    "Facebook blocked the post by a policy or a security check. Post by hand, and ask Meta.",
)
_LINK = Meaning(Refused, "bad_link", "Facebook could not use the post's link. Send the post without it.")
_PICTURE = Meaning(
    Refused, "picture_refused", "Facebook could not use a picture. Send the post without it or with another."
)
_CONTENT = Meaning(Refused, "content", "Facebook refused the content of the post.")

# The codes are from developers.facebook.com/docs/graph-api/guides/error-handling and the exceptions.py of
# facebook_business, the subcodes from github.com/gitroomhq/postiz-app of 2026-08; both read 2026-11.
# 324 and 1366046 as in issues 711 and 923 of github.com/facebookarchive/php-graph-sdk; 2069032 as people quote it.
# A subcode is looked up before its code.
_CODES: Mapping[Meaning, tuple[int, ...]] = {
    _TEMPORARY: (1, 2, 1363047, 1609010),
    _RATE: (4, 17, 32, 341, 613, 80001, 1390008),
    _TOKEN: (102, 190),
    _EXPIRED: (460, 463, 467),
    _PERSON: (458, 459, 464, 492),
    _USER_TOKEN: (2069032,),
    _PERMISSION: (3, 10, *range(200, 300), 1404078, 4854002),
    _DUPLICATE: (506, 1366051),
    _POLICY: (368, 1346003, 1404006, 1404102, 1404112),
    _LINK: (1609005, 1609008),
    _PICTURE: (324, 1366046),
    _CONTENT: (100, 2061006),
}
_TRACE = re.compile(r"[A-Za-z0-9_-]{1,40}")
KINDS: Mapping[int, Meaning] = {code: kind for kind, codes in _CODES.items() for code in codes}


def refusal(
    status: int, headers: Mapping[str, str], error: Mapping[str, Any], *, secrets: list[str], private: str
) -> SendError:
    """What an answer with this status and Graph error object says about the post.

    A 5xx is unknown whatever its body says: Graph sends code 1 and 2 also after it has stored a post.
    """
    detail = _detail(status, error, secrets, private)
    kind = None if status >= 500 else _kind(error)
    if status < 300 and kind is _TEMPORARY:
        return OutcomeUnknown("temporary", _TEMPORARY.text, detail=detail)
    if kind is not None and kind.outcome is NotSent:
        return NotSent(kind.code, kind.text, detail=detail, retry_after_s=regain_s(headers))
    if kind is not None:
        return kind.outcome(kind.code, kind.text, detail=detail)
    if status == 503:  # Graph documents no 503 that means "not processed"
        return OutcomeUnknown("platform_error", detail=detail)
    return from_status(status, headers, detail=detail)


def _kind(error: Mapping[str, Any]) -> Meaning | None:
    known = [KINDS.get(_number(error.get(field))) for field in ("error_subcode", "code")]
    named = next((kind for kind in known if kind), None)
    return _TEMPORARY if named is None and error.get("is_transient") is True else named


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else -1


def _detail(status: int, error: Mapping[str, Any], secrets: list[str], private: str) -> str:
    """Codes and trace id first: Meta asks for the `fbtrace_id`, and it must not be cut off."""
    trace = _TRACE.fullmatch(str(error.get("fbtrace_id", "")))
    said = redact(str(error.get("message", "")), secrets, private=private)
    codes = f"{_number(error.get('code'))}/{_number(error.get('error_subcode'))}"
    return (
        redact(f"HTTP {status}, code {codes}, trace {trace[0] if trace else '-'}: {said}", secrets)
        if error
        else f"HTTP {status}"
    )
