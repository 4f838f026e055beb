"""Making posts fit without cutting a fact: whole facts are left out in their layout's order, or a thread is made.

Knows no platform: what fits, and what it costs, is told by functions that are passed in.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from broadcaster.domain.post import Post

# Not after what is short for a word: "St. Michael's" is one name.
_ABBREVIATIONS = "".join(
    rf"(?<!\b{short}\.)" for short in ("St", "Dr", "Mr", "Mrs", "Ms", "Rd", r"e\.g", r"i\.e")
)
_SENTENCE_END = re.compile(rf"{_ABBREVIATIONS}(?<=[.!?])\s+|\n+")


def _always(post: Post) -> bool:  # noqa: ARG001 - it stands for a question
    return True


def _nothing(post: Post) -> int:  # noqa: ARG001 - it stands for a question
    return 0


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a channel has room for. Its questions are asked about posts with their late slots at the widest.

    `kept` are facts that are never left out, beside those that no layout leaves out. Above `preferred_cost` facts are
    left out as well, but only where that makes the post cheaper: in segments, say, or in what else stands against it.
    """

    fits: Callable[[Post], bool] = _always
    max_parts: int = 1
    kept: frozenset[str] = frozenset()
    cost: Callable[[Post], int] = _nothing
    preferred_cost: int = 0


@dataclass(frozen=True, kw_only=True)
class Block:
    """A piece of a layout that a thread keeps whole; `first`: the thread's first part must carry it."""

    text: str
    first: bool = False


def fitted(without: Callable[[tuple[str, ...]], Post], droppable: Sequence[str], room: Room) -> Post:
    """The post that says most of those that fit; the shortest where none does.

    `without` makes the post without the named facts; `droppable` names them in the order in which they go.
    """
    posts = [without(tuple(droppable[:count])) for count in range(len(droppable) + 1)]
    least = room.cost(posts[-1].at_widest())
    for post in posts:
        widest = post.at_widest()
        if room.fits(widest) and room.cost(widest) <= max(least, room.preferred_cost):
            return post
    return posts[-1]


def parts_of(
    blocks: Sequence[Block], *, part: Callable[[str, int, int], str], fits: Callable[[str], bool], most: int
) -> tuple[str, ...]:
    """The texts of a thread. Each block stands whole in one part; one longer than a part is cut between sentences.

    `part` makes a part of a text, its number and how many there are. The first part has the blocks that it must
    have, even where they don't fit (the channel's check then says so), and then as many others as there is room for.
    There may be more than `most` parts: that is for the checks to tell, since to drop one would be to cut the message.
    """

    def fits_as(no: int, texts: Sequence[str]) -> bool:
        return fits(part("\n".join(texts), no, most))

    first = [block.text for block in blocks if block.first]
    rest = []
    for block in blocks:
        if block.first:
            continue
        if fits_as(1, [*first, block.text]):
            first.append(block.text)
        else:
            rest.append(block.text)
    groups = [first, *_further(rest, lambda texts: fits_as(most, texts))]
    return tuple(part("\n".join(texts), no, len(groups)) for no, texts in enumerate(groups, 1))


def _further(texts: Sequence[str], fits: Callable[[Sequence[str]], bool]) -> Iterator[list[str]]:
    group: list[str] = []
    for piece in (piece for text in texts for piece in _pieces(text, fits)):
        if group and not fits([*group, piece]):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _pieces(text: str, fits: Callable[[Sequence[str]], bool]) -> Iterator[str]:
    """The text where it fits, or as many of its sentences as fit, in their order."""
    if fits([text]):
        yield text
        return
    piece = ""
    for sentence in filter(None, _SENTENCE_END.split(text)):
        longer = f"{piece} {sentence}" if piece else sentence
        if piece and not fits([longer]):
            yield piece
            longer = sentence
        piece = longer
    if piece:
        yield piece
