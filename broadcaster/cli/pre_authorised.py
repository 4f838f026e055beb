"""`broadcaster pre-authorised`: wording that one officer may send alone, agreed on by two in quiet times."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.proposals import with_code
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.errors import Invalid
from broadcaster.domain.policy import Action
from broadcaster.domain.pre_authorisation import Bounds, PreAuthorisation
from broadcaster.domain.times import local_time

pre_authorised = terminal.group("Authorise wording beforehand, and send under it without a second person.")
Ref = Annotated[str, typer.Argument(metavar="REF", help="As in `broadcaster pre-authorised list`.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the auditor.")]


@pre_authorised.command("list", epilog="Example: broadcaster pre-authorised list")
def list_(*, as_json: Json = False) -> None:
    """List what was authorised beforehand, the newest first."""
    with signed_in(Action.READ) as session:
        found, zone = session.parts.pre_authorise.listed(session.actor), session.parts.settings.zone
        with session.parts.database.read() as tx:
            now = tx.now()
    if as_json:
        print_json([{**_data(each), "in_force": each.counts(now)} for each in found])
        return
    shown = table("Ref", "Template", "For", "Until", "By", "In force")
    for each in found:
        in_force = "yes" if each.counts(now) else _why_not(each, now)
        by = f"{each.proposed_by}, {each.confirmed_by or 'nobody yet'}"
        events = "; ".join(each.bounds.events)
        add_row(shown, (each.ref, each.template, events, local(each.ends_at, zone), by, in_force))
    say(shown if found else "Nothing was authorised beforehand: every message needs a second person.")


def _why_not(each: PreAuthorisation, now: datetime) -> str:
    if each.in_force(now):
        return "no, the template was edited or retired"
    return "no" if each.confirmed_at else "not confirmed"


@pre_authorised.command(epilog="Example: broadcaster pre-authorised show 7F3K2M")
def show(*, ref: Ref, as_json: Json = False) -> None:
    """Show one with its bounds and its hash, which whoever confirms it gives."""
    with signed_in(Action.READ) as session:
        found = session.parts.pre_authorise.one(session.actor, ref)
    if as_json:
        print_json(_data(found))
        return
    say(f"{found.ref}: {found.template}, version {found.template_no}. {found.reason}")
    if not found.in_use:
        say("The template was edited or retired since: what is written now does not get this wording.")
    say(*(f"For: {event}" for event in found.bounds.events))
    texts = f"Texts to {', '.join(found.bounds.audiences)}, {found.bounds.most_recipients:,} people at most."
    say(f"In: {', '.join(found.bounds.channels)}. {texts if found.bounds.audiences else 'No texts.'}")
    say(*(f"{name}: {bound.in_words}" for name, bound in found.bounds.blanks.items()))
    say(f"Hash: {found.sha256}")


@pre_authorised.command(
    epilog="Example: broadcaster pre-authorised propose flood --bounds bounds.json --until 2027-03-31T12:00 --reason 'winter plan'"
)
def propose(
    *,
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="A notice template, as it is in force.")
    ],
    bounds: Annotated[
        Path, typer.Option("--bounds", metavar="FILE", help="JSON; docs/approval-clock.md has an example.")
    ],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="As the clock here shows it.")],
    reason: Reason,
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Propose that one officer may send this wording alone, within these bounds."""
    read = _bounds(bounds)
    with signed_in() as session:
        made = session.parts.pre_authorise.propose(
            with_code(session, code),
            template,
            read,
            ends_at=local_time(until, session.parts.settings.zone, last=True),
            reason=reason,
        )
    if as_json:
        print_json(_data(made))
    else:
        say(
            f"{made.ref} waits for a second person.",
            f"To confirm it: broadcaster pre-authorised confirm {made.ref} --hash {made.sha256}",
        )


@pre_authorised.command(epilog="Example: broadcaster pre-authorised confirm 7F3K2M --hash 1f2e...")
def confirm(
    *,
    ref: Ref,
    hash_: Annotated[
        str, typer.Option("--hash", metavar="HASH", help="As `broadcaster pre-authorised show` prints it.")
    ],
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Confirm what somebody else proposed. From then on an officer may send under it."""
    with signed_in() as session:
        made = session.parts.pre_authorise.confirm(with_code(session, code), ref, hash_)
    if as_json:
        print_json(_data(made))
    else:
        say(f"{made.ref} is in force.")


@pre_authorised.command(
    epilog="Example: broadcaster pre-authorised end 7F3K2M --reason 'the plan has changed'"
)
def end(*, ref: Ref, reason: Reason, as_json: Json = False) -> None:
    """End one at once. One person is enough: it only takes away."""
    with signed_in() as session:
        made = session.parts.pre_authorise.end(session.actor, ref, reason)
    if as_json:
        print_json({"reference": made.ref, "ended": True})
    else:
        say(f"{made.ref} is over.")


@pre_authorised.command(epilog="Example: broadcaster pre-authorised check 7F3K2M")
def check(
    *, ref: Annotated[str, typer.Argument(metavar="REF", help="A message.")], as_json: Json = False
) -> None:
    """Say whether a message may be sent alone, and where not, why."""
    with signed_in(Action.READ, channels=True) as session:
        cover = session.parts.pre_authorise.cover(ref)
    if as_json:
        print_json({"under": cover.under.ref if cover.under else None, "lacks": list(cover.lacks)})
    elif cover.under:
        say(f"It stays within {cover.under.ref}, for: {'; '.join(cover.under.bounds.events)}")
    else:
        say("It needs a second person.", *(cover.lacks or ("Nobody authorised its wording beforehand.",)))


@pre_authorised.command(
    epilog="Example: broadcaster pre-authorised send 7F3K2M --event 'Environment Agency flood warning' --code 123456"
)
def send(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="A message.")],
    event: Annotated[str, typer.Option(metavar="TEXT", help="Which of the named events has happened.")],
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Send a message that stays within what was authorised, without a second person. At once."""
    with signed_in(channels=True) as session:
        made = session.parts.send_alone.pre_authorised(with_code(session, code), ref, event)
    if as_json:
        print_json({"reference": made.ref, "broadcast": made.broadcast, "recipients": made.recipients})
    else:
        say(f"{made.ref} was released. Watch it: broadcaster status {made.ref} --watch")


def _bounds(file: Path) -> Bounds:
    try:
        return Bounds.from_json(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"{file} cannot be read as bounds: {error}. Nothing was changed.") from error


def _data(each: PreAuthorisation) -> dict[str, object]:
    names = (
        "template",
        "template_no",
        "sha256",
        "reason",
        "ends_at",
        "proposed_by",
        "confirmed_by",
        "ended_at",
        "in_use",
    )
    data = {name: getattr(each, name) for name in names}
    return {"reference": each.ref, **data, "bounds": each.bounds.to_json()}
