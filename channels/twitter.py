"""Posts to X through tweepy. Knows X's requests and errors, nothing of deliveries."""

import html
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Self

import requests
import structlog
import tweepy

from broadcaster.domain.errors import Invalid, NotConfigured, OutcomeUnknown, Refused, SendError
from broadcaster.domain.media import ImageRules
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from broadcaster.domain.sight import Sight
from channels.base import Account, AfterUnknown, CheckProblem, Option, Receipt
from channels.http import DEFAULT_TIMEOUTS, Timeouts, from_exception, object_in
from channels.options import address, option, require_secrets, secret
from channels.read_back import (
    CLOCKS_APART,
    Page,
    Shown,
    look_at,
    look_through,
    read_back_failed,
    shown,
    unreadable,
)
from channels.twitter_checks import MAX_PARTS, problems
from channels.twitter_errors import REPLY_GONE, REPLY_REFUSED
from channels.twitter_media import IMAGE_RULES, Uploads
from channels.twitter_probe import XProbe
from channels.twitter_session import XSession, data_in, id_in, open_client

log = structlog.get_logger()

# docs.x.com, pricing, read 2026-11
_LINKS_HELP = (
    "yes, or no: posts without the link to the message's page, as X charges 0.20 USD for a post with a link instead "
    "of 0.015, 13 times as much; people then do not get to the page from X"
)
#: Pictures and post, and the post once more by itself: a worker's lease is 20 s.
TRY_WITHIN_S = 18.0


class XAccount:
    """One account on X, spoken for with OAuth 1.0a user tokens, which do not run out by themselves."""

    name: ClassVar[str] = "x"
    title: ClassVar[str] = "X"
    options: ClassVar[tuple[Option, ...]] = (
        Option(name="base_url", help="address of X's API", default="https://api.x.com"),
        Option(name="username", help="the account's name on X, without @", required=True),
        Option(name="user_id", help="the account's number on X; asked for where it is not given"),
        Option(name="links", help=_LINKS_HELP, default="yes"),
        Option(name="consumer_key", help="the app's API key", required=True, secret=True),
        Option(name="consumer_secret", help="the app's API key secret", required=True, secret=True),
        Option(name="access_token", help="the account's access token", required=True, secret=True),
        Option(name="access_token_secret", help="the access token's secret", required=True, secret=True),
    )
    after_unknown: ClassVar[AfterUnknown] = AfterUnknown.READABLE
    image_rules: ClassVar[ImageRules] = IMAGE_RULES
    max_parts: ClassVar[int] = MAX_PARTS

    def __init__(
        self,
        account: Account,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        now_s: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        require_secrets(account, self.options)
        self._username = option(account, self.options, "username").removeprefix("@")
        self._user_id = option(account, self.options, "user_id")
        self._with_links = _yes(option(account, self.options, "links"))
        credentials = {o.name: secret(account, o.name) for o in self.options if o.secret}
        _check_user_id(self._user_id, credentials["access_token"])
        base_url = address(account, self.options, "base_url")
        self._account_name = account.name
        self._session = XSession(account, timeouts, base_url, credentials, now_s)
        self._client = open_client(credentials, self._session)
        self._uploads = Uploads(self._client, monotonic=monotonic, sleep=sleep)

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        return f"@{self._username}"

    @property
    def with_links(self) -> bool:
        return self._with_links

    def check(self, post: Post) -> list[CheckProblem]:
        return list(problems(post, with_links=self._with_links))

    def send(self, post: Post, key: str) -> Receipt:
        """X refuses a repeated text, but without naming the post, so an unknown outcome must be read back.

        X lets a self-serve app answer only where it was mentioned, and does not say whether that holds for its own
        posts (docs.x.com, changelog of 2026-02-23). A part that X surely refuses as an answer goes out by itself:
        better than a warning that ends after its first part, and each part carries the reference.
        """
        with self._session.within(TRY_WITHIN_S):
            media_ids = self._uploads.upload(post.images)
            try:
                return self._publish(post.text, media_ids, post.in_reply_to)
            except Refused as refused:
                alone = {REPLY_REFUSED, REPLY_GONE} if post.may_stand_alone else {REPLY_REFUSED}
                if refused.code not in alone or not post.in_reply_to:
                    raise
            log.warning("x_part_posted_by_itself", account=self._account_name, delivery=key)
            return self._publish(post.text, media_ids, "")

    def _publish(self, text: str, media_ids: list[str], in_reply_to: str) -> Receipt:
        try:
            response = self._client.create_tweet(
                text=text,
                media_ids=media_ids or None,
                in_reply_to_tweet_id=in_reply_to or None,
                user_auth=True,
            )
        except (requests.RequestException, tweepy.TweepyException, ValueError) as exc:
            raise from_exception(exc) from exc
        platform_id = id_in(response)
        if not platform_id:
            raise OutcomeUnknown("no_id", "X answered without the post's id.", detail="HTTP 2xx, no id")
        return self._receipt(platform_id)

    def find(self, post: Post, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - X has no place for a key of ours
        """The post in the account's own timeline; `channels/read_back.py` says which is taken for it."""
        found = look_through(lambda after: self._read(post, since, after), post, since)
        return self._receipt(found.platform_id) if found else None

    def read_back(self, post: Post, platform_id: str, since: datetime) -> Sight:
        return look_at(lambda after: self._read(post, since, after), post, platform_id, since)

    def stands(self, platform_id: str) -> str | None:
        """GET /2/tweets/{id} (openapi.json 2.167): one that is gone is a success that lists an error."""
        try:
            response = self._client.get_tweet(platform_id, tweet_fields=["entities"], user_auth=True)
            answer = object_in(response.content)
        except (requests.RequestException, tweepy.TweepyException, ValueError) as exc:
            raise from_exception(exc) from exc
        item = answer.get("data")
        if isinstance(item, dict):
            return _as_sent(item) or ""
        if not _says_gone(answer):
            raise unreadable()
        return None

    def withdraw(self, platform_id: str) -> None:
        """DELETE /2/tweets/{id}: it says `deleted` also of what was gone before."""
        try:
            response = self._client.delete_tweet(platform_id, user_auth=True)
        except (requests.RequestException, tweepy.TweepyException, ValueError) as exc:
            raise from_exception(exc) from exc
        if "deleted" not in data_in(response):
            raise OutcomeUnknown(
                "no_success", "X did not say that it was done.", detail="HTTP 2xx, no deleted"
            )

    def probe(self) -> Readiness:
        return XProbe(
            client=self._client,
            session=self._session,
            username=self._username,
            user_id=self._user_id,
        ).probe()

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
            return _page(object_in(response.content), user_id)
        except (requests.RequestException, tweepy.TweepyException, ValueError, SendError) as exc:
            failure = from_exception(exc)
        raise read_back_failed(failure, post) from failure

    def _own_id(self) -> str:
        """Asked for once. Threads that ask at the same time get the same answer."""
        if not self._user_id:
            user_id = id_in(self._client.get_me(user_auth=True))
            if not user_id.isdecimal():
                raise unreadable()
            self._user_id = user_id
        return self._user_id


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
    if not _says_gone(answer):
        return None
    text = "X knows no account with this user_id. Correct it in the account's file, or leave it out."
    return NotConfigured("wrong_user_id", text, detail="HTTP 200, resource-not-found")


def _says_gone(answer: dict[str, Any]) -> bool:
    errors = answer.get("errors")
    listed = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return any(str(error.get("type")).endswith("/resource-not-found") for error in listed)


def _shown(item: dict[str, Any], user_id: str) -> Shown | None:
    """None for an odd item, and for a post of another author, should the list ever hold one."""
    if str(item.get("author_id") or user_id) != user_id:
        return None
    return shown(platform_id=item.get("id"), text=_as_sent(item), created=item.get("created_at"))


def _as_sent(item: dict[str, Any]) -> str | None:
    """The text as a reader sees it. X escapes & < >, puts links of t.co in the place of each link, and adds one to a
    post's own pictures at its end, which nobody wrote: left there, our own post would look like another one."""
    text, entities = item.get("text"), item.get("entities")
    if not isinstance(text, str):
        return None
    text = html.unescape(text)
    urls = entities.get("urls") if isinstance(entities, dict) else None
    for url in urls if isinstance(urls, list) else []:
        short, long = (url.get("url"), url.get("expanded_url")) if isinstance(url, dict) else ("", "")
        if isinstance(short, str) and short and isinstance(long, str) and long:
            text = text.replace(short, "" if _is_own_picture(long, item) else long)
    return text


def _is_own_picture(address: str, item: dict[str, Any]) -> bool:
    found = _PICTURE.fullmatch(address)
    return found is not None and found[1] == item.get("id")


_PICTURE = re.compile(r"https://(?:x|twitter)\.com/[^/]+/status/([0-9]+)/photo/[0-9]+")


def _yes(value: str) -> bool:
    if value not in {"yes", "no"}:
        raise Invalid('The X account\'s links must be "yes" or "no". Correct it in its file.')
    return value == "yes"


def _check_user_id(user_id: str, access_token: str) -> None:
    """An OAuth 1.0a token begins with its account's number. Another one would be read back in vain: what was posted
    would look absent there, and be posted again."""
    number, dash, _ = access_token.partition("-")
    if user_id and dash and number.isdecimal() and number != user_id:
        raise Invalid(
            "The X account's user_id is not the number that its access_token begins with. Correct user_id in its file."
        )
