"""Posts to X through tweepy. Knows X's requests and errors, nothing of deliveries."""

import html
import json
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import requests
import tweepy

from broadcaster.domain.errors import Invalid, NotConfigured, OutcomeUnknown, SendError
from broadcaster.domain.post import Post
from channels.base import Account, AfterUnknown, CheckProblem, Option, Receipt
from channels.http import DEFAULT_TIMEOUTS, USER_AGENT, FencedSession, Timeouts, from_exception
from channels.options import address, option, require_secrets, secret
from channels.readback import CLOCKS_APART, Page, Shown, look_through, read_back_failed, shown, unreadable
from channels.text import MAX_X_WEIGHT, x_weight
from channels.twitter_errors import refusal

# At DEBUG these write credentials and the post into the log (tweepy/client.py, requests_oauthlib/oauth1_auth.py).
TALKATIVE_LOGGERS = ("tweepy", "requests_oauthlib", "oauthlib")


class XAccount:
    """One account on X, spoken for with OAuth 1.0a user tokens, which do not run out by themselves."""

    name: ClassVar[str] = "x"
    title: ClassVar[str] = "X"
    options: ClassVar[tuple[Option, ...]] = (
        Option(name="base_url", help="address of X's API", default="https://api.x.com"),
        Option(name="username", help="the account's name on X, without @", required=True),
        Option(name="user_id", help="the account's number on X; asked for where it is not given"),
        Option(name="consumer_key", help="the app's API key", required=True, secret=True),
        Option(name="consumer_secret", help="the app's API key secret", required=True, secret=True),
        Option(name="access_token", help="the account's access token", required=True, secret=True),
        Option(name="access_token_secret", help="the access token's secret", required=True, secret=True),
    )
    after_unknown: ClassVar[AfterUnknown] = AfterUnknown.READABLE

    def __init__(
        self,
        account: Account,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        require_secrets(account, self.options)
        self._username = option(account, self.options, "username").removeprefix("@")
        self._user_id = option(account, self.options, "user_id")
        self._now_s = now_s
        self._credentials = {o.name: secret(account, o.name) for o in self.options if o.secret}
        _check_user_id(self._user_id, self._credentials["access_token"])
        base_url = address(account, self.options, "base_url")
        self._client = _client(self._credentials, _Session(account, timeouts, base_url, self._refusal))

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        return f"@{self._username}"

    def check(self, post: Post) -> list[CheckProblem]:
        if not post.text.strip():
            return [CheckProblem(code="empty", text="The post for X is empty. Write its text.")]
        over = x_weight(post.text) - MAX_X_WEIGHT
        if over <= 0:
            return []
        text = f"The post for X is {over} over X's {MAX_X_WEIGHT} characters (a link counts 23). Shorten it."
        return [CheckProblem(code="too_long", text=text)]

    def send(self, post: Post, key: str) -> Receipt:  # noqa: ARG002 - X has no place for a key of ours
        """X refuses a repeated text, but without naming the post, so an unknown outcome must be read back."""
        try:
            response = self._client.create_tweet(text=post.text, user_auth=True)
        except (requests.RequestException, tweepy.TweepyException, ValueError) as exc:
            raise from_exception(exc) from exc
        platform_id = _id_in(response)
        if not platform_id:
            raise OutcomeUnknown("no_id", "X answered without the post's id.", detail="HTTP 2xx, no id")
        return self._receipt(platform_id)

    def find(self, post: Post, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - as in send
        """The post in the account's own timeline; `channels/readback.py` says which is taken for it."""
        found = look_through(lambda after: self._read(post, since, after), post, since)
        return self._receipt(found.platform_id) if found else None

    def _receipt(self, platform_id: str) -> Receipt:
        return Receipt(platform_id=platform_id, link=f"https://x.com/{self._username}/status/{platform_id}")

    def _read(self, post: Post, since: datetime, after: str) -> Page:
        """GET /2/users/{id}/tweets (docs.x.com, openapi.json 2.167, read 2026-11)."""
        try:
            user_id = self._own_id()
            response = self._client.get_users_tweets(
                user_id,
                max_results=100,
                start_time=since - CLOCKS_APART,
                tweet_fields=["created_at", "entities", "author_id"],
                pagination_token=after or None,
                user_auth=True,
            )
            return _page(_json(response), user_id)
        except (requests.RequestException, tweepy.TweepyException, ValueError, SendError) as exc:
            failure = from_exception(exc)
        raise read_back_failed(failure, post) from failure

    def _own_id(self) -> str:
        """Asked for once. Threads that ask at the same time get the same answer."""
        if not self._user_id:
            user_id = _id_in(self._client.get_me(user_auth=True))
            if not user_id.isdecimal():
                raise unreadable()
            self._user_id = user_id
        return self._user_id

    def _refusal(self, response: requests.Response) -> SendError:
        return refusal(
            response.status_code,
            response.headers,
            _json(response),
            secrets=list(self._credentials.values()),
            private=_text_of(response.request),
            now_s=self._now_s(),
        )


class _Session(FencedSession):
    """Mends what tweepy 4.17 fixes in place: the host (no way to a stand-in) and the missing time-out.

    The address is changed before `requests` signs it, since OAuth 1.0a signs the address too.
    """

    def __init__(
        self,
        account: Account,
        timeout: Timeouts,
        base_url: str,
        refusal_of: Callable[[requests.Response], SendError],
    ) -> None:
        super().__init__(account, timeout)
        self._base_url = base_url
        self._refusal_of = refusal_of

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Judges the answer at once: tweepy's error classes fail on a body that is JSON but no object."""
        path = urlsplit(url if isinstance(url, str) else url.decode()).path
        response = super().request(method, self._base_url + path, *args, **kwargs)
        if not 200 <= response.status_code < 300:
            raise self._refusal_of(response)
        return response


def _client(credentials: dict[str, str], session: requests.Session) -> tweepy.Client:
    for name in TALKATIVE_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    # wait_on_rate_limit would sleep up to a day inside the worker, and then send again.
    client = tweepy.Client(**credentials, return_type=requests.Response, wait_on_rate_limit=False)
    client.session.close()
    client.session = session
    client.user_agent = USER_AGENT
    return client


def _json(response: requests.Response) -> dict[str, Any]:
    """The answer's object; empty for a broken or other answer, whose status then decides."""
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _id_in(response: requests.Response) -> str:
    data = _json(response).get("data")
    return str(data.get("id") or "") if isinstance(data, dict) else ""


def _page(answer: dict[str, Any], user_id: str) -> Page:
    """An empty timeline has no `data` but a count, and no `errors`; an answer without either tells nothing."""
    found = answer.get("meta")
    meta = found if isinstance(found, dict) else {}
    nothing = meta.get("result_count") == 0 and not answer.get("errors")
    items = answer.get("data", [] if nothing else None)
    if not isinstance(items, list):
        raise _no_such_user(answer) or unreadable()
    posts = [post for item in items if isinstance(item, dict) and (post := _shown(item, user_id))]
    after = meta.get("next_token")
    return Page(posts=posts, after=after if isinstance(after, str) else "")


def _no_such_user(answer: dict[str, Any]) -> SendError | None:
    """X tells a wrong number with status 200; reading again would never help."""
    errors = answer.get("errors")
    listed = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    if not any(str(error.get("type")).endswith("/resource-not-found") for error in listed):
        return None
    text = "X knows no account with this user_id. Correct it in the account's file, or leave it out."
    return NotConfigured("wrong_user_id", text, detail="HTTP 200, resource-not-found")


def _shown(item: dict[str, Any], user_id: str) -> Shown | None:
    """None for an odd item, and for a post of another author, should the list ever hold one."""
    if str(item.get("author_id") or user_id) != user_id:
        return None
    return shown(platform_id=item.get("id"), text=_as_sent(item), created=item.get("created_at"))


def _as_sent(item: dict[str, Any]) -> str | None:
    """The text as a reader sees it: X escapes & < > and puts links of t.co in the place of each link."""
    text, entities = item.get("text"), item.get("entities")
    if not isinstance(text, str):
        return None
    text = html.unescape(text)
    urls = entities.get("urls") if isinstance(entities, dict) else None
    for url in urls if isinstance(urls, list) else []:
        short, long = (url.get("url"), url.get("expanded_url")) if isinstance(url, dict) else ("", "")
        if isinstance(short, str) and short and isinstance(long, str) and long:
            text = text.replace(short, long)
    return text


def _text_of(request: requests.PreparedRequest) -> str:
    """The post, so that an answer quoting it is withheld."""
    return str(json.loads(request.body).get("text", "")) if request.body else ""


def _check_user_id(user_id: str, access_token: str) -> None:
    """An OAuth 1.0a token begins with its account's number. Another one would be read back in vain: what was posted
    would look absent there, and be posted again."""
    number, dash, _ = access_token.partition("-")
    if user_id and dash and number.isdecimal() and number != user_id:
        raise Invalid(
            "The X account's user_id is not the number that its access_token begins with. Correct user_id in its file."
        )
