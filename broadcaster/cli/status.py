"""`broadcaster status` and `broadcaster stop`: what became of a message, and ending it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from broadcaster.cli import commands_for, show, terminal
from broadcaster.cli.message_view import listed
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, console, print_json, say
from broadcaster.cli.visible import visible
from broadcaster.db.alarms import Alarm
from broadcaster.domain.message import MessageState
from broadcaster.domain.policy import Action
from broadcaster.service.report import Status, TargetStatus

Seen = tuple[Status, Sequence[Alarm]]  # of one message, at one moment

LOOK_EVERY_S = 0.5
NEWEST = 10
#: What to read where nothing was sent, by the message's state.
UNSENT = {
    MessageState.DRAFT: "{ref} is a draft: nothing was sent. Next: broadcaster message submit {ref}",
    MessageState.SUBMITTED: "{ref} waits for approval: nothing was sent. "
    "Another person looks at it: broadcaster message show {ref}",
    MessageState.REJECTED: "{ref} was rejected: nothing was sent. Why: broadcaster message show {ref}",
    MessageState.EXPIRED: "{ref} was not approved in time: nothing was sent. "
    "To try again: broadcaster message edit {ref}, then submit it",
}

app = terminal.group("What became of a message.")


@app.command(epilog="Example: broadcaster status 7F3K2M --watch")
def status(
    *,
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="The message's reference; without one, the newest messages.")
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking until it is over.")] = False,
    as_json: Json = False,
) -> None:
    """Show what became of a message on every channel. All states add up to what was planned, or this fails."""
    if watch and not ref:
        raise typer.BadParameter("name the message to watch", param_hint="--watch")
    with signed_in(Action.READ) as session:
        report, zone = session.parts.report, session.parts.settings.zone
        if not ref:
            found = report.messages(limit=NEWEST)
            print_json(found) if as_json else say(listed(found, zone))
            return

        def look() -> Seen:
            return report.status(ref), session.parts.alarms.of(ref)

        last = _watch(look, zone, as_json=as_json) if watch else _once(look(), zone, as_json=as_json)
    if not last.adds_up:
        raise typer.Exit(1)


@app.command(epilog='Example: broadcaster stop 7F3K2M --reason "The road is open again"')
def stop(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The message's reference, such as 7F3K2M.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: the auditor reads it.")],
    as_json: Json = False,
) -> None:
    """Stop a broadcast now. What was sent stays sent; nothing new is begun."""
    with signed_in() as session:
        made = session.parts.recall.stop(session.actor, ref, reason)
    if as_json:
        print_json({"reference": made.ref, "broadcast": made.broadcast, "state": "stopped"})
    else:
        say(
            f"{made.ref} is stopped. What was on its way ends within seconds; nothing new is begun.",
            f"What was sent before: broadcaster status {made.ref}",
        )


def _once(seen: Seen, zone: ZoneInfo, *, as_json: bool) -> Status:
    if as_json:
        print_json(as_json_data(*seen))
    else:
        # alarms on top: who sees sums that add up stops reading
        say(*show.alarms(seen[1], zone), _view(seen[0], zone))
    return seen[0]


def _watch(look: Callable[[], Seen], zone: ZoneInfo, *, as_json: bool) -> Status:
    """Draws again on a terminal; elsewhere prints one line whenever something has changed."""
    if as_json or not console().is_terminal:
        line = _json_line if as_json else lambda seen: _line(seen, zone)
        return _until_over(look, line)
    with Live(console=console(), auto_refresh=False) as live:
        return _until_over(look, lambda seen: live.update(_drawn(seen, zone), refresh=True))


def _until_over(look: Callable[[], Seen], tell: Callable[[Seen], None]) -> Status:
    """The last status. A submitted message may yet be approved, so that is waited for."""
    last: Seen | None = None
    while True:
        seen = look()
        now = seen[0]
        if seen != last:
            tell(seen)
        if now.over or (not now.broadcast and now.message_state != MessageState.SUBMITTED):
            return now
        last = seen
        time.sleep(LOOK_EVERY_S)


def _view(now: Status, zone: ZoneInfo) -> Any:
    if not now.broadcast:
        return UNSENT[MessageState(now.message_state)].format(ref=now.ref)
    return Group(show.status(now, zone), *map(Text, parts_of(now)))


def parts_of(now: Status) -> Iterator[str]:
    """A line per part of each thread: `x (council), part 2 of 3: accepted, https://...`."""
    for target in now.targets:
        for part in target.parts:
            said = f"{target.channel} ({target.account}), part {part.no} of {len(target.parts)}: "
            said += str(part.state).replace("_", " ")
            yield visible(f"{said}, {part.link}" if part.link else said)


def _drawn(seen: Seen, zone: ZoneInfo) -> Group:
    return Group(*show.alarms(seen[1], zone), _view(seen[0], zone))


def _line(seen: Seen, zone: ZoneInfo) -> None:
    now, alarms = seen
    say(*show.alarms(alarms, zone))
    if not now.broadcast:
        say(UNSENT[MessageState(now.message_state)].format(ref=now.ref))
        return
    parts = "; ".join(f"{t.channel} ({t.account}) {show.in_words(t.states)}" for t in now.targets)
    say(f"{now.ref} {now.state}: {parts}")
    if now.over or not now.adds_up:
        say(*show.through(now), *show.no_receipts(now, zone), *parts_of(now), show.totals(now))


def _json_line(seen: Seen) -> None:
    print_json(as_json_data(*seen), one_line=True)


def as_json_data(now: Status, alarms: Sequence[Alarm] = ()) -> dict[str, Any]:
    """For programs. `approve_to_accepted_s` runs from approval to the last acceptance."""
    keys = ("message_state", "broadcast", "state", "mode", "released_at", "ended_at", "planned", "totals")
    return {
        "reference": now.ref,
        **{key: getattr(now, key) for key in keys},
        "adds_up": now.adds_up,
        "over": now.over,
        "alarms": [alarm_data(each) for each in alarms],
        "targets": [_target(each) for each in now.targets],
    }


def alarm_data(each: Alarm) -> Mapping[str, Any]:
    keys = ("code", "subject", "text", "raised_at", "acknowledged_at", "cleared_at")
    command = commands_for.alarm(each.code, each.subject)
    return {**{key: getattr(each, key) for key in keys}, "command": command}


def _target(each: TargetStatus) -> Mapping[str, Any]:
    keys = (
        "channel",
        "account",
        "planned",
        "accepted",
        "settled",
        "states",
        "no_receipt",
        "no_receipt_since",
        "link",
    )
    found = {key: getattr(each, key) for key in keys}
    parts = [{"part": p.no, "state": p.state, "link": p.link} for p in each.parts]
    told = {"reasons": list(each.reasons), "parts": parts, "tries": dict(each.tries)}
    return {**found, "approve_to_accepted_s": each.seconds, **told}
