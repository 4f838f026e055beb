"""Posts to a Facebook Page through the Graph API. Knows the Graph's requests and errors, nothing of deliveries."""

import hashlib
import hmac
import json
from typing import Any, ClassVar, Self

import requests

from broadcaster.domain.errors import OutcomeUnknown, SendError
from broadcaster.domain.post import Post
from channels.base import Account, AfterUnknown, CheckProblem, Option, Receipt
from channels.facebook_errors import refusal
from channels.http import DEFAULT_TIMEOUTS, Timeouts, from_exception, open_session
from channels.options import address, is_web_address, option, require_secrets, secret

GRAPH_VERSION = "v26.0"  # released 2026-07-29; developers.facebook.com/docs/graph-api/changelog, read 2026-11
MAX_MESSAGE_CHARS = (
    63_206  # not in Meta's documents; measured by github.com/gitroomhq/postiz-app, read 2026-11
)


class FacebookPage:
    """One Page, spoken for with a Page token."""

    name: ClassVar[str] = "facebook"
    title: ClassVar[str] = "Facebook Page"
    options: ClassVar[tuple[Option, ...]] = (
        Option(name="base_url", help="address of the Graph API", default="https://graph.facebook.com"),
        Option(name="page_id", help="the Page's number, from its About page", required=True),
        Option(name="page_name", help="the Page's name, shown to approvers"),
        Option(
            name="access_token", help="a Page token (better: of a system user)", required=True, secret=True
        ),
        Option(name="app_secret", help="the app's secret; signs each call with appsecret_proof", secret=True),
    )
    after_unknown: ClassVar[AfterUnknown] = AfterUnknown.READABLE

    def __init__(self, account: Account, *, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        require_secrets(account, self.options)
        self._page_id = option(account, self.options, "page_id")
        self._page_name = option(account, self.options, "page_name")
        self._url = f"{address(account, self.options, 'base_url')}/{GRAPH_VERSION}/{self._page_id}/feed"
        self._credentials = _credentials(secret(account, "access_token"), secret(account, "app_secret"))
        self._secrets = [*self._credentials.values(), secret(account, "app_secret")]
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
        return problems

    def send(self, post: Post, key: str) -> Receipt:  # noqa: ARG002 - Graph has no place for a key of ours
        """Facebook refuses only a repeat that follows directly, so an unknown outcome must be read back first."""
        form = {"message": post.text, "fields": "id,permalink_url", **self._credentials}
        if post.link:
            form["link"] = post.link
        try:
            # In the body, never the query: addresses are logged on the way.
            response = self._session.post(self._url, data=form)
            answer = _json(response)
        except (requests.RequestException, ValueError) as exc:
            raise from_exception(exc) from exc
        return self._receipt(response, answer, post)

    def _receipt(self, response: requests.Response, answer: dict[str, Any], post: Post) -> Receipt:
        if not 200 <= response.status_code < 300 or "error" in answer:
            raise self._refusal(response, answer, post)
        platform_id = str(answer.get("id") or "")
        if not platform_id:
            raise OutcomeUnknown(
                "no_id", "Facebook answered without the post's id.", detail="HTTP 2xx, no id"
            )
        link = answer.get("permalink_url")
        return Receipt(
            platform_id=platform_id,
            link=link if isinstance(link, str) and link else f"https://www.facebook.com/{platform_id}",
        )

    def _refusal(self, response: requests.Response, answer: dict[str, Any], post: Post) -> SendError:
        error = answer.get("error")
        return refusal(
            response.status_code,
            response.headers,
            error if isinstance(error, dict) else {},
            secrets=self._secrets,
            private=post.text,
        )


def _credentials(token: str, app_secret: str) -> dict[str, str]:
    if not app_secret:
        return {"access_token": token}
    # hex HMAC-SHA256 of the token (developers.facebook.com/docs/graph-api/guides/secure-requests)
    proof = hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    return {"access_token": token, "appsecret_proof": proof}


def _json(response: requests.Response) -> dict[str, Any]:
    """The answer's object; empty for a broken or other answer, whose status then decides."""
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
