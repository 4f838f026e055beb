"""How the beginning of a Welsh name changes behind other words: Caerdydd, i Gaerdydd, yng Nghaerdydd, a Chaerdydd."""

import re
from collections.abc import Mapping

#: Soft, nasal and aspirate mutation of an initial, the longer initials first.
_INITIALS: Mapping[str, tuple[str, ...]] = {
    "Ll": ("L",),
    "Rh": ("R",),
    "C": ("G", "Ngh", "Ch"),
    "P": ("B", "Mh", "Ph"),
    "T": ("D", "Nh", "Th"),
    "G": ("", "Ng"),
    "B": ("F", "M"),
    "D": ("Dd", "N"),
    "M": ("F",),
}
#: Letters of their own, which look like two.
_UNCHANGED = ("Ch", "Ph", "Th", "Dd")
_ARTICLE = re.compile(r"^Yr? ")


def forms_of(name: str) -> set[str]:
    """The name, and as it may stand in a Welsh sentence: without the article, which joins what is before it (Y Barri, i'r Barri).
    Some that no Welsh name has do no harm: they stand nowhere."""
    name = _ARTICLE.sub("", name)
    if name.startswith(_UNCHANGED):
        return {name}
    for initial, changed in _INITIALS.items():
        rest = name.removeprefix(initial)
        if rest != name:
            return {name, *(_capital(each + rest) for each in changed)}
    return {name}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
