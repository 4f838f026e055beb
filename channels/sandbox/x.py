"""X's API v2, as far as an account's own posts go: publish, read back, delete; errors and limits as X gives them.

Shapes: X's OpenAPI 2.167; error bodies as its documentation has them or as seen live.
"""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from channels.sandbox.exchange import Answer, Call, Mood, Purpose, Said
from channels.sandbox.ledger import Entry
from channels.sandbox.lookalikes import Lookalikes
from channels.sandbox.media import MediaStore
from channels.sandbox.settings import Settings
from channels.sandbox.x_create import pictures_asked, reply_asked, why_not
from channels.sandbox.x_length import MAX_WEIGHTED_LENGTH, weighted_length
from channels.sandbox.x_media import Pictures
from channels.sandbox.x_posts import XPost, new_id, of_another, of_yesterday
from channels.sandbox.x_problems import (
    DUPLICATE,
    REPLY_GONE,
    TOO_LONG,
    RateWindow,
    daily_headers,
    invalid,
    invalid_pictures,
    json_answer,
    not_found,
    problem,
    refusal,
)
from channels.sandbox.x_query import POST_FIELDS, USER_FIELDS, fields_asked, timeline_of
from channels.sandbox.x_signature import Signatures

DELETES_PER_WINDOW = 50
READS_PER_WINDOW = 900
MEDIA_PER_WINDOW = 500
_ABOUT_ACCOUNT = ("/2/users/me", "/2/usage/credits", "/2/media/upload")
DUPLICATES_WITHIN = timedelta(hours=24)


class X:
    name: ClassVar[str] = "x"

    def __init__(
        self, account: Mapping[str, str], settings: Settings, media: MediaStore | None = None
    ) -> None:
        self._account = account
        self._settings = settings
        self._signatures = Signatures(account)
        self.media = MediaStore() if media is None else media
        self._pictures = Pictures(self.media)
        self._posts: list[XPost] = []
        self._lookalikes = Lookalikes[XPost]()
        self._windows: dict[str, RateWindow] = {}

    def purpose(self, call: Call) -> Purpose:
        if (call.method, call.path) == ("POST", "/2/tweets"):
            return Purpose.PUBLISH
        if call.method == "DELETE":
            return Purpose.CHANGE
        if call.method == "GET" and call.path not in _ABOUT_ACCOUNT:
            return Purpose.READ
        return Purpose.OTHER

    def said(self, call: Call) -> Said:
        try:
            text = json.loads(call.body)["text"]
        except (ValueError, KeyError, TypeError):
            text = ""
        return Said(text=text if isinstance(text, str) else "")

    def answer(self, call: Call, mood: Mood) -> Answer:
        if not self._signatures.right(call):
            return problem(401, "Unauthorized")
        window = self._window(call)
        answer = self._route(call, mood) if window.take() else refusal("429")
        level = (b"x-access-level", self._settings.x_access_level.encode("latin-1", "replace"))
        answer.headers = (*answer.headers, *window.headers(), level)
        return answer

    def refusal(self, kind: str, call: Call) -> Answer:
        if self.purpose(call) is Purpose.PUBLISH:
            self._prepare_lookalikes(self.said(call).text)
        if kind == "reply_refused" and not (self.purpose(call) is Purpose.PUBLISH and _is_reply(call)):
            return self.answer(call, Mood())
        answer = refusal(kind)
        if kind == "daily_limit":
            answer.headers = daily_headers(time.time())
        if kind == "429":
            answer.headers = RateWindow(
                self._settings.x_posts_per_window, time.time(), used_up=True
            ).headers()
        return answer

    def restore(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.accepted:
                self._take_up(entry)
            elif entry.method == "DELETE" and entry.status == 200:
                self._posts = [post for post in self._posts if not entry.path.endswith("/" + post.id)]
            elif entry.method == "POST" and entry.status == 200:
                self._pictures.restore(entry)

    def _take_up(self, entry: Entry) -> None:
        """The post of a request that was accepted. Its pictures had been uploaded before, and stand as they were."""
        given = json.loads(entry.body)
        self._add(entry.platform_id, entry.text, datetime.fromisoformat(entry.at), given)

    def _add(self, post_id: str, text: str, created: datetime, given: dict[str, Any]) -> XPost:
        before = next((post for post in self._posts if post.id == reply_asked(given)), None)
        post = XPost(
            id=post_id,
            text=text,
            created=created,
            author_id=self._account["user_id"],
            pictures=self._pictures.of(pictures_asked(given)),
            in_reply_to=before.id if before else "",
            thread=(before.thread or before.id) if before else "",
        )
        self._posts.append(post)
        return post

    def forget(self) -> None:
        self._posts.clear()
        self._pictures.forget()
        self._windows.clear()
        self._lookalikes.forget()

    def published(self) -> list[XPost]:
        """What a visitor of the profile sees, newest first."""
        return self._posts[::-1]

    def _window(self, call: Call) -> RateWindow:
        limits = {"POST": self._settings.x_posts_per_window, "DELETE": DELETES_PER_WINDOW}
        limit = limits.get(call.method, READS_PER_WINDOW)
        key = call.method if call.method in limits else call.path
        if call.path.startswith("/2/media/"):
            limit, key = MEDIA_PER_WINDOW, f"{call.method} {call.path}"
        window = self._windows.get(key)
        if window is None or window.over(time.time()):
            window = self._windows[key] = RateWindow(limit, time.time())
        window.limit = limit
        return window

    def _route(self, call: Call, mood: Mood) -> Answer:
        return self._pictures.answer(call) or self._route_posts(call, mood)

    def _route_posts(self, call: Call, mood: Mood) -> Answer:
        query = dict(parse_qsl(call.query.decode("latin-1"), keep_blank_values=True))
        match call.method, call.path.strip("/").split("/")[1:]:
            case "POST", ["tweets"]:
                return self._create(call)
            case "GET", ["users", "me"] | ["usage", "credits"]:
                return self._me(query) if call.path.endswith("me") else self._credits()
            case "GET", ["users", user_id, "tweets"]:
                return self._timeline(user_id, query, mood)
            case "GET", ["tweets", post_id]:
                return self._show(post_id, query, mood)
            case "DELETE", ["tweets", post_id]:
                left = [post for post in self._posts if post.id != post_id]
                deleted, self._posts = len(left) < len(self._posts), left
                return json_answer(200, {"data": {"deleted": deleted}})
        return problem(404, HTTPStatus(404).phrase)

    def _create(self, call: Call) -> Answer:
        try:
            given = json.loads(call.body)
        except ValueError:
            return invalid("The body of this request is not valid JSON.")
        wrong = next(why_not(given), "")
        if wrong:
            return invalid(wrong)
        text = given.get("text", "")
        self._prepare_lookalikes(text)
        refused = self._refused(text, given)
        if refused:
            return refused
        created = datetime.now(UTC)
        last = self._posts[-1].id if self._posts else "0"
        post = self._add(new_id(created, above=last), text, created, given)
        answer = json_answer(201, {"data": {"id": post.id, "text": post.shown_text}})
        answer.accepted, answer.platform_id, answer.said = True, post.id, Said(text=text)
        return answer

    def _refused(self, text: str, given: dict[str, Any]) -> Answer | None:
        """Why X would not take this request, well-formed as it is."""
        if weighted_length(text) > MAX_WEIGHTED_LENGTH:
            return invalid(TOO_LONG)
        before = reply_asked(given)
        if before and before not in [post.id for post in self._posts]:
            return problem(403, REPLY_GONE)
        if not self._pictures.usable(pictures_asked(given)):
            return invalid_pictures(pictures_asked(given))
        since = datetime.now(UTC) - DUPLICATES_WITHIN
        if any(post.text == text and post.created >= since for post in self._posts):
            return problem(403, DUPLICATE)
        return None

    def _me(self, query: dict[str, str]) -> Answer:
        try:
            fields = fields_asked(query, ("user.fields",), USER_FIELDS, always=("id", "name", "username"))
        except ValueError as error:
            return invalid(str(error))
        me = {
            "id": self._account["user_id"],
            "name": "Wyre Council (sandbox)",
            "username": self._settings.x_username or self._account["username"],
        }
        return json_answer(200, {"data": {name: me[name] for name in fields}})

    def _credits(self) -> Answer:
        return json_answer(200, {"data": {"total_balance": self._settings.x_credits}})

    def _timeline(self, user_id: str, query: dict[str, str], mood: Mood) -> Answer:
        if user_id != self._account["user_id"]:
            return json_answer(200, {"errors": [not_found("user", user_id)]})
        try:
            return json_answer(200, timeline_of(self._lookalikes.visible(self._posts, mood), query))
        except ValueError as error:
            return invalid(str(error))

    def _show(self, post_id: str, query: dict[str, str], mood: Mood) -> Answer:
        try:
            fields = fields_asked(query, ("tweet.fields", "post.fields"), POST_FIELDS, always=("id", "text"))
        except ValueError as error:
            return invalid(str(error))
        for post in self._lookalikes.visible(self._posts, mood):
            if post.id == post_id:
                return json_answer(200, {"data": post.to_json(fields)})
        return json_answer(200, {"errors": [not_found("tweet", post_id)]})

    def _prepare_lookalikes(self, text: str) -> None:
        self._lookalikes.prepare(text, of_another(text), of_yesterday(text, self._account["user_id"]))


def _is_reply(call: Call) -> bool:
    try:
        return bool(reply_asked(json.loads(call.body)))
    except (ValueError, AttributeError):
        return False
