"""The photos of a page on Graph: uploaded, attached to a post once, looked at. Shapes: Meta's Page and Photo specifications."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from channels.sandbox import graph
from channels.sandbox.exchange import Call, Said
from channels.sandbox.graph import GraphError, Photo
from channels.sandbox.media import MediaStore, address, dimensions, media_type
from channels.sandbox.multipart import is_multipart, parts

#: Parameters of POST /{page-id}/photos that this stand-in understands; `source` is the file, and stands in no specification.
PHOTO_PARAMETERS = frozenset({"message", "alt_text_custom", "published"})
TAKEN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
MAX_BYTES = 4_000_000  # Graph says "less than 4 MB"; the smaller reading of it
MOST_ATTACHED = 10
_ATTACHED = re.compile(r"attached_media\[(\d{1,3})\]")


class Photos:
    """Those of one page, by their ids."""

    def __init__(self, media: MediaStore) -> None:
        self._media = media
        self._photos: dict[str, Photo] = {}

    def find(self, photo_id: str) -> Photo | None:
        return self._photos.get(photo_id)

    def upload(self, call: Call, given: Mapping[str, str], *, photo_id: str) -> Photo:
        """Keep the file in `source`. GraphError in Graph's words where there is none, or it is no such picture."""
        content = source(call)
        graph.check_names(given, PHOTO_PARAMETERS | {"access_token", "appsecret_proof", "fields"})
        size = dimensions(content) if media_type(content) in TAKEN and len(content) < MAX_BYTES else None
        if size is None:
            raise unreadable_picture()
        photo = Photo(
            id=photo_id,
            sha256=self._media.put(content),
            width=size[0],
            height=size[1],
            alt=given.get("alt_text_custom", ""),
            message=given.get("message", ""),
            created=datetime.now(UTC),
        )
        self._photos[photo_id] = photo
        return photo

    def to_attach(self, given: Mapping[str, str]) -> tuple[Photo, ...]:
        """The photos that a post wants to show, in its order. GraphError for others' photos and for used ones."""
        wanted = list(_attached_ids(given))
        if len(wanted) > MOST_ATTACHED:
            raise GraphError(100, f"(#100) Param attached_media must have at most {MOST_ATTACHED} elements")
        found = []
        for photo_id in wanted:
            photo = self._photos.get(photo_id)
            if photo is None:
                raise graph.unknown_object("POST", photo_id)
            if photo.post_id or wanted.count(photo_id) > 1:
                raise already_posted()
            found.append(photo)
        return tuple(found)

    def attach(self, photos: tuple[Photo, ...], post_id: str) -> tuple[Photo, ...]:
        """The same, now shown by this post."""
        shown = tuple(replace(photo, post_id=post_id) for photo in photos)
        self._photos |= {photo.id: photo for photo in shown}
        return shown

    def forget(self) -> None:
        self._photos.clear()
        self._media.forget()


def is_upload(call: Call) -> bool:
    return call.method == "POST" and call.path.endswith("/photos")


def said(call: Call, given: Mapping[str, str]) -> Said:
    """What the ledger tells of an upload: its words or else its alt text, and where the picture is shown."""
    text = given.get("message") or given.get("alt_text_custom", "")
    try:
        return Said(text=text, link=address(source(call)))
    except GraphError:
        return Said(text=text)


def source(call: Call) -> bytes:
    """The file's bytes. GraphError 324 where the call has none."""
    try:
        files = [part for part in parts(call) if part.name == "source" and part.filename]
    except ValueError:
        files = []
    if not files or not is_multipart(call):
        raise GraphError(324, "(#324) Requires upload file")
    return files[0].content


def unreadable_picture() -> GraphError:
    """As seen live: github.com/facebookarchive/php-graph-sdk, issue 711."""
    return GraphError(
        100,
        "Invalid parameter",
        error_subcode=1366046,
        is_transient=False,
        error_user_title="Can't Read Files",
        error_user_msg="Your photos couldn't be uploaded. Photos should be less than 4 MB and saved as JPG, PNG, GIF,"
        " TIFF, HEIF or WebP files.",
    )


def already_posted() -> GraphError:
    """The code is known (github.com/gitroomhq/postiz-app, 2026-08), the words are not."""
    return GraphError(
        100,
        "Invalid parameter",
        error_subcode=1366051,
        is_transient=False,
        error_user_title="Already Posted",
        error_user_msg="These photos were already posted.",
    )


def _attached_ids(given: Mapping[str, str]) -> Iterator[str]:
    """From attached_media[0], [1]... as Meta's guide has it, or from one list in attached_media."""
    single = sorted((int(found[1]), name) for name in given if (found := _ATTACHED.fullmatch(name)))
    elements = [_json(given[name], name) for _, name in single]
    if "attached_media" in given:
        listed = _json(given["attached_media"], "attached_media")
        elements += listed if isinstance(listed, list) else [None]
    for element in elements:
        photo_id = element.get("media_fbid") if isinstance(element, dict) else None
        if not isinstance(photo_id, str | int) or isinstance(photo_id, bool):
            raise GraphError(100, "(#100) Param attached_media must be a list of objects with a media_fbid")
        yield str(photo_id)


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise GraphError(100, f"(#100) Param {name} must be JSON") from error
