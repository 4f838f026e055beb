"""What a version and its posts are checked for, with what the template itself says taken as right."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.db.messages import Version
from broadcaster.domain.blanks import BlankType
from broadcaster.domain.checks import carried
from broadcaster.domain.checks.facts import check_facts
from broadcaster.domain.checks.finding import Finding
from broadcaster.domain.checks.text_size import check_text_size
from broadcaster.domain.message import Facts, Mode
from broadcaster.domain.post import Post
from broadcaster.domain.times import time_in_words
from broadcaster.domain.tongues import Tongue, tongue_of
from broadcaster.render.fitting import Room
from broadcaster.render.posts import as_written
from channels.text import sms_size

_ALONE = {
    "what happened": "headline",
    "where": "area",
    "what to do": "instruction",
    "who says so": "source",
}


def check_version(version: Version, *, texts: Iterable[Post]) -> tuple[Finding, ...]:
    """Findings in the facts, then in the posts that go out as text messages."""
    found = [*check_facts(version.facts, own=_own_texts(version))]
    for code, facts in version.spoken.facts.items():
        found += check_facts(facts, own=_own_texts(version, code), language=code)
    sizes = (
        each
        for post in texts
        for each in check_text_size(post.at_widest().text, "text message", segments=_segments)
    )
    return (*found, *sizes)


def kept_by_template(version: Version) -> tuple[str, ...]:
    """The facts that this version's template keeps beside those that every post carries."""
    return tuple(version.template.get("must_keep", ()))


def check_carried(
    post: Post,
    facts: Facts,
    *,
    title: str,
    reference: str,
    mode: Mode,
    room: Room,
    zone: ZoneInfo,
    has_page: bool = False,
    language: str = "en",
) -> tuple[Finding, ...]:
    """Problems of a post that does not say what it must; `title` is the channel's, `has_page` where readers see a title."""
    written = as_written(facts, post.channel).to_json()
    alone = {words: (written[name],) for words, name in _ALONE.items()}
    needed = {
        **alone,
        "since when": _in_words(facts.starts, zone, tongue_of(language)),
        "until when": _in_words(facts.expires, zone, tongue_of(language)),
        "the reference": (f"Ref {reference}",),
        **({"where to learn more": (post.link,)} if post.link else {}),
        **{name: (written[name],) for name in room.kept - {*post.left_out, "starts"} if written[name]},
    }
    return tuple(_unsaid(post, needed, alone, title=title, mode=mode, room=room, has_page=has_page))


def _unsaid(
    post: Post,
    needed: carried.Needed,
    alone: carried.Needed,
    *,
    title: str,
    mode: Mode,
    room: Room,
    has_page: bool,
) -> Iterator[Finding]:
    yield from carried.check_carried((post.title, *post.parts) if has_page else post.parts, needed, title)
    yield from carried.check_first_part(post.parts, alone, title)
    if mode is Mode.EXERCISE:
        yield from carried.check_exercise(post.parts, title)
    if post.further and not room.fits(post.at_widest().part(1)):
        yield carried.no_room(alone, title)


def _in_words(moment: str, zone: ZoneInfo, tongue: Tongue) -> tuple[str, ...]:
    here = datetime.fromisoformat(moment).astimezone(zone)
    return time_in_words(here, tongue=tongue), time_in_words(here, short=True, tongue=tongue)


def _own_texts(version: Version, language: str = "") -> list[str]:
    """What the template says itself, and the phone numbers it asks for. Read as it was stored: whether a template
    of last year meets today's rules is nothing that may keep a message from being shown.
    """
    asked = [b for b in version.template["blanks"] if b["type"] == BlankType.PHONE]
    answers = [version.blanks.get(b["name"], "") or b.get("default", "") for b in asked]
    other = version.template.get("languages", {}).get(language, {})
    return [*version.template["wording"].values(), *other.get("wording", {}).values(), *answers]


def _segments(text: str) -> int:
    return sms_size(text).segments
