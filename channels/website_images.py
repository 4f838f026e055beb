"""A site's pictures: which it takes, the files they become, and how pages and feeds name them. No input or output."""

import hashlib
from collections.abc import Mapping
from typing import Any

from broadcaster.domain.errors import Refused
from broadcaster.domain.media import Image, ImageRules
from broadcaster.domain.post import Post
from channels.base import CheckProblem

#: Our own choice, for no platform bounds us: sharp on the widest screen that our column has, and still a second or two
#: over a weak mobile connection.
IMAGE_RULES = ImageRules(most=10, max_bytes=500_000, max_side=1_600)
FOLDER = "media"
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}


def file_name(image: Mapping[str, Any]) -> str:
    """Where it lies in the site. Its name is its content's: a page never shows another picture than the approved one."""
    return f"{FOLDER}/{image['sha256']}.{_ENDINGS[image['media_type']]}"


def image_files(post: Post) -> dict[str, bytes]:
    """Content of each picture by its file's name. Refused where one is not the picture that was approved."""
    for image in post.images:
        if hashlib.sha256(image.content).hexdigest() != image.sha256:
            text = "A picture is not the one that was approved, or is lost. Choose it again and submit the message anew."
            raise Refused("picture_changed", text)
    return {file_name(image.to_json()): image.content for image in post.images}


def check_images(post: Post) -> list[CheckProblem]:
    """What stands against the pictures of a page."""
    problems = [problem for no, image in enumerate(post.images, 1) for problem in _wrong_with(image, no)]
    over = len(post.images) - IMAGE_RULES.most
    if over > 0:
        text = f"The web page has {over} pictures too many. Leave out all but {IMAGE_RULES.most}."
        problems.insert(0, CheckProblem(code="too_many_pictures", text=text))
    return problems


def _wrong_with(image: Image, no: int) -> list[CheckProblem]:
    problems = []
    if not image.alt.strip():
        text = f"Picture {no} of the web page has no alt text. Say in a sentence what it shows."
        problems.append(CheckProblem(code="picture_without_alt", text=text))
    over = len(image.alt) - IMAGE_RULES.max_alt_chars
    if over > 0:
        text = f"The alt text of picture {no} of the web page is {over:,} characters too long. Shorten it."
        problems.append(CheckProblem(code="alt_too_long", text=text))
    if image.media_type not in _ENDINGS:
        text = f"Picture {no} of the web page is no JPEG or PNG. Save it as one, and choose it again."
        problems.append(CheckProblem(code="picture_type", text=text))
    elif not _fits(image):
        text = (
            f"Picture {no} of the web page is {image.width:,} by {image.height:,} pixels and {image.size:,} bytes. "
            f"At most {IMAGE_RULES.max_side:,} pixels a side and {IMAGE_RULES.max_bytes:,} bytes are shown. "
            "Make it smaller, and choose it again."
        )
        problems.append(CheckProblem(code="picture_too_large", text=text))
    return problems


def _fits(image: Image) -> bool:
    """A side of nothing would leave the page no room to keep for it."""
    sides = (image.width, image.height)
    return min(sides) >= 1 and max(sides) <= IMAGE_RULES.max_side and image.size <= IMAGE_RULES.max_bytes
