"""Posts that read the same are shown once, with all the places that get them: an approver reads each text once."""

from collections.abc import Sequence
from dataclasses import dataclass

from broadcaster.domain.post import Post
from broadcaster.service.proof import ProofPost


@dataclass(frozen=True, kw_only=True)
class Text:
    """One exact text, and the posts that carry it."""

    posts: tuple[ProofPost, ...]

    @property
    def first(self) -> ProofPost:
        return self.posts[0]


def by_text(posts: Sequence[ProofPost]) -> list[Text]:
    """In the order in which each is first seen."""
    found: dict[tuple[object, ...], list[ProofPost]] = {}
    for each in posts:
        found.setdefault(_reads_as(each.post), []).append(each)
    return [Text(posts=tuple(same)) for same in found.values()]


def _reads_as(post: Post) -> tuple[object, ...]:
    return post.channel, post.language, post.title, post.text, post.parts, post.link, post.images
