"""`broadcaster figures`: how it goes, in the same figures that monitoring reads, for people."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, print_json, say, table
from broadcaster.domain.figures import QUANTILES, Figure
from broadcaster.domain.policy import Action
from broadcaster.service.figures import BOUNDS

app = terminal.group("How it goes, in figures.")

MOST_HOURS = 24 * 31
UNTIL_ACCEPTED = "broadcaster_release_to_acceptance_seconds"
LOOKED_AT = "broadcaster_release_to_acceptance_looked_at"
#: What is told in a line each, where it is worth a word: name, what it is called.
LINES = (
    ("broadcaster_oldest_ready_seconds", "oldest work ready"),
    ("broadcaster_oldest_unknown_seconds", "oldest unknown outcome"),
    ("broadcaster_seal_lag_seconds", "audit log not sealed for"),
    ("broadcaster_anchor_age_seconds", "audit log not laid down for"),
    ("broadcaster_account_checked_age_seconds", "last check of the account"),
    ("broadcaster_clock_skew_seconds", "clock ahead of the database's"),
)


@app.command(epilog="Example: broadcaster figures --hours 24")
def figures(
    *,
    hours: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST_HOURS, help="How far back speed is looked at.")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Show how fast posts were accepted, what waits and what is in doubt: the figures that /metrics has."""
    with signed_in(Action.READ) as session:
        found = session.parts.figures.look(within=timedelta(hours=hours))
    if as_json:
        print_json({"hours": hours, "figures": [_data(each) for each in found]})
        return
    say(*shown(found, hours))


def shown(found: Sequence[Figure], hours: int) -> list[Any]:
    return [*_speed(found, hours), "", *_state(found)]


def _data(each: Figure) -> Mapping[str, Any]:
    return {"name": each.name, "labels": each.labels, "value": each.value, "beyond": is_beyond(each)}


def is_beyond(each: Figure) -> bool:
    """Whether it is worse than the bound at which monitoring raises its alarm. Texts by the hundred thousand take their
    time: for them there is no such bound, and how long work has been ready says nothing while a worker is at it."""
    if each.labels.get("lane") == "bulk" or each.labels.get("quantile", "0.95") != "0.95":
        return False
    return abs(each.value) > BOUNDS.get(each.name, float("inf"))


def _speed(found: Sequence[Figure], hours: int) -> list[Any]:
    since = "hour" if hours == 1 else f"{hours} hours"
    by_place: dict[tuple[str, str], dict[str, Figure]] = defaultdict(dict)
    for each in found:
        if each.name in {UNTIL_ACCEPTED, LOOKED_AT}:
            place = each.labels["mode"], each.labels["channel"]
            by_place[place][each.labels.get("quantile", LOOKED_AT)] = each
    by_place = {place: values for place, values in by_place.items() if values[LOOKED_AT].value}
    if not by_place:
        return [
            f"Nothing was sent in the last {since}. To look further back: broadcaster figures --hours 168"
        ]
    shown = table("Mode", "Channel", *(f"{share:.0%} within" for share in QUANTILES), "Looked at")
    for (mode, channel), values in sorted(by_place.items()):
        cells = [_seconds(values[f"{share:g}"]) for share in QUANTILES]
        add_row(shown, (mode.upper(), channel, *cells, f"{values[LOOKED_AT].value:,.0f}"))
    return [f"From release to acceptance, broadcasts of the last {since}:", shown]


def _state(found: Sequence[Figure]) -> list[str]:
    lines = [
        f"{called}{_where(each)}: {_seconds(each)}"
        for name, called in LINES
        for each in found
        if each.name == name and (each.value >= 1 or is_beyond(each))
    ]
    unknown = [each for each in found if each.name == "broadcaster_unknown" and each.value]
    lines += [f"{e.labels['state'].replace('_', ' ')}{_where(e)}: {e.value:,.0f}" for e in unknown]
    alive = [e for e in found if e.name == "broadcaster_processes_alive"]
    lines.append("processes: " + ", ".join(f"{e.labels['process']} {e.value:.0f}" for e in alive))
    lines += [text for name, text in AWAY.items() if any(e.name == name and not e.value for e in found)]
    return lines


AWAY = {
    "broadcaster_database_up": "The database does not answer: nothing is sent.",
    "broadcaster_broker_up": "The broker does not answer: everything is sent, some seconds later.",
    "broadcaster_sweeper_leading": "No sweeper has led in the last minute: no alarm is raised. See broadcaster alarms",
}


def _where(each: Figure) -> str:
    named = [each.labels[key] for key in ("mode", "lane", "channel", "account") if key in each.labels]
    return f" ({'/'.join(named)})" if named else ""


def _seconds(each: Figure) -> str:
    return f"{each.value:,.1f} s" + (" (!)" if is_beyond(each) else "")
