"""The body of POST /2/tweets: what of X's CreatePostsRequest (OpenAPI 2.167) the stand-in understands."""

from collections.abc import Iterator
from typing import Any

from channels.sandbox.x_media import MOST_PICTURES, is_id

CREATE_PARAMETERS = frozenset({"text", "media", "reply", "reply_settings", "made_with_ai"})
REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")


def why_not(given: Any) -> Iterator[str]:
    """Why this is not a request that X would take, gravest first."""
    if not isinstance(given, dict):
        yield "The body of this request is not a JSON object."
    for name in sorted(given.keys() - CREATE_PARAMETERS):
        yield f"$.{name}: is not defined in the schema and the schema does not allow additional properties"
    text = given.get("text", "")
    if not isinstance(text, str) or not (text.strip() or "media" in given):
        yield "$.text: a text is required"
    if given.get("reply_settings", "verified") not in REPLY_SETTINGS:
        yield f"$.reply_settings: does not have a value in the enumeration {list(REPLY_SETTINGS)}"
    if not isinstance(given.get("made_with_ai", False), bool):
        yield "$.made_with_ai: is not a boolean"
    yield from _about_reply(given)
    yield from _about_media(given)


def reply_asked(given: dict[str, Any]) -> str:
    """The post that is to be answered, or nothing."""
    return str(given.get("reply", {}).get("in_reply_to_tweet_id", ""))


def pictures_asked(given: dict[str, Any]) -> list[str]:
    return [str(each) for each in given.get("media", {}).get("media_ids", [])]


def _about_reply(given: dict[str, Any]) -> Iterator[str]:
    reply = given.get("reply", {"in_reply_to_tweet_id": "1"})
    if not (isinstance(reply, dict) and set(reply) == {"in_reply_to_tweet_id"}):
        yield "$.reply: in_reply_to_tweet_id is required, and the sandbox knows nothing else there"
    elif not is_id(reply["in_reply_to_tweet_id"]):
        yield "$.reply.in_reply_to_tweet_id: does not match the regex pattern ^[0-9]{1,19}$"


def _about_media(given: dict[str, Any]) -> Iterator[str]:
    media = given.get("media", {"media_ids": ["1"]})
    if not (isinstance(media, dict) and set(media) == {"media_ids"} and isinstance(media["media_ids"], list)):
        yield "$.media: media_ids is required, and the sandbox knows nothing else there"
    elif not 1 <= len(media["media_ids"]) <= MOST_PICTURES:
        yield f"$.media.media_ids: there must be 1 to {MOST_PICTURES} items in the array"
    elif not all(is_id(each) for each in media["media_ids"]):
        yield "$.media.media_ids: does not match the regex pattern ^[0-9]{1,19}$"
