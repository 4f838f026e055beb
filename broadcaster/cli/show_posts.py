"""How posts look on a terminal: every exact text, what was left out of it or changed for it, and the pictures."""

from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from broadcaster.cli.visible import visible
from broadcaster.domain.media import Image
from broadcaster.domain.post import Post
from broadcaster.domain.ways import ApprovedWay
from broadcaster.service.proof import ProofPost
from channels import channel_class
from channels.base import HasPages

INDENT = 4
_Reading = tuple[str, tuple[str, ...], str, tuple[str, ...]]


def texts(posts: Iterable[ProofPost]) -> Iterator[RenderableType]:
    """Every exact text; places that get the same one are named together."""
    shown = list(posts)
    groups: dict[_Reading, list[ProofPost]] = {}
    for each in shown:
        groups.setdefault(_reading(each), []).append(each)
    for (title, parts, link, notes), alike in groups.items():
        places = ", ".join(f"{p.title} ({p.speaks_as})" for p in alike)
        yield Text(f"{visible(places)}:", style="bold")
        for no, text in enumerate(parts, 1):
            if len(parts) > 1:
                yield Text(f"  Part {no} of {len(parts)}:")
            lines = [f"Title: {title}", ""] if title else []
            lines += [text] + (["", f"Link: {link}"] if link else [])
            yield _Indented("\n".join(lines))
        if notes:
            yield from (Text(visible(f"  {note}")) for note in notes)
            yield Text("")
    late = sorted({slot for p in shown for slot in p.post.late_slots()})
    if late:
        marks = " and ".join(f"(({name}))" for name in late)
        yield Text(f"Filled in when it is sent: {marks}. Nothing else changes.")


def pictures(posts: Iterable[ProofPost]) -> Iterator[Text]:
    """Each picture's alt text, with the places that show it and its size there; then the places that show none."""
    shown = list(posts)
    groups: dict[str, list[str]] = {}
    for each in shown:
        for image in each.post.images:
            groups.setdefault(image.alt, []).append(f"{each.title} {size_in_words(image)}")
    if not groups:
        return
    yield Text("\nPictures, as people hear them who cannot see them:", style="bold")
    for alt, places in groups.items():
        yield Text(visible(f"  - {alt or '(no alt text)'}"))
        yield Text(visible(f"    {', '.join(places)}"))
    without = [each.title for each in shown if not each.post.images]
    if without:
        yield Text(f"  Without pictures: {', '.join(without)}.")


def size_in_words(image: Image) -> str:
    """`1200 x 800 (180 kB)`."""
    return f"{image.width} x {image.height} ({max(1, round(image.size / 1000)):,} kB)"


def notes_on(shown: ProofPost) -> Iterator[str]:
    """What officer and approver must know of a post beside its text."""
    if shown.post.left_out:
        yield f"Left out for want of room: {', '.join(shown.post.left_out)}."
    if shown.segments is not None:
        yield f"{shown.segments} segment{'' if shown.segments == 1 else 's'} for each person."
    if shown.ways:
        yield ways_in_words(shown.ways)
    if shown.replaced:
        yield f"For the text message: {', '.join(shown.replaced)}."


def ways_in_words(ways: Iterable[ApprovedWay]) -> str:
    """`Goes by wyre-sms (sender Wyre, 70 of 100) and texts-b (sender Wyre, 30 of 100); else by texts-c (sender Wyre).`"""
    ranks: dict[int, list[ApprovedWay]] = {}
    for each in ways:
        ranks.setdefault(each.way.rank, []).append(each)
    by = [" and ".join(_way(each, alone=len(same) == 1) for each in same) for same in ranks.values()]
    return f"Goes by {'; else by '.join(by)}."


def _way(each: ApprovedWay, *, alone: bool) -> str:
    share = "" if alone else f", {each.way.weight} of 100"
    return f"{each.way.account} ({each.speaks_as}{share})"


class _Indented:
    """A text to the character, folded where the terminal ends and without blanks added at the ends of its lines."""

    def __init__(self, text: str) -> None:
        self._lines = [Text(line) for line in visible(text).split("\n")]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self._lines:
            for part in line.wrap(console, max(1, options.max_width - INDENT), overflow="fold") or [line]:
                yield Text(" " * INDENT + part.plain if part.plain else "")
        yield Text("")


def _reading(shown: ProofPost) -> _Reading:
    """What readers see of a post: its title where the channel has pages, and its link where the text lacks it."""
    post = shown.post
    title = post.title if issubclass(channel_class(shown.channel), HasPages) else ""
    return title, post.parts, "" if _is_told(post) else post.link, tuple(notes_on(shown))


def _is_told(post: Post) -> bool:
    return any(post.link in part for part in post.parts)
