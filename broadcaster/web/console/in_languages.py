"""A form's fields in several languages: behind each sentence the same one in the others."""

from collections.abc import Iterable, Sequence

from broadcaster.domain.blanks import Blank
from broadcaster.domain.languages import said_in
from broadcaster.domain.notice import NoticeTemplate


def beside(template: NoticeTemplate, codes: Iterable[str], blanks: Sequence[Blank]) -> list[Blank]:
    """Each of these blanks, and behind it what is said anew in these languages."""
    shown = [code for code in codes if code in template.languages]
    anew = {blank.name: blank for code in shown for blank in said_in(template, code)}
    found: list[Blank] = []
    for blank in blanks:
        names = [f"{blank.name}.{code}" for code in shown]
        found += [blank, *(anew[name] for name in names if name in anew)]
    return found


def labels_of(template: NoticeTemplate) -> dict[str, str]:
    """Of every field, by its name."""
    labels = {"later": "By when the other language follows", "languages": "Languages"}
    blanks = beside(template, template.languages, template.blanks)
    return {**labels, **{blank.name: blank.label for blank in blanks}}
