"""What a notice template that can be used still lacks: what officers would miss at 3 a.m. Knows no files."""

from collections.abc import Iterator
from datetime import date

from broadcaster.domain.notice import NoticeTemplate


def lacks(template: NoticeTemplate, today: date) -> tuple[str, ...]:
    """One sentence for each thing missing, with what to do; nothing where it is complete."""
    return (*_of_its_own(template, today), *_of_its_blanks(template))


def _of_its_own(template: NoticeTemplate, today: date) -> Iterator[str]:
    if not template.help:
        yield "help: say when to use it, and what to do when it is over"
    if not template.never:
        yield "never: list what it must not say"
    if not template.channels:
        yield "channels: name those it goes to unless the officer says otherwise"
    if "contact" not in template.wording and not any(b.type == "phone" for b in template.blanks):
        yield "contact: give people without internet a number to ring"
    if not template.review_by:
        yield "review_by: give the day by which the wording is read anew"
    elif date.fromisoformat(template.review_by) < today:
        yield f"review_by: {template.review_by} has passed; read the wording anew and set a later day"


def _of_its_blanks(template: NoticeTemplate) -> Iterator[str]:
    for blank in template.blanks:
        for part in ("label", "help", "example"):
            if not getattr(blank, part).strip():
                yield f"{blank.name}: needs {'an example' if part == 'example' else f'a {part}'}"
