"""`broadcaster page`: who is asked for what, saying that one is on it, and trying out whether pages arrive."""

from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.policy import Action
from broadcaster.service.paging import Told

pages = terminal.group("See who is paged about what, and say that you are on it.")
OUTCOMES = {"sent": "paged", "not_sent": "could not be sent", "unknown": "may or may not have arrived"}
OUTCOMES |= {"begun": "is being sent", "waiting": "is not sent yet: look whether the broadcaster runs"}


@pages.command("list", epilog="Example: broadcaster page list --all")
def list_(
    *,
    past: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
    as_json: Json = False,
) -> None:
    """List what people are paged about, who was, and who has answered."""
    with signed_in(Action.READ) as session:
        found = session.parts.paging.listed(session.actor, past=past)
        chosen, zone = session.parts.paging.if_nobody_answers(), session.parts.settings.zone
    if as_json:
        print_json([_data(each) for each in found])
        return
    shown = table("About", "Kind", "Since", "Seconds", "Paged", "On it")
    for each in found:
        r = each.request
        add_row(
            shown,
            (
                r.subject,
                r.kind,
                local(r.opened_at, zone),
                f"{each.waited_s:,}",
                ", ".join(each.people),
                r.acknowledged_by or "nobody yet",
            ),
        )
    say(shown if found else "Nobody is asked for.", f"If nobody answers a request to approve, {chosen}.")


@pages.command(epilog="Example: broadcaster page ack 7F3K2M")
def ack(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The message's reference, as the page names it.")],
    as_json: Json = False,
) -> None:
    """Say "I am on it": the next one is not paged while you decide."""
    with signed_in() as session:
        told = session.parts.paging.acknowledge(session.actor, ref, way="command line")
    if as_json:
        print_json(_data(told))
    else:
        say(f"Noted: you are on {told.request.subject}, after {told.request.answered_in_s:,} seconds.")


@pages.command("test", epilog="Example: broadcaster page test")
def try_out(*, as_json: Json = False) -> None:
    """Page yourself by every way that is set up, and the rooms too. It says that it is a test."""
    with signed_in(channels=True) as session:
        came = session.parts.paging.try_out(session.actor)
    if as_json:
        print_json([{"way": way, "state": each.state, "code": each.code} for way, each in came])
        return
    for way, each in came:
        say(f"{way}: {OUTCOMES.get(each.state, each.state)}{f' ({each.code})' if each.code else ''}")
    if not came:
        say(
            "No way reaches you. Give your work number or address: broadcaster rota contact",
            "And see docs/approval-clock.md for mail, texts and rooms.",
        )


def _data(told: Told) -> dict[str, object]:
    r = told.request
    names = ("uid", "kind", "subject", "role", "state", "opened_at", "acknowledged_by", "acknowledged_at")
    sent = [
        {
            "person": p.person,
            "way": p.way,
            "stage": p.stage,
            "state": p.state,
            "code": p.code,
            "at": p.done_at,
        }
        for p in told.pages
    ]
    data = {name: getattr(r, name) for name in (*names, "closed_at", "closed_why")}
    return {**data, "waited_s": told.waited_s, "pages": sent}
