"""Whether a Page's token could post now, without posting. Knows what the Graph tells about tokens, nothing of posts.

`/me` answers a Page's token with the Page itself. `/debug_token` tells its end and permissions; it takes an app's token,
which is `app_id|app_secret` (developers.facebook.com/docs/graph-api/reference/debug_token and
.../facebook-login/guides/access-tokens, read 2026-11).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from broadcaster.domain.errors import SendError
from broadcaster.domain.readiness import Readiness
from channels.facebook_errors import refusal
from channels.facebook_usage import used_percent
from channels.http import FencedSession, from_exception, object_in
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

#: Graph refuses a Page's post that lacks one of them: "(#200) ... requires both pages_read_engagement and
#: pages_manage_posts" (its own words, quoted in many issues; read 2026-11).
PERMISSIONS = ("pages_manage_posts", "pages_read_engagement")
_INVALID_PROOF = (
    "Facebook does not accept app_secret: it is not that of the app that made access_token. Correct it in the account's "
    "file, or leave it out."
)


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What the Graph answered; `failure` where it was no success, `certain` where the Graph itself said so."""

    said: Mapping[str, Any]
    percent: float = 0.0
    failure: SendError | None = None
    certain: bool = False

    @property
    def is_invalid_proof(self) -> bool:
        error = self.said.get("error")
        return isinstance(error, dict) and "appsecret_proof" in str(error.get("message", ""))


@dataclass(frozen=True, kw_only=True)
class PageProbe:
    """`graph_url` ends with the version; `app_token` is empty where the account does not name the app."""

    session: FencedSession
    graph_url: str
    page_id: str
    credentials: Mapping[str, str] = field(repr=False)
    app_token: str = field(repr=False)
    secrets: list[str] = field(repr=False)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def probe(self) -> Readiness:
        with self.session.within(PROBE_WITHIN_S):
            me = self._ask_who_we_are()
            if me.is_invalid_proof:
                return not_ready("wrong_app_secret", _INVALID_PROOF)
            if me.failure:
                return failed("Facebook", me.failure, certain=me.certain)
            if "id" not in me.said:
                return unanswered("Facebook", "unreadable_answer")
            if str(me.said["id"]) != self.page_id:
                return self._not_this_page()
            return self._about_token(self._used(me))

    def _ask_who_we_are(self) -> _Answer:
        query = {name: value for name, value in self.credentials.items() if name != "access_token"}
        return self._get("me", {**query, "fields": "id,name"}, self.credentials["access_token"])

    def _about_token(self, facts: Facts) -> Readiness:
        """Its end and permissions, which only the app may ask for. Nothing told is nothing wrong: the Page answered."""
        if not self.app_token:
            told = ("end and permissions", "not told without app_id and app_secret in the account's file")
            return ready(_READY, facts=(*facts, told))
        # In the query, since Meta documents no other place for it; nothing of ours logs addresses.
        answer = self._get("debug_token", {"input_token": self.credentials["access_token"]}, self.app_token)
        data = answer.said.get("data")
        if answer.failure or not isinstance(data, dict):
            text = (
                "Facebook knows the Page's token but does not tell its end and permissions. Check app_id and app_secret "
                "in the account's file. Posts are tried all the same."
            )
            return doubtful("token_not_described", text, facts=facts)
        return self._judged(data, facts)

    def _judged(self, data: Mapping[str, Any], facts: Facts) -> Readiness:
        ends, data_ends = moment_of(data.get("expires_at")), moment_of(data.get("data_access_expires_at"))
        scopes = data.get("scopes")
        facts = (*facts, *_described(data, ends, data_ends))
        until = min((each for each in (ends, data_ends) if each), default=None)
        if data.get("is_valid") is False or (ends and ends <= self.now()):
            return not_ready("token_refused", _ENDED, valid_until=ends, facts=facts)
        if data.get("profile_id") and str(data["profile_id"]) != self.page_id:
            return self._not_this_page()
        missing = [name for name in PERMISSIONS if name not in scopes] if isinstance(scopes, list) else []
        if missing:
            text = f"The Page's token lacks {' and '.join(missing)}, without which nothing is posted. Grant it and renew access_token."
            return not_ready("no_permission", text, valid_until=until, facts=facts)
        if data_ends and data_ends <= self.now():
            return doubtful("data_access_ended", _DATA_ENDED, valid_until=until, facts=facts)
        return ready(_READY, valid_until=until, facts=facts)

    def _not_this_page(self) -> Readiness:
        text = (
            f"The token does not speak for page {self.page_id}: it is another Page's, or a person's. Put the token of this "
            "Page into access_token, or correct page_id."
        )
        return not_ready("wrong_page", text)

    def _used(self, answer: _Answer) -> Facts:
        return (("rate limit used", f"{min(answer.percent, 999):.0f} %"),)

    def _get(self, path: str, query: Mapping[str, str], token: str) -> _Answer:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            response = self.session.get(f"{self.graph_url}/{path}", params=dict(query), headers=headers)
        except (requests.RequestException, ValueError, SendError) as exc:
            return _Answer(said={}, failure=from_exception(exc), certain=isinstance(exc, SendError))
        said = object_in(response.content)
        error = said.get("error")
        if 200 <= response.status_code < 300 and error is None:
            return _Answer(said=said, percent=used_percent(response.headers))
        told = error if isinstance(error, dict) else {}
        failure = refusal(response.status_code, response.headers, told, secrets=self.secrets, private="")
        return _Answer(said=said, failure=failure, certain=bool(told))


_READY = "Facebook accepts the Page's token."
_ENDED = (
    "The Page's token has ended or was withdrawn. Make one with a system user, which does not end, and put it into "
    "access_token."
)
_DATA_ENDED = (
    "The app's access to the data behind the token has ended, which may keep posts out. Log in to the app again and renew "
    "access_token, or make one with a system user."
)


def _described(data: Mapping[str, Any], ends: datetime | None, data_ends: datetime | None) -> Facts:
    kind = data.get("type")
    return (
        *((("token", f"of a {kind.lower()}"),) if isinstance(kind, str) and kind.isalpha() else ()),
        ("token ends", day(ends) if ends else "never"),
        *((("data access ends", day(data_ends)),) if data_ends else ()),
    )
