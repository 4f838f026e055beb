"""What changed between two versions of a notice template: part by part, word by word, and in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broadcaster.domain.blanks import Blank
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.refusal import Refusal
from broadcaster.domain.tongues import named
from broadcaster.domain.translation import Translation
from broadcaster.domain.word_diff import Piece, in_words, word_diff

#: The facts of a message, as people call them.
FACTS: Mapping[str, str] = {
    "headline": "Headline",
    "area": "Where",
    "instruction": "What to do",
    "starts": "From when",
    "expires": "Until when",
    "source": "Who says so",
    "contact": "Who to ring",
    "details": "Details",
}


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One part that is not what it was. `said` is the change as a sentence."""

    name: str
    pieces: tuple[Piece, ...]
    said: str


def changes(before: NoticeTemplate, after: NoticeTemplate) -> tuple[Changed, ...]:
    """In the order of a template; nothing where both say the same."""
    old, new = dict(_parts(before)), dict(_parts(after))
    names = [*new, *(name for name in old if name not in new)]
    return tuple(
        Changed(name=name, pieces=word_diff(*pair), said=in_words(*pair))
        for name in names
        if (pair := (old.get(name, ""), new.get(name, "")))[0] != pair[1]
    )


def _parts(template: NoticeTemplate) -> Iterator[tuple[str, str]]:
    yield "Title", template.title
    yield "Event", template.event
    yield "Language", template.language
    yield "Severity", template.severity
    yield "Urgency", template.urgency
    yield "Certainty", template.certainty
    yield "Channels", ", ".join(template.channels)
    yield "Always kept", ", ".join(template.must_keep)
    yield "Read anew by", template.review_by
    yield "When to use it", template.help
    yield "What it never says", "\n".join(template.never)
    for fact, label in FACTS.items():
        yield label, template.wording.get(fact, "")
    for blank in template.blanks:
        yield f"Blank: {blank.name}", _of_blank(blank)
    for no, refusal in enumerate(template.refused, start=1):
        yield f"Refused {no}", _of_refusal(refusal)
    for code, other in template.languages.items():
        yield from ((f"{part} ({named(code)})", text) for part, text in _of_language(other))


def _of_language(other: Translation) -> Iterator[tuple[str, str]]:
    yield "Title", other.title
    yield "Event", other.event
    yield from ((FACTS.get(fact, fact), text) for fact, text in other.wording.items())
    yield from ((f"Blank: {name}", f"One of: {', '.join(texts)}") for name, texts in other.choices.items())
    yield from ((f"Default: {name}", text) for name, text in other.defaults.items())
    yield "Said once", ", ".join(other.same)
    yield "Translated by", other.translator
    yield "Read by a speaker on", other.reviewed
    yield from ((f"Refused {no}", _of_refusal(refusal)) for no, refusal in enumerate(other.refused, start=1))


def _of_blank(blank: Blank) -> str:
    lines = [
        f"{blank.label} ({blank.type}, {'needed' if blank.required else 'may be left empty'}).",
        blank.help,
        f"Example: {blank.example}",
        f"Default: {blank.default}" if blank.default else "",
        f"One of: {', '.join(blank.choices)}" if blank.choices else "",
        "Must lie ahead." if blank.ahead else "",
        f"At most {blank.max_chars} characters.",
    ]
    return "\n".join(filter(None, lines))


def _of_refusal(refusal: Refusal) -> str:
    found = [*refusal.words, *(str(each) for each in refusal.shapes)]
    where = f" In: {', '.join(refusal.blanks)}." if refusal.blanks else ""
    return f"{refusal.why} ({', '.join(found)}){where}"
