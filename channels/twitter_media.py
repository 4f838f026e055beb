"""Pictures for a post on X: uploaded and described by our own code, since tweepy 4.17 has only X's former upload.

Nobody sees a picture before the post that shows it. So whatever goes wrong here, nothing was published: no outcome
of this module is unknown, and a later try uploads anew (X forgets an upload after a day).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import requests
import tweepy

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from broadcaster.domain.media import Image, ImageRules
from channels.http import from_exception, object_in, redact
from channels.images import require_approved
from channels.twitter_session import data_in, post_form

# docs.x.com, "Media best practices": 4 photos, 5 MB each, JPG, PNG, GIF, WEBP; /2/media/metadata: 1,000 characters;
# read 2026-11. X shows up to 4096 pixels; with half of it a map is readable and four pictures are soon uploaded.
IMAGE_RULES = ImageRules(
    most=4,
    max_bytes=5_000_000,
    max_side=2048,
    media_types=("image/jpeg", "image/png", "image/webp"),
    max_alt_chars=1000,
)
#: All pictures of a post, in seconds; `channels/twitter.py` bounds the whole try.
WITHIN_S = 8.0
MIN_POLL_S = 0.2
_FAILED, _DONE = "failed", ("", "succeeded")


class Uploads:
    """Brings pictures to X through the account's client. `monotonic` tells seconds."""

    def __init__(
        self,
        client: tweepy.Client,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._sleep = sleep

    def upload(self, images: Sequence[Image]) -> list[str]:
        """The pictures' ids on X, in their order, each with its alt text. Never OutcomeUnknown: see above."""
        require_approved(images)
        end = self._monotonic() + WITHIN_S
        try:
            with self._client.session.within(WITHIN_S):
                return [self._upload(image, end) for image in images]
        except (requests.RequestException, tweepy.TweepyException, ValueError, SendError) as exc:
            failure = from_exception(exc)
        failure.detail = redact(failure.detail, private=" ".join(image.alt for image in images))
        raise _nothing_posted(failure) from failure

    def _upload(self, image: Image, end: float) -> str:
        self._require_time(end)
        uploaded = data_in(self._send(image))
        media_id = uploaded.get("id")
        if not isinstance(media_id, str) or not media_id.isdecimal():
            raise NotSent("picture_not_uploaded", _NOT_IN_TIME, detail="HTTP 2xx, no media id")
        self._describe(media_id, image.alt, end)
        self._await(media_id, uploaded, end)
        return media_id

    def _send(self, image: Image) -> requests.Response:
        """POST /2/media/upload in one go: what X's openapi.json 2.167 has for what is no video.

        The same try makes the same bytes: a picture never contains its own digest, which is the boundary.
        """
        kind = image.media_type
        fields = {
            "media_category": "tweet_image",
            "media": (f"picture.{kind.rpartition('/')[2]}", image.content, kind),
        }
        return post_form(self._client, "/2/media/upload", fields, image.sha256)

    def _describe(self, media_id: str, alt: str, end: float) -> None:
        """POST /2/media/metadata. A success that lists errors has not taken the alt text; one without a body has,
        as X's former API answered it."""
        self._require_time(end)
        body = {"id": media_id, "metadata": {"alt_text": {"text": alt}}}
        response = self._client.request("POST", "/2/media/metadata", json=body, user_auth=True)
        if object_in(response.content).get("errors"):
            raise Refused("refused", detail="HTTP 2xx, alt text not taken")

    def _await(self, media_id: str, answer: dict[str, Any], end: float) -> None:
        """Until X has made of the picture what it shows; mostly it has at once, and then says nothing of it."""
        while (state := _processing(answer).get("state") or "") not in _DONE:
            if state == _FAILED:
                raise Refused("refused", detail="X could not process the picture")
            wait_s = _wait_s(_processing(answer).get("check_after_secs"))
            if self._monotonic() + wait_s > end:
                raise NotSent(
                    "picture_not_ready", _NOT_IN_TIME, detail=f"state {state[:20]}", retry_after_s=wait_s
                )
            self._sleep(wait_s)
            query = {"command": "STATUS", "media_id": media_id}
            answer = data_in(self._client.request("GET", "/2/media/upload", params=query, user_auth=True))
        self._require_time(end)

    def _require_time(self, end: float) -> None:
        if self._monotonic() > end:
            raise NotSent("picture_not_uploaded", _NOT_IN_TIME, detail=f"not done within {WITHIN_S:.0f} s")


_NOT_IN_TIME = "The pictures could not be brought to X in time, so nothing was posted. It is tried again."
_NOT_TAKEN = (
    "X did not take a picture of this post or its alt text, so nothing was posted. Change or remove the picture, "
    "or post by hand."
)


def _processing(answer: dict[str, Any]) -> dict[str, Any]:
    found = answer.get("processing_info")
    return found if isinstance(found, dict) else {}


def _wait_s(value: object) -> float:
    return max(float(value), MIN_POLL_S) if isinstance(value, int | float) else 1.0


def _nothing_posted(failure: SendError) -> SendError:
    """What a failed upload says about the post."""
    detail = f"{failure.code}: {failure.detail}".removesuffix(": ")
    if isinstance(failure, OutcomeUnknown):
        return NotSent("picture_not_uploaded", _NOT_IN_TIME, detail=detail)
    plain = not isinstance(failure, NotConfigured) and failure.code in {"refused", "forbidden"}
    return Refused("picture_refused", _NOT_TAKEN, detail=detail) if plain else failure
