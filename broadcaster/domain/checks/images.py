"""What stands against a message's pictures: words for those who cannot see them, and pictures that are not shown.

Some people hear a picture instead of seeing it. Where its words say nothing, they alone do without the map of the
cordon.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from broadcaster.domain.checks.characters import check_characters
from broadcaster.domain.checks.finding import Finding, Level, listed
from broadcaster.domain.checks.identity_numbers import check_identity_numbers
from broadcaster.domain.checks.personal_data import check_personal_data
from broadcaster.domain.media import MAX_ALT_CHARS

_MIN_WORDS = 3
_FILE_NAME = re.compile(
    r"[^\n]{1,200}\.(?:jpe?g|png|webp|gif|heic|avif|tiff?|bmp|svg|pdf)|(?:img|dsc|dscn|pxl|mvimg|screenshot|image|photo)[\W_]*\d[\d\W_]{0,40}",
    re.IGNORECASE,
)
_PICTURE_OF = re.compile(
    r"(?:an?\s+|the\s+)?(?:image|picture|photo|photograph|graphic|screenshot)\s+(?:of|showing)\b",
    re.IGNORECASE,
)

_NONE_TEXT = "has no alt text. Say in a sentence what it shows."
_NAME_TEXT = "has a file name as its alt text, which tells nobody anything. Say in a sentence what it shows."
_LONG_TEXT = "has an alt text of {:,} characters; {:,} are the most. Say in a sentence or two what it shows."
_OF_TEXT = 'begins its alt text with "{}", which screen readers say by themselves. Begin with what it shows.'
_SHORT_TEXT = "has an alt text of so few words that it hardly tells what is seen. Say it in a sentence."


class Described(Protocol):
    """A picture of a message: the name of the file it came from, and its alt text."""

    @property
    def name(self) -> str: ...
    @property
    def alt(self) -> str: ...


def check_images(images: Sequence[Described], *, max_chars: int = MAX_ALT_CHARS) -> Iterator[Finding]:
    """All that stands against the alt texts, picture by picture."""
    for no, image in enumerate(images, 1):
        where = called(no, image)
        yield from _check_alt(image, where, max_chars=max_chars)
        yield from check_characters(image.alt, where)
        yield from check_identity_numbers(image.alt, where)
        yield from check_personal_data(image.alt, where)


def check_shown(images: Sequence[Described], shown: Mapping[str, int]) -> Iterator[Finding]:
    """A warning for each channel that has room for fewer pictures. `shown` is title -> how many it shows at most, of the
    channels that show pictures at all."""
    if images and not shown:
        text = "none of the chosen channels shows pictures, so nobody sees them. Choose one that does, or nothing."
        yield _warning("images_not_shown", "images", text)
    for title, most in shown.items():
        if over := [called(no, image) for no, image in enumerate(images, 1) if no > most]:
            text = f"shows {most} of the {len(images)} pictures and leaves out {listed(over)}. Put first what matters most."
            yield _warning("images_left_out", title, text)


def called(no: int, image: Described) -> str:
    """`image 1 (map.png)`."""
    return f"image {no} ({image.name})" if image.name else f"image {no}"


def _check_alt(image: Described, where: str, *, max_chars: int) -> Iterable[Finding]:
    alt = image.alt.strip()
    if not alt:
        return [_problem("image_without_alt", where, _NONE_TEXT)]
    if len(alt) > max_chars:
        return [_problem("alt_too_long", where, _LONG_TEXT.format(len(alt), max_chars))]
    if _FILE_NAME.fullmatch(alt) or _is_name(alt, image.name):
        return [_problem("alt_is_file_name", where, _NAME_TEXT)]
    if begins := _PICTURE_OF.match(alt):
        return [_hint("alt_says_image_of", where, _OF_TEXT.format(begins[0].lower()))]
    if len(alt.split()) < _MIN_WORDS:
        return [_hint("alt_too_short", where, _SHORT_TEXT)]
    return []


def _is_name(alt: str, name: str) -> bool:
    return alt.casefold() in {name.casefold(), name.rpartition(".")[0].casefold()}


def _problem(code: str, where: str, text: str) -> Finding:
    return Finding(code=code, level=Level.PROBLEM, where=where, text=text)


def _warning(code: str, where: str, text: str) -> Finding:
    return Finding(code=code, level=Level.WARNING, where=where, text=text)


def _hint(code: str, where: str, text: str) -> Finding:
    return Finding(code=code, level=Level.HINT, where=where, text=text)
