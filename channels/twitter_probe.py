"""Whether an account on X could post now, without posting. Knows what X tells about accounts, nothing of posts.

`GET /2/users/me` costs 0.010 USD, and X charges the same account once a day only, however often it is asked for
(docs.x.com/x-api/getting-started/pricing, "Deduplication", read 2026-11).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
import tweepy

from broadcaster.domain.errors import SendError
from broadcaster.domain.readiness import Readiness
from channels.http import from_exception, object_in
from channels.probing import (
    PROBE_WITHIN_S,
    Facts,
    day,
    doubtful,
    failed,
    moment_of,
    not_ready,
    ready,
    unanswered,
)
from channels.twitter_session import XSession, data_in

#: docs.x.com/x-api/usage/get-usage-credits, read 2026-11. It does not say which tokens may ask.
CREDITS = "/2/usage/credits"
#: Ten posts with a link (0.20 USD each).
LOW_CREDITS_USD = 2.0
_NOT_TOLD = ("credits", "not told to these tokens; see console.x.com")


@dataclass(frozen=True, kw_only=True)
class XProbe:
    client: tweepy.Client
    session: XSession
    username: str
    user_id: str

    def probe(self) -> Readiness:
        with self.session.within(PROBE_WITHIN_S):
            try:
                response = self.client.get_me(user_auth=True)
            except (requests.RequestException, tweepy.TweepyException, ValueError, SendError) as exc:
                return failed("X", from_exception(exc))
            return self._judged(response)

    def _judged(self, response: requests.Response) -> Readiness:
        me = data_in(response)
        if not me.get("id") or not me.get("username"):
            return unanswered("X", "unreadable_answer")
        if wrong := self._wrong_account(str(me["id"]), str(me["username"])):
            return not_ready("wrong_account", wrong)
        headers = {name.lower(): value.strip().lower() for name, value in response.headers.items()}
        # X tells it to OAuth 1.0a (xdevplatform/open-evolution #21)
        if headers.get("x-access-level") == "read":
            text = (
                "X's app may only read with these tokens. Give it read and write access and make new tokens."
            )
            return not_ready("no_permission", text)
        if _left_today(headers) == "0":
            text = "X takes no more posts today from this account or its app. They are tried until the message expires."
            return doubtful("daily_limit", text)
        return self._with_credits(_limits(headers))

    def _with_credits(self, facts: Facts) -> Readiness:
        """Few credits are no certain refusal: X has agreements without prepaid ones, and tells the end of credits by 402
        to any question, this one's predecessor included."""
        usd = self._credits()
        if usd is None:
            return ready(_READY, facts=(*facts, _NOT_TOLD))
        facts = (*facts, ("credits", f"{usd:,.2f} USD"))
        if usd < LOW_CREDITS_USD:
            text = (
                f"The X account has {usd:,.2f} USD of credits left; a post with a link costs 0.20. Buy credits at "
                "console.x.com."
            )
            return doubtful("credits_low", text, facts=facts)
        return ready(_READY, facts=facts)

    def _wrong_account(self, user_id: str, username: str) -> str:
        if self.user_id and user_id != self.user_id:
            return f"The tokens speak for account {user_id} on X, not for {self.user_id}. Correct user_id or the tokens."
        if username.lower() != self.username.lower():
            return f"The tokens speak for @{username} on X, not for @{self.username}. Correct username or the tokens."
        return ""

    def _credits(self) -> float | None:
        try:
            response = self.client.request("GET", CREDITS, user_auth=True)
        except (requests.RequestException, tweepy.TweepyException, ValueError, SendError):
            return None
        told = data_in(response) or object_in(response.content)
        return _number(told.get("total_balance"))


_READY = "X accepts the account's tokens, which do not end by themselves."


def _limits(headers: Mapping[str, str]) -> Facts:
    """Of the question itself; of posts X tells its limits only when posting."""
    left, reset = headers.get("x-rate-limit-remaining", ""), headers.get("x-rate-limit-reset", "")
    until = moment_of(_number(reset))
    told = f"{left}, anew at {day(until)}" if until else left
    today = _left_today(headers)
    return (
        *((("questions left", told),) if left.isdecimal() else ()),
        *((("posts left today", today),) if today else ()),
    )


def _left_today(headers: Mapping[str, str]) -> str:
    """The lesser of what is left to the account and to its app (headers as in node-twitter-api-v2 #495 and #553)."""
    told = [headers.get(f"x-{whose}-limit-24hour-remaining", "") for whose in ("user", "app")]
    return min((each for each in told if each.isdecimal()), key=int, default="")


def _number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else float("nan")
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e12 else None  # NaN is less than nothing
