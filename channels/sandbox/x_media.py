"""Pictures on X: upload in one go, state, alt text; and which of them a post may show. Shapes: OpenAPI 2.167."""

import base64
import binascii
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from channels.sandbox.exchange import Answer, Call, Said
from channels.sandbox.ledger import Entry
from channels.sandbox.media import MediaStore, address, dimensions, media_type
from channels.sandbox.multipart import is_multipart, parts
from channels.sandbox.x_problems import invalid, json_answer

MAX_PICTURE_BYTES = 5_242_880  # "5 MB" in X's words
MAX_ALT_CHARS = 1000
MOST_PICTURES = 4
LIFE_S = 86_400  # docs example: expires_after_secs
CATEGORIES = ("tweet_image", "tweet_video", "tweet_gif", "dm_image", "dm_video", "dm_gif", "subtitles")
UPLOAD_FIELDS = frozenset({"media", "media_category", "additional_owners"})


@dataclass(kw_only=True)
class Picture:
    """An uploaded picture; its bytes are in the store under `sha256`. `until` is the epoch second of its end."""

    id: str
    sha256: str
    media_type: str
    width: int
    height: int
    size: int
    until: float
    alt: str = ""

    def to_json(self, now: float) -> dict[str, Any]:
        return {
            "id": self.id,
            "media_key": f"3_{self.id}",
            "size": self.size,
            "expires_after_secs": int(self.until - now),
            "image": {"image_type": self.media_type, "w": self.width, "h": self.height},
        }


class Pictures:
    """What our account uploaded and what it said of it. `now` is in seconds of the epoch."""

    def __init__(self, store: MediaStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._pictures: dict[str, Picture] = {}

    def answer(self, call: Call) -> Answer | None:
        """None for a call that is not about pictures."""
        routes = {
            ("POST", "/2/media/upload"): self.upload,
            ("GET", "/2/media/upload"): self.state,
            ("POST", "/2/media/metadata"): self.describe,
        }
        route = routes.get((call.method, call.path))
        return route(call) if route else None

    def upload(self, call: Call) -> Answer:
        """POST /2/media/upload: multipart with the bytes, or JSON with them in base64."""
        try:
            content = _uploaded(call)
        except ValueError as error:
            return invalid(str(error))
        newest = max((int(known) for known in self._pictures), default=0)
        picture = self._keep(content, str(max(time.time_ns(), newest + 1)), self._now())
        answer = json_answer(200, {"data": picture.to_json(self._now())})
        answer.platform_id, answer.said = picture.id, Said(link=address(content))
        return answer

    def state(self, call: Call) -> Answer:
        """GET /2/media/upload?command=STATUS&media_id=..."""
        query = dict(parse_qsl(call.query.decode("latin-1"), keep_blank_values=True))
        for name in query.keys() - {"command", "media_id"}:
            return invalid(f"The query parameter [{name}] is not one of [command,media_id]")
        picture = self._pictures.get(query.get("media_id", ""))
        if query.get("command", "STATUS") != "STATUS" or picture is None:
            return invalid("The `media_id` query parameter value names no media")
        return json_answer(200, {"data": picture.to_json(self._now())})

    def describe(self, call: Call) -> Answer:
        """POST /2/media/metadata."""
        try:
            media_id, alt = _described(call.body)
        except ValueError as error:
            return invalid(str(error))
        picture = self._pictures.get(media_id)
        if picture is None or picture.until <= self._now():
            return invalid("$.id: there is no such media")
        picture.alt = alt
        told = {"id": media_id, "associated_metadata": {"alt_text": {"text": alt}}}
        return json_answer(200, {"data": told})

    def usable(self, media_ids: Iterable[str]) -> bool:
        """Whether a new post may show these: none is unknown, another account's, or has run out."""
        found = [self._pictures.get(each) for each in media_ids]
        return all(each is not None and each.until > self._now() for each in found)

    def of(self, media_ids: Iterable[str]) -> tuple[Picture, ...]:
        return tuple(self._pictures[each] for each in media_ids if each in self._pictures)

    def restore(self, entry: Entry) -> None:
        """Take up again what an earlier process was given and answered with success."""
        if entry.path == "/2/media/upload" and entry.platform_id:
            picture = _uploaded(Call.recorded(entry))
            self._keep(picture, entry.platform_id, datetime.fromisoformat(entry.at).timestamp())
        elif entry.path == "/2/media/metadata":
            media_id, alt = _described(entry.body)
            if media_id in self._pictures:
                self._pictures[media_id].alt = alt

    def forget(self) -> None:
        self._pictures.clear()

    def _keep(self, content: bytes, media_id: str, now: float) -> Picture:
        width, height = dimensions(content) or (0, 0)
        picture = Picture(
            id=media_id,
            sha256=self._store.put(content),
            media_type=media_type(content),
            width=width,
            height=height,
            size=len(content),
            until=now + LIFE_S,
        )
        self._pictures[media_id] = picture
        return picture


def _uploaded(call: Call) -> bytes:
    """The picture of an upload. ValueError says what X would not take."""
    fields = _fields(call)
    for name in sorted(fields.keys() - UPLOAD_FIELDS):
        raise ValueError(f"$.{name}: is not defined in the schema")
    if fields.get("media_category") not in [each.encode() for each in CATEGORIES]:
        raise ValueError(f"$.media_category: does not have a value in the enumeration {list(CATEGORIES)}")
    content = fields.get("media", b"")
    if not content:
        raise ValueError("$.media: is missing but it is required")
    if len(content) > MAX_PICTURE_BYTES:
        raise ValueError("File size exceeds 5242880 bytes.")
    if not media_type(content) or dimensions(content) is None:
        raise ValueError("media type unrecognized.")
    return content


def _fields(call: Call) -> dict[str, bytes]:
    if is_multipart(call):
        return {part.name: part.content for part in parts(call)}
    try:
        given = json.loads(call.body)
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            raise ValueError("The body of this request is not a JSON object of texts.")
        media = base64.b64decode(given.pop("media", ""), validate=True)
    except (json.JSONDecodeError, UnicodeDecodeError, binascii.Error) as error:
        raise ValueError("The body of this request is not valid JSON with its media in base64.") from error
    return {**{name: value.encode() for name, value in given.items()}, "media": media}


def _described(body: bytes) -> tuple[str, str]:
    """The media id and its alt text. ValueError says what X would not take."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise ValueError("The body of this request is not valid JSON.") from error
    if not isinstance(given, dict) or not is_id(given.get("id")):
        raise ValueError("$.id: does not match the regex pattern ^[0-9]{1,19}$")
    metadata = given.get("metadata", {})
    alt_text = metadata.get("alt_text", {"text": ""}) if isinstance(metadata, dict) else None
    alt = alt_text.get("text") if isinstance(alt_text, dict) else None
    if not isinstance(alt, str) or len(alt) > MAX_ALT_CHARS:
        raise ValueError(f"$.metadata.alt_text.text: must be at most {MAX_ALT_CHARS} characters long")
    return given["id"], alt


def is_id(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19
