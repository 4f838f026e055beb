"""HTTP towards platforms: sessions that keep inside the fence, and what an exception or a status means for a post.

It knows nothing of any platform: a channel looks into its own error table first and asks here for the rest.
"""

import json
import math
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.base import Account
from channels.http_connections import OncePerRequestAdapter
from channels.http_errors import (
    BEFORE_SENDING,
    CREDENTIALS_REFUSED,
    MEANINGS,
    NOT_CONNECTED,
    REDIRECTED,
    TLS_FAILED,
    Meaning,
)
from channels.options import require_held

USER_AGENT = "crisis-broadcaster/0.1"
MAX_RETRY_AFTER_S = 300.0
MAX_DETAIL_CHARS = 200
SHARED_CHARS = 16  # so many characters in a row from a post make an answer a quotation of it


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """`connect_s` bounds reaching the platform, `read_s` each wait for bytes of its answer, `total_s` all of a request.

    A worker's lease is 20 s: a request must be over before, or others take its batch for lost.
    """

    connect_s: float = 3
    read_s: float = 10
    total_s: float = 15


DEFAULT_TIMEOUTS = Timeouts()


def require_allowed(account: Account, url: str) -> None:
    """Before any byte leaves: NotSent where this process does not hold the account, NotConfigured where its fence does not
    name the host of `url`."""
    require_held(account)
    host = urlsplit(url).hostname or ""
    if account.allowed_hosts is None or host in account.allowed_hosts:
        return
    raise NotConfigured(
        "host_not_allowed",
        f'The account "{account.name}" wanted to talk to "{host}", which is outside of what {account.mode} mode '
        "may reach. Nothing was sent. Correct the address in the account's file, or allow this host.",
    )


class FencedSession(requests.Session):
    """A session that talks to allowed hosts only, ends in time, follows no redirect and repeats nothing.

    Only the look-up of a name has no limit but the system's own; too late after it, nothing is sent any more.
    """

    def __init__(self, account: Account, timeout: Timeouts) -> None:
        super().__init__()
        self._account = account
        self.timeouts = timeout
        self._of_thread = _Ends()
        self.trust_env = False  # no proxy and no .netrc from the environment gets between us and a platform
        self.headers.update({"User-Agent": USER_AGENT, "Connection": "close"})
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", OncePerRequestAdapter(self._end))
        self.mount("http://", OncePerRequestAdapter(self._end))

    @contextmanager
    def within(self, total_s: float, *, longer: bool = False) -> Iterator[None]:
        """Whatever this thread asks in here is over in `total_s` together, besides each request's own limit.

        `longer` lifts that of each request, for a picture that needs more time than a question.
        """
        before = self._of_thread.limit, self._of_thread.longer
        self._of_thread.limit = min(before[0], time.monotonic() + total_s)
        self._of_thread.longer = longer
        try:
            yield
        finally:
            self._of_thread.limit, self._of_thread.longer = before

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        require_allowed(self._account, request.url or "")
        kwargs["timeout"] = (self.timeouts.connect_s, self.timeouts.read_s)
        kwargs["allow_redirects"] = False
        own = math.inf if self._of_thread.longer else time.monotonic() + self.timeouts.total_s
        self._of_thread.end = min(self._of_thread.limit, own)
        try:
            return super().send(request, **kwargs)
        # What `requests` does not wrap, such as a host that no name can be, found while connecting.
        except HTTPError as exc:
            raise from_exception(exc) from exc
        except requests.ConnectionError as exc:
            if isinstance(exc, requests.Timeout) or not _ran_out_of_time(exc):
                raise
            raise requests.ReadTimeout(*exc.args, request=request) from exc

    def _end(self) -> float:
        return self._of_thread.end


class _Ends(threading.local):
    """By the monotonic clock, for the thread that asks: threads share a session, not their time."""

    limit = math.inf
    longer = False
    end = math.inf


def _ran_out_of_time(exc: BaseException) -> bool:
    """`requests` calls it a broken connection when a time-out ends the sending or the body of an answer."""
    return any(isinstance(inner, TimeoutError | ReadTimeoutError) for inner in _chain(exc))


def open_session(account: Account, *, timeout: Timeouts = DEFAULT_TIMEOUTS) -> FencedSession:
    """A session for this account; several threads may use it. No connection is made yet."""
    return FencedSession(account, timeout)


def from_exception(exc: BaseException) -> SendError:
    """What an exception of requests, urllib3, aiohttp or tweepy says about the post; never None, never raises.

    Anything unheard of is an unknown outcome, since a post that may be out must not be sent again blindly.
    """
    if isinstance(exc, SendError):
        return exc
    if any(_name(type(inner)) in BEFORE_SENDING for inner in _chain(exc)):
        return _not_connected(exc)
    response = getattr(exc, "response", None)
    if response is not None and isinstance(getattr(response, "status_code", None), int):
        return from_status(response.status_code, response.headers, detail=type(exc).__name__)
    return _meaning(type(exc)).error(type(exc).__name__)


def _meaning(cls: type[BaseException]) -> Meaning:
    known = (MEANINGS.get(_name(base)) for base in cls.__mro__)
    return next((found for found in known if found), Meaning(OutcomeUnknown, "unheard_of_error"))


def _not_connected(exc: BaseException) -> SendError:
    chain = list(_chain(exc))
    tls = any(isinstance(inner, ssl.SSLError | ssl.CertificateError) for inner in chain)
    return (TLS_FAILED if tls else NOT_CONNECTED).error(type(chain[-1]).__name__)


def _name(cls: type[object]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and what it was raised for: causes, and what requests and urllib3 wrap as argument or reason."""
    todo, seen = [exc], set[int]()
    while todo:
        inner = todo.pop()
        if id(inner) in seen:
            continue
        seen.add(id(inner))
        yield inner
        inside = (*inner.args, getattr(inner, "reason", None), inner.__cause__)
        todo.extend(reason for reason in inside if isinstance(reason, BaseException))


def from_status(
    status: int, headers: Mapping[str, str], *, detail: str = "", now_s: float | None = None
) -> SendError:
    """What an answer other than the expected 2xx says about the post. `detail` must be redacted already.

    503 counts as "not processed" here; a channel whose platform does not document that judges it by itself.
    """
    detail = detail or f"HTTP {status}"
    if status in {429, 503}:
        text = "The platform is busy and took nothing. It is tried again after the time it asked for."
        code = "rate_limited" if status == 429 else "busy"
        return NotSent(code, text, detail=detail, retry_after_s=retry_after_s(headers, now_s=now_s))
    exact = _STATUSES.get(status)
    return (exact or _HUNDREDS.get(status // 100, _UNEXPECTED)).error(detail)


_UNEXPECTED = Meaning(OutcomeUnknown, "unexpected_answer")
_STATUSES = {
    401: CREDENTIALS_REFUSED,
    403: CREDENTIALS_REFUSED,
    408: Meaning(OutcomeUnknown, "platform_timeout"),
}
_HUNDREDS = {
    3: REDIRECTED,
    4: Meaning(Refused, "refused", "The platform refused the post."),
    5: Meaning(OutcomeUnknown, "platform_error"),
}


def retry_after_s(headers: Mapping[str, str], *, now_s: float | None = None) -> float | None:
    """Seconds that `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date), within 0 to 300.

    None where it is absent or unreadable: then our own back-off decides.
    """
    value = header(headers, "Retry-After").strip()
    try:
        return clamp_wait_s(float(value))
    except ValueError:
        pass
    try:
        return clamp_wait_s(
            parsedate_to_datetime(value).timestamp() - (time.time() if now_s is None else now_s)
        )
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def header(headers: Mapping[str, str], name: str) -> str:
    """The value of a header, whatever the case of its name; empty where there is none."""
    return next((value for given, value in headers.items() if given.lower() == name.lower()), "")


def object_in(body: bytes) -> dict[str, Any]:
    """The JSON object in an answer; empty for a broken or other answer, whose status then decides."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def clamp_wait_s(wait_s: float) -> float | None:
    """A wait within 0 to 300 s, however absurd the platform's wish; None for what is no number."""
    return None if math.isnan(wait_s) else min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)


_NUMBER = re.compile(r"\+?\d(?:[ ().-]{0,2}\d){8,14}")


def redact(
    text: str, secrets: Mapping[str, Any] | list[str] | tuple[str, ...] = (), *, private: str = ""
) -> str:
    """`text` on one line and at most 200 characters, without the secrets, without phone numbers.

    `private` is the post's text: where a platform quotes from it, the whole answer is withheld.
    """
    values = [v.reveal() for v in secrets.values()] if isinstance(secrets, Mapping) else list(secrets)
    for value in sorted(filter(None, values), key=len, reverse=True):
        for form in (value, quote(value, safe=""), quote_plus(value)):
            text = text.replace(form, "***")
    text = " ".join(_NUMBER.sub("[number]", text).split())[:MAX_DETAIL_CHARS]
    return "[withheld: it repeats the post]" if _quotes(text, private) else text


def _quotes(text: str, private: str) -> bool:
    flat = " ".join(private.split())
    return any(text[i : i + SHARED_CHARS] in flat for i in range(len(text) - SHARED_CHARS + 1))
