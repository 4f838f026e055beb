"""A site's pictures: which it takes, the files they become, and how pages and feeds name them. No input or output."""

from collections.abc import Mapping
from typing import Any

from broadcaster.domain.media import ImageRules
from broadcaster.domain.post import Post
from channels.images import require_approved

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
    require_approved(post.images)
    return {file_name(image.to_json()): image.content for image in post.images}
