"""What is wrong with a post's pictures by a platform's rules, in one set of words and codes for all channels.

What is wrong with a picture wherever it is shown, such as no alt text, is said once for the whole message by
`broadcaster/domain/checks/images.py`, and not here once more for each channel.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

from broadcaster.domain.errors import Refused
from broadcaster.domain.media import MAX_ALT_CHARS, Image, ImageRules
from channels.base import CheckProblem


def image_problems(
    images: Sequence[Image], rules: ImageRules, title: str, *, length: Callable[[str], int] = len
) -> list[CheckProblem]:
    """What stands against the pictures on the platform called `title`, each with its cure.

    `length` counts an alt text as the platform does.
    """
    problems = []
    over = len(images) - rules.most
    if over > 0:
        text = f"A post on {title} shows {rules.most} pictures at most; this one has {len(images)}. Take {over} away."
        problems.append(CheckProblem(code="too_many_images", text=text))
    for no, image in enumerate(images, start=1):
        problems += _of_one(image, f"Picture {no}", rules, title, length(image.alt))
    return problems


def _of_one(image: Image, name: str, rules: ImageRules, title: str, alt_chars: int) -> Iterator[CheckProblem]:
    over = alt_chars - rules.max_alt_chars
    if over > 0 and len(image.alt) <= MAX_ALT_CHARS:  # more is a fault of the message, which says so itself
        text = f"The alt text of {name.lower()} is {over:,} characters too long for {title}. Shorten it."
        yield CheckProblem(code="alt_too_long", text=text)
    if image.media_type not in rules.media_types:
        kinds = " or ".join(kind.rpartition("/")[2].upper() for kind in rules.media_types)
        text = f"{name} is of a kind that {title} does not show. Save it as {kinds}, and choose it again."
        yield CheckProblem(code="image_type", text=text)
    elif not _fits(image, rules):
        text = (
            f"{name} has {image.width:,} by {image.height:,} pixels and {image.size:,} bytes, which {title} does not "
            f"show: 1 to {rules.max_side:,} pixels a side and at most {rules.max_bytes:,} bytes. Save it in another "
            "size, and choose it again."
        )
        yield CheckProblem(code="image_size", text=text)


def _fits(image: Image, rules: ImageRules) -> bool:
    """A side of nothing would leave a page no room to keep for it."""
    sides = (image.width, image.height)
    return min(sides) >= 1 and max(sides) <= rules.max_side and image.size <= rules.max_bytes


def require_approved(images: Sequence[Image]) -> None:
    """Refused, before any byte leaves, where a picture's bytes are missing or are not those that were approved."""
    for no, image in enumerate(images, start=1):
        if hashlib.sha256(image.content).hexdigest() != image.sha256:
            text = (
                f"The stored picture {no} is missing or is not the approved one, so nothing was sent. "
                "Upload it again in a new version of the message."
            )
            raise Refused("image_not_approved", text)
