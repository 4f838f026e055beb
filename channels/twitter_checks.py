"""What stands against a post for X before anybody approves it: words, parts, pictures and links. No input or output."""

from collections.abc import Iterator

from broadcaster.domain.post import Post
from channels.base import CheckProblem
from channels.images import image_problems
from channels.text import MAX_X_WEIGHT, utf16_units, x_weight
from channels.text_x import x_links
from channels.twitter_media import IMAGE_RULES

#: A thread's parts. Each is a post that costs money and can fail by itself, and few people read beyond the first ones:
#: what does not fit into five belongs on the page that they lead to.
MAX_PARTS = 5


def problems(post: Post, *, with_links: bool) -> Iterator[CheckProblem]:
    yield from _of_thread(post)
    for no, text in enumerate(post.parts, start=1):
        name = f"Part {no} of the post for X" if post.further else "The post for X"
        yield from _of_text(name, text)
        if not with_links:
            yield from _of_links(name, text)
    yield from image_problems(post.images, IMAGE_RULES, "X", length=utf16_units)


def _of_thread(post: Post) -> Iterator[CheckProblem]:
    parts = post.parts
    if len(parts) > MAX_PARTS:
        text = f"The post for X has {len(parts)} parts; {MAX_PARTS} are allowed. Shorten it."
        yield CheckProblem(code="too_many_parts", text=text)
    if len({" ".join(part.split()) for part in parts}) < len(parts):
        text = "Two parts of the post for X say the same, and X refuses a repeated text. Change one of them."
        yield CheckProblem(code="repeated_part", text=text)


def _of_text(name: str, text: str) -> Iterator[CheckProblem]:
    if not text.strip():
        yield CheckProblem(code="empty", text=f"{name} is empty. Write its text.")
    over = x_weight(text) - MAX_X_WEIGHT
    if over > 0:
        said = f"{name} is {over} over X's {MAX_X_WEIGHT} characters (a link counts 23). Shorten it."
        yield CheckProblem(code="too_long", text=said)


def _of_links(name: str, text: str) -> Iterator[CheckProblem]:
    found = x_links(text)
    if found:
        said = (
            f'X makes a link of "{found[0]}" in the text, and this account posts without links because of their '
            f"price. Leave it out of {name[0].lower()}{name[1:]}, or set links to yes in the account's file."
        )
        yield CheckProblem(code="link_not_wanted", text=said)
