"""A message in its languages: what is filled in, whether they agree, and which one follows later."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.db.messages import Version
from broadcaster.domain.blanks import Blank, BlankType, read_answer
from broadcaster.domain.checks.agreement import check_agreement
from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.errors import Invalid
from broadcaster.domain.languages import Filled, LanguagePolicy, fill_all
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.tongues import base, named
from broadcaster.service.date_names import date_names

_LATER = Blank(name="later", type=BlankType.TIME, label="By when the other language follows", ahead=True)


def filled(
    policy: LanguagePolicy,
    template: NoticeTemplate,
    values: Mapping[str, str],
    *,
    wanted: Sequence[str] | None,
    later: str,
    zone: ZoneInfo,
    now: datetime,
) -> Filled:
    """The facts in every language that this message is said in, and by when one follows that it goes without. Invalid with every
    problem at once."""
    order = policy.order_for(template, wanted)
    made = fill_all(template, values, order, zone=zone, names=policy.names, now=now)
    missing = policy.left_out(template, order)
    if not (later and missing):
        return made
    at, wrong = read_answer(_LATER, later, zone, now.astimezone(zone))
    if wrong or not isinstance(at, datetime):
        raise Invalid(
            "The notice cannot be filled in yet.", details=tuple(f"later: {problem}" for problem in wrong)
        )
    due = at.isoformat(timespec="seconds")
    return replace(made, spoken=replace(made.spoken, later=dict.fromkeys(missing, due)))


def check_languages(version: Version, names: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    """Problems where two languages do not say the same, and who has to read them."""
    main = base(str(version.template.get("language", "en")))
    for code, facts in version.spoken.facts.items():
        yield from check_agreement(
            version.facts,
            facts,
            language=code,
            main_language=main,
            names=names.get(code, {}),
            dates={each: date_names(each) for each in (main, code)},
        )
        wording = version.template.get("languages", {}).get(code, {})
        if not wording.get("reviewed"):
            yield _unread(code, str(wording.get("translator", "")))


def unsaid(version: Version, policy: LanguagePolicy) -> Iterator[str]:
    """Problems of a message that goes without a language that is spoken here."""
    template = NoticeTemplate.from_json(version.template)
    for code in policy.left_out(template, version.spoken.order):
        if code not in version.spoken.later:
            yield (
                f"It is not in {named(code)}, which is spoken here. Say it in {named(code)} too, or say by when that follows."
            )


def _unread(code: str, translator: str) -> Finding:
    by = f" It was translated by: {translator}." if translator else ""
    return Finding(
        code="wording_unread",
        level=Level.WARNING,
        where=f"wording ({named(code)})",
        text=f"Nobody who speaks {named(code)} has read this wording yet.{by} Have it read before you rely on it.",
    )
