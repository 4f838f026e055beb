"""Facebook's Graph API v26.0, as far as a page's own posts go: upload photos, publish, read back, delete.

Shapes: Meta's Page and PagePost specifications, and the error-handling guide. Texts of errors are as seen live.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

from channels.sandbox import graph, graph_photos
from channels.sandbox.exchange import Answer, Call, Mood, Purpose, Said
from channels.sandbox.graph import GraphError, PagePost, Photo
from channels.sandbox.graph_photos import Photos
from channels.sandbox.graph_tokens import as_debugged, is_app_token
from channels.sandbox.ledger import Entry
from channels.sandbox.lookalikes import Lookalikes
from channels.sandbox.media import MediaStore
from channels.sandbox.settings import Settings

VERSION = "v26.0"
MAX_MESSAGE_CHARS = 63_206  # github.com/gitroomhq/postiz-app, read 2026-08
#: Parameters of POST /{page-id}/feed that this stand-in understands; all stand in Meta's Page specification.
FEED_PARAMETERS = frozenset({"message", "link", "published", "attached_media"})
EDIT_PARAMETERS = frozenset({"message"})
LIST_PARAMETERS = frozenset({"limit", "since", "after"})
COMMON_PARAMETERS = frozenset({"access_token", "appsecret_proof", "fields"})


class Facebook:
    name: ClassVar[str] = "facebook"

    def __init__(
        self, account: Mapping[str, str], media: MediaStore | None = None, settings: Settings | None = None
    ) -> None:
        self._account = account
        self._settings = settings or Settings()
        self.media = MediaStore() if media is None else media
        self._photos = Photos(self.media)
        self._posts: list[PagePost] = []
        self._lookalikes = Lookalikes[PagePost]()
        self._numbers = count(int(datetime.now(UTC).timestamp() * 1_000_000))

    def purpose(self, call: Call) -> Purpose:
        """An unpublished photo is on no page: its upload publishes nothing."""
        if call.method == "POST" and call.path.endswith("/feed"):
            return Purpose.PUBLISH
        if graph_photos.is_upload(call):
            return Purpose.PUBLISH if _published(_given(call)) else Purpose.UPLOAD
        if call.path.endswith(("/me", "/debug_token")):
            return Purpose.OTHER
        return Purpose.READ if call.method == "GET" else Purpose.CHANGE

    def said(self, call: Call) -> Said:
        given = _given(call)
        if graph_photos.is_upload(call):
            return graph_photos.said(call, given)
        return Said(recipient="", text=given.get("message", ""), link=given.get("link", ""))

    def answer(self, call: Call, mood: Mood) -> Answer:
        try:
            given = graph.parameters(call)
            if call.path == f"/{VERSION}/debug_token":
                return self._debug_token(call, given)
            graph.check_credentials(call, given, self._account)
            return self._route(call, given, mood)
        except GraphError as error:
            return error.answer()

    def refusal(self, kind: str, call: Call) -> Answer:
        if self.purpose(call) is Purpose.PUBLISH:
            self._prepare_lookalikes(self.said(call))
        return graph.refusal(kind)

    def restore(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            node = entry.path.partition("?")[0].split("/")[2:3]
            if entry.method == "POST" and entry.platform_id:
                with suppress(GraphError):  # such as a photo that is in the ledger no more
                    self._restore_made(entry)
            elif (
                entry.method == "POST"
                and entry.status == 200
                and not entry.path.endswith(("/feed", "/photos"))
            ):
                with suppress(GraphError):
                    message = graph.parameters(Call.recorded(entry)).get("message", "")
                    self._set_message(node[0], message, datetime.fromisoformat(entry.at))
            elif entry.method == "DELETE" and entry.status == 200:
                self._posts = [post for post in self._posts if [post.id] != node]

    def forget(self) -> None:
        self._posts.clear()
        self._lookalikes.forget()
        self._photos.forget()

    def published(self) -> list[PagePost]:
        """What a visitor of the page sees, newest first."""
        return [post for post in reversed(self._posts) if post.published]

    def _route(self, call: Call, given: dict[str, str], mood: Mood) -> Answer:  # noqa: PLR0911 - one each
        version, _, rest = call.path.strip("/").partition("/")
        node, _, edge = rest.partition("/")
        if version != VERSION or not node:
            raise graph.unknown_path(call.path)
        page_id = self._account["page_id"]
        match call.method, node == page_id, edge:
            case "POST", True, "feed":
                return self._publish(call, given)
            case "POST", True, "photos":
                return self._upload(call, given)
            case "GET", True, "published_posts":
                return self._list(call, given, mood)
            case "GET", of_page, "":
                if of_page or node == "me":
                    return self._page(given, node)
                return self._show(call, given, mood)
            case "DELETE", False, "":
                return self._delete(call, node)
            case "POST", False, "":
                return self._edit(call, given, node)
            case _, True, _:
                raise graph.unknown_path(call.path)
        raise graph.unknown_object(call.method, node)

    def _page(self, given: dict[str, str], node: str) -> Answer:
        """`me` is the page that the token speaks for."""
        graph.check_names(given, COMMON_PARAMETERS)
        page_id = self._account["page_id"] if node != "me" else self._speaks_for
        page = {"id": page_id, "name": self._account["page_name"]}
        return graph.answer(graph.selected(page, given, default=("name", "id"), node_type="Page"))

    @property
    def _speaks_for(self) -> str:
        return self._settings.facebook_speaks_for or self._account["page_id"]

    def _debug_token(self, call: Call, given: dict[str, str]) -> Answer:
        graph.check_names(given, {"input_token", "access_token"})
        if not is_app_token(call, given, self._account):
            raise GraphError(190, "Invalid OAuth access token signature.")
        return graph.answer({"data": as_debugged(given, self._account, self._settings)})

    def _upload(self, call: Call, given: dict[str, str]) -> Answer:
        """A photo that is published at once makes a post of its own, whose id stands beside the photo's."""
        photo = self._photos.upload(call, given, photo_id=str(next(self._numbers)))
        said = self.said(call)
        if _published(given):
            post = self._add(self._post(message=photo.message, photos=(photo,)))
            answer = graph.answer({"id": photo.id, "post_id": post.id})
            answer.accepted, answer.platform_id = True, post.id
        else:
            answer = graph.answer({"id": photo.id})
            answer.platform_id = photo.id
        answer.said = said
        return answer

    def _publish(self, call: Call, given: dict[str, str]) -> Answer:
        graph.check_names(given, FEED_PARAMETERS | COMMON_PARAMETERS)
        said = self.said(call)
        self._prepare_lookalikes(said)
        photos = self._photos.to_attach(given)
        if photos and said.link:
            raise GraphError(100, "(#100) The sandbox takes link or attached_media, and not both")
        if not said.text.strip() and not said.link and not photos:
            raise GraphError(100, "(#100) Missing message or attachment")
        if len(said.text) > MAX_MESSAGE_CHARS:
            raise GraphError(100, f"(#100) Param message must be at most {MAX_MESSAGE_CHARS} characters long")
        if self._repeats_the_last(said, photos):
            raise graph.duplicate()
        post = self._post(message=said.text, link=said.link, photos=photos, published=_published(given))
        body = graph.selected(post.fields(call.base_url), given, default=("id",), node_type="PagePost")
        self._add(post)
        answer = graph.answer(body)
        answer.accepted, answer.platform_id, answer.said = True, post.id, said
        return answer

    def _repeats_the_last(self, said: Said, photos: tuple[Photo, ...]) -> bool:
        last = self._posts[-1] if self._posts else None
        return last is not None and (last.message, last.link, [p.sha256 for p in last.photos]) == (
            said.text,
            said.link,
            [p.sha256 for p in photos],
        )

    def _post(
        self, *, message: str, link: str = "", photos: tuple[Photo, ...] = (), published: bool = True
    ) -> PagePost:
        return PagePost(
            id=f"{self._account['page_id']}_{next(self._numbers)}",
            message=message,
            link=link,
            published=published,
            created=datetime.now(UTC),
            author=(self._account["page_id"], self._account["page_name"]),
            photos=photos,
        )

    def _add(self, post: PagePost) -> PagePost:
        """The post on the page, and its photos in use."""
        post = replace(post, photos=self._photos.attach(post.photos, post.id))
        self._posts.append(post)
        return post

    def _list(self, call: Call, given: dict[str, str], mood: Mood) -> Answer:
        graph.check_names(given, LIST_PARAMETERS | COMMON_PARAMETERS)
        since = graph.moment(given["since"]) if "since" in given else None
        posts = [
            post
            for post in self._lookalikes.visible(self._posts, mood)
            if post.published and (since is None or post.created >= since)
        ]
        if "after" in given:
            places = [place for place, post in enumerate(posts) if post.id == given["after"]]
            posts = posts[places[0] + 1 :] if places else []
        shown = posts[: graph.limit(given)]
        default = ("created_time", "message", "id")
        data = [
            graph.selected(p.fields(call.base_url), given, default=default, node_type="PagePost")
            for p in shown
        ]
        body: dict[str, Any] = {"data": data}
        if shown:
            body["paging"] = {"cursors": {"before": shown[0].id, "after": shown[-1].id}}
        return graph.answer(body)

    def _show(self, call: Call, given: dict[str, str], mood: Mood) -> Answer:
        graph.check_names(given, COMMON_PARAMETERS)
        node = call.path.strip("/").split("/")[1]
        for post in self._lookalikes.visible(self._posts, mood):
            if post.id == node:
                default = ("created_time", "message", "id")
                fields = post.fields(call.base_url)
                return graph.answer(graph.selected(fields, given, default=default, node_type="PagePost"))
        photo = self._photos.find(node)
        if photo is not None:
            default = ("created_time", "name", "id")
            return graph.answer(graph.selected(photo.fields(), given, default=default, node_type="Photo"))
        raise graph.unknown_object("GET", node)

    def _edit(self, call: Call, given: dict[str, str], node: str) -> Answer:
        """As Meta's PagePost specification has it; what it may change beside the text, nothing of ours changes."""
        graph.check_names(given, EDIT_PARAMETERS | COMMON_PARAMETERS)
        if node not in [post.id for post in self._posts]:
            raise graph.unknown_object(call.method, node)
        if not given.get("message", "").strip():
            raise GraphError(100, "(#100) Missing message or attachment")
        if len(given["message"]) > MAX_MESSAGE_CHARS:
            raise GraphError(100, f"(#100) Param message must be at most {MAX_MESSAGE_CHARS} characters long")
        self._set_message(node, given["message"], datetime.now(UTC))
        return graph.answer({"success": True})

    def _set_message(self, node: str, message: str, at: datetime) -> None:
        self._posts = [
            replace(post, message=message, updated=at) if post.id == node else post for post in self._posts
        ]

    def _delete(self, call: Call, node: str) -> Answer:
        left = [post for post in self._posts if post.id != node]
        if len(left) == len(self._posts):
            raise graph.unknown_object(call.method, node)
        self._posts = left
        return graph.answer({"success": True})

    def _prepare_lookalikes(self, said: Said) -> None:
        number = next(self._numbers)  # a list is paged by ids
        others = graph.by_another_page(said, number)
        self._lookalikes.prepare(said.text, others, graph.of_yesterday(said, self._account, number))

    def _restore_made(self, entry: Entry) -> None:
        """The post or the photo that this request made. GraphError where it cannot be read any more."""
        call = Call.recorded(entry)
        given = graph.parameters(call)
        photos: tuple[Photo, ...] = ()
        if graph_photos.is_upload(call):
            photo_id = str(next(self._numbers)) if entry.accepted else entry.platform_id
            photos = (self._photos.upload(call, given, photo_id=photo_id),)
        if not entry.accepted:
            return
        with suppress(GraphError):  # such as a photo that is in the ledger no more: the post itself is
            photos = photos or self._photos.to_attach(given)
        post = self._post(
            message=given.get("message", ""),
            link=given.get("link", ""),
            photos=photos,
            published=_published(given),
        )
        self._add(replace(post, id=entry.platform_id, created=datetime.fromisoformat(entry.at)))


def _given(call: Call) -> dict[str, str]:
    try:
        return graph.parameters(call)
    except GraphError:
        return {}


def _published(given: Mapping[str, str]) -> bool:
    return given.get("published", "true").lower() not in ("false", "0")
