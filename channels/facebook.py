"""Posts to a Facebook Page through the Graph API. Knows the Graph's requests and errors, nothing of deliveries."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

import requests

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, SendError
from broadcaster.domain.media import Image, ImageRules
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from broadcaster.domain.sight import Sight
from channels.base import Account, AfterUnknown, CheckProblem, Option, Receipt
from channels.facebook_edits import PostEdits
from channels.facebook_errors import refusal
from channels.facebook_photos import (
    IMAGE_RULES,
    UPLOADS_WITHIN_S,
    attached,
    nothing_published,
    picture_problems,
    upload_form,
)
from channels.facebook_probe import PageProbe
from channels.facebook_usage import warn_of_use
from channels.http import DEFAULT_TIMEOUTS, Timeouts, from_exception, object_in, open_session
from channels.images import require_approved
from channels.options import address, is_web_address, option, require_secrets, secret
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

GRAPH_VERSION = "v26.0"  # released 2026-07-29; developers.facebook.com/docs/graph-api/changelog, read 2026-11
#: Not in Meta's documents; measured by github.com/gitroomhq/postiz-app, read 2026-11.
MAX_MESSAGE_CHARS = 63_206
# `from` too, because a list with another author's post must not deceive us.
READ_FIELDS = "id,message,created_time,permalink_url,from"


class FacebookPage:
    """One Page, spoken for with a Page token."""

    name: ClassVar[str] = "facebook"
    title: ClassVar[str] = "Facebook Page"
    options: ClassVar[tuple[Option, ...]] = (
        Option(name="base_url", help="address of the Graph API", default="https://graph.facebook.com"),
        Option(name="page_id", help="the Page's number, from its About page", required=True),
        Option(name="page_name", help="the Page's name, shown to approvers"),
        Option(
            name="access_token",
            help="a Page token that a system user of the business made: it does not expire, and hangs on no person",
            required=True,
            secret=True,
        ),
        Option(name="app_secret", help="the app's secret; signs each call with appsecret_proof", secret=True),
        Option(
            name="app_id",
            help="the app's number; with app_secret, the token's end and permissions are checked",
        ),
    )
    after_unknown: ClassVar[AfterUnknown] = AfterUnknown.READABLE
    image_rules: ClassVar[ImageRules] = IMAGE_RULES

    def __init__(
        self,
        account: Account,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        require_secrets(account, self.options)
        self._account_name = account.name
        self._monotonic = monotonic
        self._page_id = option(account, self.options, "page_id")
        self._page_name = option(account, self.options, "page_name")
        self._graph_url = f"{address(account, self.options, 'base_url')}/{GRAPH_VERSION}"
        self._page_url = f"{self._graph_url}/{self._page_id}"
        app_id, app_secret = option(account, self.options, "app_id"), secret(account, "app_secret")
        self._credentials = _credentials(secret(account, "access_token"), app_secret)
        self._app_token = f"{app_id}|{app_secret}" if app_id and app_secret else ""
        self._secrets = [*self._credentials.values(), app_secret]
        self._session = open_session(account, timeout=timeouts)

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        return f"{self._page_name} (page {self._page_id})" if self._page_name else f"page {self._page_id}"

    def check(self, post: Post) -> list[CheckProblem]:
        problems = []
        if not post.text.strip():
            problems.append(CheckProblem(code="empty", text="The Facebook post is empty. Write its text."))
        over = len(post.text) - MAX_MESSAGE_CHARS
        if over > 0:
            text = f"The Facebook post is {over:,} characters too long. Shorten it to {MAX_MESSAGE_CHARS:,}."
            problems.append(CheckProblem(code="too_long", text=text))
        if post.link and not is_web_address(post.link):
            text = "The link of the Facebook post does not begin with https://. Give the full https address."
            problems.append(CheckProblem(code="bad_link", text=text))
        return problems + picture_problems(post)

    def send(self, post: Post, key: str) -> Receipt:  # noqa: ARG002 - Graph has no place for a key of ours
        """Only the last call can publish; where it fails its outcome is the post's (see channels/facebook_photos.py).

        Facebook refuses only a repeat that follows directly, so an unknown outcome must be read back first.
        """
        require_approved(post.images)
        form = {"message": post.text, "fields": "id,permalink_url", **self._credentials}
        if post.images:  # `link` and `attached_media` are alternatives; the link stands in the text
            form |= attached(self._upload_all(post))
        elif post.link:
            form["link"] = post.link
        answer = self._post("feed", post, data=form)
        platform_id = str(answer.get("id") or "")
        if not platform_id:
            raise OutcomeUnknown(
                "no_id", "Facebook answered without the post's id.", detail="HTTP 2xx, no id"
            )
        link = answer.get("permalink_url")
        return _receipt_of(platform_id, link if isinstance(link, str) else "")

    def find(self, post: Post, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - as in send
        """The post among the Page's published ones; `channels/read_back.py` says which is taken for it."""
        found = look_through(lambda after: self._read(post, since, after), post, since)
        return _receipt_of(found.platform_id, found.link) if found else None

    def read_back(self, post: Post, platform_id: str, since: datetime) -> Sight:
        return look_at(lambda after: self._read(post, since, after), post, platform_id, since)

    def stands(self, platform_id: str) -> str | None:
        return self._edits.stands(platform_id)

    def amend(self, post: Post, platform_id: str) -> Receipt:
        self._edits.edit(platform_id, post.text)
        return _receipt_of(platform_id, "")

    def withdraw(self, platform_id: str) -> None:
        self._edits.delete(platform_id)

    @property
    def _edits(self) -> PostEdits:
        return PostEdits(
            session=self._session,
            graph_url=self._graph_url,
            credentials=self._credentials,
            judge=self._succeeded,
        )

    def probe(self) -> Readiness:
        return PageProbe(
            session=self._session,
            graph_url=self._graph_url,
            page_id=self._page_id,
            credentials=self._credentials,
            app_token=self._app_token,
            secrets=self._secrets,
        ).probe()

    def _upload_all(self, post: Post) -> list[str]:
        """The ids of the post's photos, in their order. No failure here leaves the post's outcome unknown.

        The time is asked for before each picture and once more before what publishes them: a process that stood still
        must not publish what was sent by another in the meantime.
        """
        photo_ids, until = list[str](), self._monotonic() + UPLOADS_WITHIN_S
        for number, image in enumerate(post.images, 1):
            try:
                with self._session.within(self._left_s(until, photo_ids, post), longer=True):
                    photo_ids.append(self._upload(image, post))
            except SendError as exc:
                failure = nothing_published(exc, number=number, of=len(post.images))
                raise failure from (exc.__cause__ if failure is exc else exc)
        self._left_s(until, photo_ids, post)
        return photo_ids

    def _left_s(self, until: float, done: list[str], post: Post) -> float:
        left_s = until - self._monotonic()
        if left_s <= 0:
            text = "The pictures took too long to reach Facebook; nothing was published. It is tried again."
            raise NotSent("pictures_too_slow", text, detail=f"{len(done)} of {len(post.images)} uploaded")
        return left_s

    def _upload(self, image: Image, post: Post) -> str:
        body, content_type = upload_form(image, self._credentials)
        answer = self._post("photos", post, data=body, headers={"Content-Type": content_type})
        photo_id = answer.get("id")
        if not (isinstance(photo_id, str) and photo_id):
            raise OutcomeUnknown("no_id", detail="HTTP 2xx, no id")
        return photo_id

    def _post(
        self, edge: str, post: Post, *, data: bytes | dict[str, str], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer of a call that was a success."""
        try:
            # In the body, never the query: addresses are logged on the way.
            response = self._session.post(f"{self._page_url}/{edge}", data=data, headers=headers)
            answer = object_in(response.content)
        except (requests.RequestException, ValueError) as exc:
            raise from_exception(exc) from exc
        return self._succeeded(response, answer, _words_of(post))

    def _succeeded(self, response: requests.Response, answer: dict[str, Any], words: str) -> dict[str, Any]:
        warn_of_use(response.headers, account=self._account_name)
        if not 200 <= response.status_code < 300 or "error" in answer:
            raise self._refusal(response, answer, words)
        return answer

    def _read(self, post: Post, since: datetime, after: str) -> Page:
        """developers.facebook.com/docs/graph-api/reference/page/published_posts and .../graph-api/results, read 2026-11."""
        query = {name: value for name, value in self._credentials.items() if name != "access_token"}
        query |= {"fields": READ_FIELDS, "limit": "25", "since": str(int((since - CLOCKS_APART).timestamp()))}
        query |= {"after": after} if after else {}
        headers = {"Authorization": f"Bearer {self._credentials['access_token']}"}
        try:
            response = self._session.get(f"{self._page_url}/published_posts", params=query, headers=headers)
            return self._page(self._succeeded(response, object_in(response.content), _words_of(post)))
        except (requests.RequestException, ValueError, SendError) as exc:
            failure = _of_reading(from_exception(exc))
        # Raised out here, so that no traceback shows what requests says: its text has the address with the proof.
        raise read_back_failed(failure, post) from failure

    def _page(self, answer: dict[str, Any]) -> Page:
        items = answer.get("data")
        if not isinstance(items, list):
            raise unreadable()
        posts = [found for item in items if isinstance(item, dict) and (found := self._shown(item))]
        return Page(posts=posts, after=_after(answer))

    def _shown(self, item: dict[str, Any]) -> Shown | None:
        """None for an odd item, and for a post of another author, should the list ever hold one."""
        author = item.get("from")
        by = author.get("id") if isinstance(author, dict) else None
        if str(by or self._page_id) != self._page_id:
            return None
        return shown(
            platform_id=item.get("id"),
            text=item.get("message"),
            created=item.get("created_time"),
            link=item.get("permalink_url"),
        )

    def _refusal(self, response: requests.Response, answer: dict[str, Any], words: str) -> SendError:
        error = answer.get("error")
        return refusal(
            response.status_code,
            response.headers,
            error if isinstance(error, dict) else {},
            secrets=self._secrets,
            private=words,
        )


def _words_of(post: Post) -> str:
    """What an answer must not quote."""
    return "\n".join([post.text, *(image.alt for image in post.images)])


def _receipt_of(platform_id: str, link: str) -> Receipt:
    return Receipt(platform_id=platform_id, link=link or f"https://www.facebook.com/{platform_id}")


def _of_reading(failure: SendError) -> SendError:
    """Reading needs another permission than posting, so the table's advice would be wrong."""
    if failure.code != "no_permission":
        return failure
    text = "The token may not read this Page's posts. Grant pages_read_engagement and renew it."
    return NotConfigured("no_permission_to_read", text, detail=failure.detail)


def _after(answer: dict[str, Any]) -> str:
    """The cursor behind this page, or nothing at the end: on an empty page that leads to no `next`.

    The address that stands in `next` is not used: it carries the token. (docs/graph-api/results: an empty page may
    lead to a full one.)
    """
    paging = answer.get("paging")
    if not isinstance(paging, dict) or not (answer["data"] or paging.get("next")):
        return ""
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if paging.get("next") and not after:
        raise unreadable()  # there is more that we cannot reach: no None may come of it
    return after if isinstance(after, str) else ""


def _credentials(token: str, app_secret: str) -> dict[str, str]:
    if not app_secret:
        return {"access_token": token}
    # hex HMAC-SHA256 of the token (developers.facebook.com/docs/graph-api/guides/secure-requests)
    proof = hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    return {"access_token": token, "appsecret_proof": proof}
