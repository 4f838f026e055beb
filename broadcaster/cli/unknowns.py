"""`broadcaster unknown`: deliveries that may or may not have been sent, and what a person decides about them."""

from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.db.unknowns import Unknown
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.policy import Action

unknowns = terminal.group("Decide about deliveries that may or may not have been sent.")

DOING = {
    DeliveryState.UNKNOWN: "being looked into; wait",
    DeliveryState.UNKNOWN_FINAL: "look at the platform, then: broadcaster unknown resolve ID",
    DeliveryState.QUARANTINED: "tell an administrator why it is listed, look at the platform, then:"
    " broadcaster unknown resolve ID",
}


@unknowns.command("list", epilog="Example: broadcaster unknown list")
def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to show at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List deliveries with an unknown outcome, and what to do about each."""
    with signed_in(Action.READ) as session:
        found = session.parts.unknowns.undecided(limit=limit)
        zone = session.parts.settings.zone
    if as_json:
        keys = (
            *("uid", "state", "ref", "mode", "channel", "account", "part", "parts"),
            *("resends", "since", "operator_text"),
        )
        print_json([{key: getattr(each, key) for key in keys} for each in found])
        return
    if not found:
        say("Nothing is unknown: every delivery was accepted, or was surely not sent.")
        return
    shown = table("Id", "Message", "Channel", "Since", "Why", "What to do")
    for each in found:
        where = place(each)
        add_row(
            shown, (each.uid, each.ref, where, local(each.since, zone), each.operator_text, DOING[each.state])
        )
    say(shown)


@unknowns.command(
    epilog="Example: broadcaster unknown resolve ID --sent https://... --reason 'seen on the page'"
)
def resolve(
    *,
    uid: Annotated[
        str, typer.Argument(metavar="ID", help="The delivery's id, as in `broadcaster unknown list`.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for the auditor.")],
    sent: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="It was sent: the address at which you found it.")
    ] = None,
    again: Annotated[bool, typer.Option("--send-again", help="It was not sent: send it once more.")] = False,
    as_json: Json = False,
) -> None:
    """Say what became of a delivery, after a look at the platform; who decided and why goes into the audit log."""
    if (sent is None) == (not again):
        raise typer.BadParameter("Give either --sent ADDRESS or --send-again.")
    with signed_in() as session:
        if sent is not None:
            later = session.parts.unknowns.mark_sent(session.actor, uid, link=sent, reason=reason)
        else:
            later = session.parts.unknowns.send_again(session.actor, uid, reason=reason)
    decision = "sent" if sent is not None else "send_again"
    if as_json:
        print_json({"uid": uid, "decision": decision, "link": sent or "", "parts_again": later})
    else:
        say("Recorded as sent." if sent is not None else "It is sent once more.", *_after_it(later))


def place(each: Unknown) -> str:
    """`x (council)`, or of a thread `x (council), part 2 of 3`."""
    where = f"{each.channel} ({each.account})"
    return f"{where}, part {each.part} of {each.parts}" if each.parts > 1 else where


def _after_it(later: int) -> list[str]:
    """What becomes of the parts of its thread that had nothing to follow."""
    if not later:
        return []
    return [f"{later} more {'part' if later == 1 else 'parts'} of its thread had waited for it, and follow."]
