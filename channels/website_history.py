"""What a page said before, and what was done to it when. No input or output."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from broadcaster.domain.post import Post
from channels.website_images import file_name
from channels.website_state import images_of, said_no_more
from channels.website_store import Document

#: What readers are told of each purpose (`domain/follow_up.py`); one that is not known here is an update.
WORDS: Mapping[str, str] = {
    "correction": "Corrected",
    "all-clear": "All clear given",
    "cancel": "Cancelled",
    "sent-in-error": "Taken down",
    "found": "Taken down",
}
#: What was said before is shown no more, nor are its pictures.
TAKEN_DOWN = frozenset({"sent-in-error", "found"})


def was_here(document: Document, key: str) -> bool:
    """Whether this post stood here before something newer took its place: it does not come back."""
    return any(each["key"] == key for each in document.get("history", []))


def history(document: Document, post: Post, moment: str) -> dict[str, Any]:
    """The page's past, once this post stands on it in the place of another one; nothing where none stood there."""
    purpose = post.facts.get("purpose", "")
    past: list[dict[str, Any]] = document.get("history", [])
    gone = [each for each in (post.language, *said_no_more(document, post)) if each in document["posts"]]
    if not gone:
        return {}
    hidden = purpose in TAKEN_DOWN
    entries = [*past, *(_entry(document["posts"][each], purpose, moment) for each in gone)]
    return {"history": [_without_words(each) for each in entries] if hidden else entries}


def _entry(before: dict[str, Any], purpose: str, moment: str) -> dict[str, Any]:
    return {
        "key": before["key"],
        "language": before["language"],
        "at": moment,
        "word": WORDS.get(purpose, "Updated"),
        "title": before["title"],
        "text": before["text"],
        "images": images_of(before),
    }


def pictures_gone(before: Mapping[str, Document], after: Mapping[str, Document]) -> set[str]:
    """Names of the pictures that some page showed, or kept in its past, and that none does any more."""
    return set(_pictures(before)) - set(_pictures(after))


def taken_out(document: Document, posts: Mapping[str, Post], pictures: Collection[str]) -> Document:
    """The document with these posts as they read by now, in what it says and in what it said before, and without these
    pictures. What was taken down stays so."""
    said = {language: _as_now(each, posts, pictures) for language, each in document["posts"].items()}
    changed: dict[str, Any] = {**document, "posts": said}
    if "history" in document:
        changed["history"] = [_as_now(each, posts, pictures) for each in document["history"]]
    return changed


def _as_now(each: dict[str, Any], posts: Mapping[str, Post], pictures: Collection[str]) -> dict[str, Any]:
    post = posts.get(each["key"]) if each["text"] else None
    now = dict(each)
    if post:
        said = {"title": post.title, "text": post.text, "link": post.link, "facts": dict(post.facts)}
        now |= {name: value for name, value in said.items() if name in each}
        alts = {image.sha256: image.alt for image in post.images}
        now |= {"images": [{**i, "alt": alts.get(i["sha256"], i["alt"])} for i in images_of(each)]}
    kept = [image for image in images_of(now) if image["sha256"] not in pictures]
    return now if kept == images_of(now) else {**now, "images": kept}


def _without_words(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "title": "", "text": "", "images": []}


def _pictures(documents: Mapping[str, Document]) -> Iterator[str]:
    for document in documents.values():
        for each in [*document["posts"].values(), *document.get("history", [])]:
            yield from map(file_name, images_of(each))
