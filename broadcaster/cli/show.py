"""How a message, its status and the audit log look on a terminal. Texts of officers are shown to the character."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.style import Style
from rich.table import Table
from rich.text import Text

from broadcaster.cli import commands_for
from broadcaster.cli.show_posts import pictures, texts
from broadcaster.cli.terminal import add_row, local, table
from broadcaster.cli.visible import visible
from broadcaster.db.alarms import Alarm
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.message import MessageState, Mode
from broadcaster.domain.times import time_in_words
from broadcaster.domain.tongues import named
from broadcaster.service.proof import Proof
from broadcaster.service.report import NO_RECEIPT_AFTER, Status, TargetStatus
from channels import channel_class
from channels.base import SendsMany

BANNERS = {
    Mode.LIVE: (" LIVE ", "bold white on red", " This goes to the public."),
    Mode.EXERCISE: (" EXERCISE ", "bold black on yellow", " This goes to the exercise accounts only."),
}
VISIBILITY = {"public": "everybody", "partners": "partners only", "staff": "staff only"}
FINDINGS = (
    (Level.WARNING, "Look at this before it goes out; it can be sent as it is:", "bold yellow"),
    (Level.HINT, "Could be said better:", "bold"),
    (Level.INFO, "Good to know:", "bold"),
)


def proof(shown: Proof, facts: Mapping[str, str] | None = None, zone: ZoneInfo | None = None) -> Group:
    """What an approver needs, in the order in which it is needed: mode, what to do, where, who, until when, who says
    so, warnings, then every exact text. Without `facts`, those that the posts publish are shown.
    """
    words, style, meaning = BANNERS[shown.mode]
    known = facts or next((p.post.facts for p in shown.posts if "instruction" in p.post.facts), {})
    return Group(
        Text.assemble((words, style), meaning),
        Text(f"Ref {shown.ref}, version {shown.version}, {shown.state}\n"),
        _essentials(shown, known, zone),
        *_warnings(shown),
        Text(""),
        *texts(shown.posts),
        *pictures(shown.posts),
    )


def _essentials(shown: Proof, facts: Mapping[str, str], zone: ZoneInfo | None) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in (
        ("What to do", facts.get("instruction", "")),
        ("Where", facts.get("area", "")),
        ("To", "\n".join(_audience(shown))),
        ("From", _moment(facts.get("starts", ""), zone)),
        ("Until", _moment(shown.expires, zone)),
        ("Follows", "; ".join(f"{named(code)} by {_moment(at, zone)}" for code, at in shown.later.items())),
        ("Who says so", facts.get("source", "")),
        ("Who may see it", VISIBILITY.get(shown.visibility, shown.visibility)),
        ("Severity", ", ".join(facts[n] for n in ("severity", "urgency", "certainty") if n in facts)),
    ):
        if value:
            add_row(grid, (Text(label), value))
    return grid


def _audience(shown: Proof) -> Iterator[str]:
    many = [p for p in shown.posts if issubclass(channel_class(p.channel), SendsMany)]
    public = [p for p in shown.posts if p not in many]
    if many:
        titles = ", ".join(p.title for p in many)
        told = ", ".join(f"{count:,} in {named(code)}" for code, count in shown.languages.items())
        found = shown.audience
        yield (
            f"{found.size:,} people{f' ({told})' if told else ''} by {titles} (audience {found.name}, version {found.no})"
            if found
            else f"nobody yet by {titles}: no audience is chosen"
        )
    if public:
        yield "everybody on " + ", ".join(p.title for p in public)


def _moment(iso: str, zone: ZoneInfo | None) -> str:
    if not iso:
        return ""
    moment = datetime.fromisoformat(iso)
    here = moment.astimezone(zone) if zone else moment
    return f"{time_in_words(here)} ({here.tzname()})"


def _warnings(shown: Proof) -> Iterator[Text]:
    if shown.problems:
        is_draft = shown.state is MessageState.DRAFT
        heading = "This must be mended before it can be submitted:" if is_draft else "Warnings:"
        yield Text(f"\n{heading}", style="bold red")
        yield from (Text(visible(f"  - {line}")) for line in shown.problems)
    for level, heading, style in FINDINGS:
        found = [_line(each, shown.mode) for each in shown.findings if each.level is level]
        if found:
            yield Text(f"\n{heading}", style=style)
            yield from (Text(visible(f"  - {line}")) for line in found)
    if shown.reading_age is not None:
        yield Text(f"\nReading age: about {shown.reading_age} (Automated Readability Index).")


def _line(each: Finding, mode: str) -> str:
    command = commands_for.warning(each.code, each.where, mode)
    return f"{each.line} {command}".rstrip()


def status(shown: Status, zone: ZoneInfo) -> Group:
    """The state of a released message: a line per target, and totals that add up or an alarm."""
    lines = (*through(shown), *no_receipts(shown, zone))
    return Group(status_table(shown, zone), Text(""), *map(Text, lines), totals(shown))


def status_table(shown: Status, zone: ZoneInfo) -> Table:
    """A line per target: its states, how long it took, its link, and why something failed."""
    made = table("Channel", "Planned", "States", "Accepted after", "Link", *_reasons_heading(shown))
    made.title, made.title_justify, made.title_style = _heading(shown, zone), "left", ""
    for target in shown.targets:
        took = "" if target.seconds is None else f"{target.seconds:.1f} s"
        cells = (f"{target.planned:,}", in_words(target.states), took, _link(target.link))
        reasons = ["\n".join(target.reasons)] if _reasons_heading(shown) else []
        add_row(made, (_place(target), *cells, *reasons))
    return made


def _reasons_heading(shown: Status) -> list[str]:
    """A narrow terminal has no room for an empty column."""
    return ["Reasons"] if any(target.reasons for target in shown.targets) else []


def _link(address: str) -> Text:
    """Terminals that can follow links do so even where the address is folded."""
    shown = visible(address)
    return Text(shown, style=Style(link=shown or None))


def alarms(found: Iterable[Alarm], zone: ZoneInfo) -> Iterator[Text | str]:
    """Two lines per alarm: what is wrong since when, then what it means and what to do."""
    for each in found:
        ended = f", over {local(each.cleared_at, zone)}" if each.cleared_at else ""
        seen = f", acknowledged {local(each.acknowledged_at, zone)}" if each.acknowledged_at else ""
        heading = f"{each.code} {each.subject}, since {local(each.raised_at, zone)}{seen}{ended}"
        yield Text(visible(heading), style="" if seen or ended else "bold red")
        command = commands_for.alarm(each.code, each.subject)
        then = f" Then: {command}" if command else ""
        yield visible(f"  {each.text}{then}")  # not folded: it ends with a command to copy


def no_receipts(shown: Status, zone: ZoneInfo) -> Iterator[str]:
    """A line per target that waits in vain for delivery receipts: "accepted" is easily read as "arrived"."""
    minutes = NO_RECEIPT_AFTER // timedelta(minutes=1)
    for target in shown.targets:
        if target.no_receipt:
            yield visible(
                f"{_place(target)}: {target.no_receipt:,} accepted, no delivery receipt after {minutes} minutes: the "
                f"gateway took them; whether they arrived is not known.{_since(target, zone)}"
            )


def through(shown: Status) -> Iterator[str]:
    """A line per target that has several accounts: how many texts were tried through each."""
    for target in shown.targets:
        if target.tries:
            each = ", ".join(f"{count:,} through {name}" for name, count in target.tries.items())
            yield visible(f"{_place(target)}: tried {each}.")


def _since(target: TargetStatus, zone: ZoneInfo) -> str:
    at = local(target.no_receipt_since, zone)
    return f" The first was taken {at}." if at else ""


def _heading(shown: Status, zone: ZoneInfo) -> Text:
    words, style, _ = BANNERS[Mode(shown.mode)]
    over = f", over {local(shown.ended_at, zone)}" if shown.ended_at else ""
    times = f"released {local(shown.released_at, zone)}{over}"
    return Text.assemble((words, style), f" {shown.ref} is {shown.state}, {times}\n")


def _place(target: TargetStatus) -> str:
    within = f" in {named(target.language)}" if target.language else ""
    return target.channel + within + ("" if target.account == target.channel else f" ({target.account})")


def in_words(states: Mapping[DeliveryState, int]) -> str:
    """`2 accepted, 1 unknown final`."""
    return ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in states.items() if count)


def totals(shown: Status) -> Text:
    """All states and that they add up, or that they do not."""
    found = " + ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in shown.totals.items())
    if shown.adds_up:
        return Text(f"{shown.planned:,} planned = {found}. All are accounted for.", style="bold")
    return Text(
        f"ALARM: {shown.planned:,} planned, but {found or 'nothing'} makes {sum(shown.totals.values()):,}. Deliveries were "
        "lost or doubled: tell an administrator, and keep the database as it is.",
        style="bold red",
    )


def audit_table(events: Iterable[AuditEvent], zone: ZoneInfo) -> Table:
    """A line per event, in order."""
    made = table("No", "Time", "Who", "What", "About", "Details")
    for event in events:
        when = local(event.at, zone)
        add_row(made, (event.no, when, event.actor, event.act, event.subject, _summary(event.payload)))
    return made


def payload(text: str) -> object:
    """A payload's content; the text itself where somebody altered it so that it cannot be read."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _summary(text: str) -> str:
    content = payload(text)
    if not isinstance(content, dict):
        return text
    return ", ".join(f"{key}={_short(value)}" for key, value in content.items())


def _short(value: object) -> str:
    """Digests are told apart by their first twelve digits, our ids by their last twelve."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) == 36 and text.count("-") == 4:
        return f"…{text[-12:]}"
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text
