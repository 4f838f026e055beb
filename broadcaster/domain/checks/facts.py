"""All checks of what an officer wrote, fact by fact. Missing facts are the template's to name, lengths the channels'."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from broadcaster.domain.checks.characters import check_characters
from broadcaster.domain.checks.finding import Finding
from broadcaster.domain.checks.identity_numbers import check_identity_numbers
from broadcaster.domain.checks.links import check_links
from broadcaster.domain.checks.personal_data import check_personal_data, known_numbers
from broadcaster.domain.checks.plain_english import check_plain_english, check_reading_age, reading_age
from broadcaster.domain.message import Facts
from broadcaster.domain.tongues import named

_WRITTEN = ("event", "headline", "area", "instruction", "details", "contact", "source")
_PROSE = ("headline", "instruction", "details", "contact")  # places and roles are what they are called


def check_facts(facts: Facts, *, own: Iterable[str] = (), language: str = "en") -> tuple[Finding, ...]:
    """Everything found, in the order of the facts. `own` are texts that may name mail addresses and phone numbers: the
    template's wording and the phone numbers asked for by it; the contact always may. How plain it is can be told of English only.
    """
    found = _findings(facts, (*own, facts.contact), is_english=language == "en")
    if language == "en":
        return tuple(found)
    return tuple(replace(each, where=f"{each.where} ({named(language)})") for each in found)


def _findings(facts: Facts, own: tuple[str, ...], *, is_english: bool) -> Iterator[Finding]:
    written, phones = facts.to_json(), known_numbers(own)
    for where in _WRITTEN:
        text = written[where]
        yield from check_characters(text, where)
        yield from check_links(text, where)
        yield from check_identity_numbers(text, where, phones=phones)
        yield from check_personal_data(text, where, own=own)
        if where in _PROSE and is_english:
            yield from check_plain_english(text, where)
    if is_english:
        yield from check_reading_age(_prose(facts), "text")


def reading_age_of(facts: Facts) -> int | None:
    """Years, or None where there are too few words to tell."""
    return reading_age(_prose(facts))


def _prose(facts: Facts) -> str:
    written = facts.to_json()
    return "\n".join(written[where] for where in _PROSE)
