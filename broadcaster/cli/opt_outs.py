"""`broadcaster opt-out`: numbers that are left out, because their people asked. Never shows a number."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from broadcaster.cli import terminal
from broadcaster.cli.erasing import Number, Region, given_number
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, many, print_json, say, table
from broadcaster.domain.erasure import KEPT_OUT
from broadcaster.domain.errors import Invalid
from broadcaster.domain.opt_out import OptOutCount, Reason, Reply
from broadcaster.domain.policy import Action

opt_outs = terminal.group("Leave people's numbers out of texts, because they asked, and take that back.")

WHY = {
    Reason.STOP: "wrote STOP to us",
    Reason.GATEWAY: "wrote STOP; the gateway said so",
    Reason.ASKED: "asked the staff",
    KEPT_OUT: "was erased and stays out",
}
REPLIES = {
    Reply.DUE: "waiting",
    Reply.SENDING: "being sent",
    Reply.ACCEPTED: "sent",
    Reply.NOT_SENT: "not sent",
    Reply.REFUSED: "refused by the gateway",
    Reply.UNKNOWN: "may have been sent",
}

WhyAsked = Annotated[
    str, typer.Option(help="The reference of the person's request. It stays for good: no name, no number.")
]


@opt_outs.command(
    epilog="Example: broadcaster opt-out add - --purpose 'flood warnings' --reason 'call 2026-114'"
)
def add(
    *,
    number: Number,
    reason: WhyAsked,
    purpose: Annotated[
        str, typer.Option(metavar="TEXT", help="The lists' purpose, as given at their import.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every purpose, also warnings to save lives.")
    ] = False,
    region: Region = "GB",
    as_json: Json = False,
) -> None:
    """Leave a number out from now on, also of a message that is being sent. Nothing is sent to the person about it."""
    if bool(purpose) == everything:
        raise typer.BadParameter("Give either --purpose TEXT or --all.")
    with signed_in() as session:
        made = session.parts.opt_outs.add(
            session.actor, given_number(number), purpose=purpose, reason=reason, region=region
        )
    if as_json:
        print_json(asdict(made))
    elif made.count:
        say(f"The number ending in {made.ending} is left out of {made.purpose or 'everything'} from now on.")
    else:
        say(f"The number ending in {made.ending} was left out of {made.purpose or 'everything'} already.")


@opt_outs.command(epilog="Example: broadcaster opt-out end - --reason 'letter 2026-115'")
def end(
    *,
    number: Number,
    reason: WhyAsked,
    purpose: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only of this purpose; without it, of all.")
    ] = None,
    region: Region = "GB",
    as_json: Json = False,
) -> None:
    """Take a number's opt-outs back, because the person asked for texts again."""
    if purpose == "":
        raise Invalid("The purpose is empty. Leave --purpose out to take back every opt-out of the number.")
    with signed_in() as session:
        made = session.parts.opt_outs.end(
            session.actor, given_number(number), purpose=purpose, reason=reason, region=region
        )
    if as_json:
        print_json(asdict(made))
    else:
        say(
            f"The number ending in {made.ending} gets texts again. Taken back: {many(made.count, 'opt-out')}."
        )


@opt_outs.command("list", epilog="Example: broadcaster opt-out list")
def list_(*, as_json: Json = False) -> None:
    """Count the opt-outs by purpose and reason, and their confirmations. Whose they are is not shown."""
    with signed_in(Action.READ) as session:
        found, replies = session.parts.opt_outs.counts(), session.parts.opt_outs.confirmations()
        zone = session.parts.settings.zone
    if as_json:
        print_json({"opt_outs": [asdict(each) for each in found], "confirmations": replies})
    elif not found:
        say("Nobody has opted out.")
    else:
        say(_shown(found, zone), *_confirmations(replies))


def _shown(found: list[OptOutCount], zone: ZoneInfo) -> object:
    shown = table("Purpose", "Why", "Numbers", "First", "Newest")
    for each in found:
        why = WHY.get(each.reason, each.reason)
        times = (local(each.since, zone), local(each.last, zone))
        add_row(shown, (each.purpose or "(all purposes)", why, f"{each.count:,}", *times))
    return shown


def _confirmations(replies: dict[str, int]) -> Iterator[str]:
    if replies:
        told = ", ".join(f"{count:,} {REPLIES[Reply(reply)]}" for reply, count in sorted(replies.items()))
        yield f"Confirmations: {told}."
