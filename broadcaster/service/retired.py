"""Notice templates that must not be used any more: how it is said, and what goes on that needs one, so that it stays."""

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from broadcaster.db import drills, feeds, templates
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Version
from broadcaster.db.templates import StoredTemplate
from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.errors import Stale
from broadcaster.domain.follow_up import IN_WORDS, TEMPLATE_OF
from broadcaster.domain.notice import NoticeTemplate

FINDING = "template_retired"


def why_retired(tx: Tx, name: str, zone: ZoneInfo) -> str:
    """Who retired it, when and why, as sentences; empty where it is in use."""
    found = templates.in_force(tx, name)
    return _why(found, zone) if found and found.retired else ""


def refuse_retired(tx: Tx, name: str, zone: ZoneInfo) -> None:
    """Stale where nothing is to be written from it any more."""
    found = templates.in_force(tx, name)
    if found and found.retired:
        raise Stale(
            f"{_why(found, zone)} Use another one, or have it put back in force. Nothing was changed.",
            command=f"To bring it back: broadcaster template put-back {name} {found.no - 1} --reason TEXT",
        )


def retired_findings(tx: Tx, version: Version, zone: ZoneInfo) -> Iterator[Finding]:
    """A warning about what was begun before: it keeps its wording and may be sent."""
    if why := why_retired(tx, str(version.template.get("name", "")), zone):
        text = f"{why} This was begun before and may be sent still: look whether it should be."
        yield Finding(code=FINDING, level=Level.WARNING, where="template", text=text)


def needs(tx: Tx, name: str, in_force: Iterable[NoticeTemplate]) -> Iterator[str]:
    """Each thing that could not go on without this template, and what to do about it first."""
    for purpose, its in TEMPLATE_OF.items():
        if its == name:
            yield f'What follows a message as "{IN_WORDS[purpose]}" is worded by it.'
    for each in in_force:
        if each.prepares == name:
            yield f'It lies ready with everything that is sent from "{each.title}".'
    for feed in feeds.every(tx):
        if any(rule.template == name for rule in feed.rules):
            yield f"What the feed {feed.name} warns of is written from it. Change the rules of the feed first."
    for ref in drills.not_over(tx, name):
        yield f"The drill {ref} is played with it. End or cancel the drill first."


def _why(found: StoredTemplate, zone: ZoneInfo) -> str:
    at = found.created_at.astimezone(zone)
    said = found.reason if found.reason[-1:] in {".", "!", "?"} else f"{found.reason}."
    return f'{found.author} retired the notice template "{found.name}" on {at.day} {at:%B %Y}: {said}'
