"""A post's pictures on their way to a Facebook Page: what they must be, their upload, and what a failed one means.

Every picture, a single one too, is first uploaded unpublished, and an ordinary post then attaches them. Facebook
would publish a single one in one call; but so there is one call only that can make anything public, the last, a
small form. Whatever fails before it is surely not sent, time-outs too, and every post is read back and linked to in
the same way. A try that failed may leave photos behind which nobody sees: they are harmless, and the next try uploads anew.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from urllib3.filepost import encode_multipart_formdata

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from broadcaster.domain.media import Image, ImageRules
from broadcaster.domain.post import Post
from channels.base import CheckProblem
from channels.images import image_problems

IMAGE_RULES = ImageRules(
    most=10,  # docs.letmepost.dev/platforms/facebook and docs.getlate.dev, read 2026-11; Meta gives no number
    # "Photos should be less than 4 MB and saved as JPG, PNG, ...": Graph's own words with subcode 1366046
    # (github.com/facebookarchive/php-graph-sdk/issues/711). Meta's pages say 10 MB; the smaller one is safe.
    max_bytes=3_999_999,
    max_side=2048,  # the widest that Facebook shows (its help pages); more is only sent to be thrown away
)
#: All uploads of a try together; then it is given up, before anything is public. A try may outlive its batch's lease
#: (20 s): then it counts as unknown until its answer is in. But it must have ended well before two readings of the
#: Page, a minute apart, can call the post absent, or it would come out twice. Each upload may take what is left of it,
#: since a picture on a slow line takes longer than a question.
UPLOADS_WITHIN_S = 45.0
_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png"}
#: Words for a post's content, which would mislead where it is a picture that was refused.
_OF_CONTENT = frozenset({"content", "refused", "bad_link", "picture_refused"})


def picture_problems(post: Post) -> list[CheckProblem]:
    """What stands against the post's pictures, each with its cure."""
    problems = image_problems(post.images, IMAGE_RULES, "Facebook")
    if post.images and post.link and post.link not in post.text:
        text = (
            "With pictures Facebook shows no link beside the text, and the text does not have it. "
            "Put the link into the text, or leave the pictures out."
        )
        problems.append(CheckProblem(code="link_not_in_text", text=text))
    return problems


def upload_form(image: Image, credentials: Mapping[str, str]) -> tuple[bytes, str]:
    """The body of the upload and its Content-Type: the same at every try, and unpublished.

    The boundary is a digest of what it separates, so it cannot stand in it.
    """
    boundary = hashlib.sha256(image.content + image.alt.encode()).hexdigest()
    file = (f"picture.{_EXTENSIONS.get(image.media_type, 'bin')}", image.content, image.media_type)
    fields = {"published": "false", "alt_text_custom": image.alt, **credentials}
    return encode_multipart_formdata([*fields.items(), ("source", file)], boundary=boundary)


def attached(photo_ids: Iterable[str]) -> dict[str, str]:
    """The parameters of the post that shows these photos, in their order.

    developers.facebook.com/docs/graph-api/reference/page/photos, "Multi-Photo Stories", read 2026-11.
    """
    return {f"attached_media[{n}]": json.dumps({"media_fbid": each}) for n, each in enumerate(photo_ids)}


def nothing_published(failure: SendError, *, number: int, of: int) -> SendError:
    """What a failed upload means for the post. Nothing is public yet, so an unknown outcome is none of the post.

    With one exception: the word that these photos were posted already may come from an earlier try with an unknown
    outcome that nobody found. It is worth another reading of the Page, and sending again at once is not.
    """
    if isinstance(failure, OutcomeUnknown) and failure.code != "duplicate":
        text = f"Picture {number} of {of} did not reach Facebook for certain; nothing was published. It is tried again."
        return NotSent("picture_not_uploaded", text, detail=f"{failure.code}: {failure.detail}")
    if (
        isinstance(failure, Refused)
        and not isinstance(failure, NotConfigured)
        and failure.code in _OF_CONTENT
    ):
        text = (
            f"Facebook refused picture {number} of {of}, so nothing was published there. "
            "Send a new version without it or with another picture."
        )
        return Refused("picture_refused", text, detail=failure.detail)
    return failure
