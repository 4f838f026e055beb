"""`broadcaster message`: writing, submitting, approving and looking at messages."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from broadcaster.cli import asked, follow_ups, papers, terminal
from broadcaster.cli.facts import Channels, Facts, Languages, Later, read_facts, single_values
from broadcaster.cli.images import Alts, Images, changed_images, read_images
from broadcaster.cli.message_view import as_json_data, following, listed, view
from broadcaster.cli.proposals import with_factor
from broadcaster.cli.session import Session, signed_in
from broadcaster.cli.terminal import Json, local, print_json, say
from broadcaster.domain.blanks import BlankType
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Mode, Visibility
from broadcaster.domain.policy import Action
from broadcaster.service.proof import Proof
from broadcaster.service.report import Written

HELD = "Storm mode is on, so it waits and is not sent. To let it go: broadcaster storm decide {ref} go-on"
messages = terminal.group("Write, submit, approve and look at messages.")

Ref = Annotated[str, typer.Argument(metavar="REF", help="The message's reference, such as 7F3K2M.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="BLANK=VALUE", help="One value, as blank=value; may be repeated."),
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why: the officer and the auditor read it.")]


@messages.command(
    epilog="Example: broadcaster message draft severe-weather --facts facts.toml --audience residents"
)
def draft(
    *,
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="A name from `broadcaster template list`.")
    ],
    facts: Facts = None,
    values: Values = None,
    channel: Channels = None,
    audience: Annotated[str, typer.Option(metavar="NAME", help="Who gets the text messages.")] = "",
    mode: Annotated[Mode, typer.Option(help="To the public, or to the exercise accounts.")] = Mode.LIVE,
    incident: Annotated[
        str, typer.Option(metavar="REF", help="The incident this belongs to; without one, a new one.")
    ] = "",
    visibility: Annotated[
        Visibility, typer.Option(help="Who may read it. What is not public goes to an audience only.")
    ] = Visibility.PUBLIC,
    language: Languages = None,
    later: Later = "",
    image: Images = None,
    alt: Alts = None,
    as_json: Json = False,
) -> None:
    """Write a new message and show what every channel would say. Nothing is sent."""
    given = single_values(values or ())
    images = read_images(image or (), alt or ())
    with signed_in(channels=True) as session:
        notice = session.parts.templates.current(template)
        given = {**(read_facts(facts, template=template) if facts else {}), **given}
        made = session.parts.compose.draft(
            session.actor,
            template=notice,
            values=given,
            channels=channel or (),
            audience=audience,
            mode=mode,
            incident=incident,
            visibility=visibility,
            images=images,
            languages=language,
            later=later,
        )
        _show(session, made, as_json=as_json)


@messages.command(epilog="Example: broadcaster message edit 7F3K2M --set expires=+6h")
def edit(
    *,
    ref: Ref,
    facts: Facts = None,
    values: Values = None,
    channel: Channels = None,
    audience: Annotated[
        str | None, typer.Option(metavar="NAME", help='Who gets the text messages; "" for nobody.')
    ] = None,
    language: Languages = None,
    later: Later = "",
    image: Images = None,
    alt: Alts = None,
    no_images: Annotated[bool, typer.Option("--no-images", help="Take all pictures out.")] = False,
    as_json: Json = False,
) -> None:
    """Change a message that is not released. What is not given stays; a file of facts replaces all values, pictures
    replace all pictures, and --alt without --image gives the pictures that are there other alt texts, from the first on.

    An open submission becomes void: what was shown to an approver is not what would be sent.
    """
    pictures = changed_images(image or (), alt or (), no_images=no_images)
    with signed_in(Action.WRITE, channels=True) as session:
        before = session.parts.report.written(ref)
        kept = read_facts(facts, template=before.template.name) if facts else before.values
        given = {**kept, **single_values(values or ())}
        made = session.parts.compose.edit(
            session.actor,
            ref,
            template=before.template,
            values=given,
            channels=channel or _channels(session, ref, before),
            audience=before.audience if audience is None else audience,
            images=pictures,
            alts=() if image else alt or (),
            languages=language,
            later=later,
        )
        _show(session, made, as_json=as_json)
    if not as_json and (counted := _counted_from_now(before, given)):
        say(f"Counted from now again: {counted}. Look at the times above.")


def _channels(session: Session, ref: str, before: Written) -> Sequence[str]:
    """The channels of the accounts chosen so far. Invalid where one is gone, instead of leaving it out silently."""
    configured = session.parts.channels.get(before.mode, {})
    if gone := [name for name in before.accounts if name not in configured]:
        raise Invalid(
            f"These accounts of {ref} are not set up any more: {', '.join(gone)}. "
            "Choose the channels again with --channel. Nothing was changed."
        )
    return sorted({configured[name].name for name in before.accounts})


def _counted_from_now(before: Written, given: Mapping[str, str]) -> str:
    times = [b.name for b in before.template.blanks if b.type is BlankType.TIME]
    return ", ".join(f"{n}={given[n]}" for n in times if given.get(n, "").startswith("+"))


@messages.command(epilog="Example: broadcaster message preview 7F3K2M")
def preview(*, ref: Ref, as_json: Json = False) -> None:
    """Show what every channel would say, and what stands against it."""
    with signed_in(Action.READ, channels=True) as session:
        _show(session, session.parts.compose.preview(ref), as_json=as_json)


@messages.command(epilog="Example: broadcaster message show 7F3K2M")
def show(*, ref: Ref, as_json: Json = False) -> None:
    """Show a message exactly as it would be or was approved, with its hash and who submitted and approved it."""
    with signed_in(Action.READ, channels=True) as session:
        _show(session, session.parts.compose.preview(ref), as_json=as_json)


@messages.command(epilog="Example: broadcaster message submit 7F3K2M")
def submit(*, ref: Ref, as_json: Json = False) -> None:
    """Hand a message to a second person, exactly as it is now."""
    with signed_in(channels=True) as session:
        made = session.parts.compose.submit(session.actor, ref)
        _show(session, made.proof, as_json=as_json)


@messages.command(epilog="Example: broadcaster message approve 7F3K2M --hash 5f0c...")
def approve(
    *,
    ref: Ref,
    hash_: Annotated[
        str, typer.Option("--hash", metavar="HASH", help="The hash that `broadcaster message show` prints.")
    ],
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Approve exactly what has this hash. That sends it at once. A live message wants your second factor, given a few
    minutes ago at most: with --code, or when you are asked."""
    with signed_in(channels=True) as session:
        made = with_factor(session, code, lambda actor: session.parts.approve.approve(actor, ref, hash_))
        held = session.parts.storm.holds(made.ref)
        zone = session.parts.settings.zone
    if as_json:
        keys = ("broadcast", "released_at", "public_posts", "recipients")
        print_json({"reference": made.ref, **{key: getattr(made, key) for key in keys}})
        return
    say(
        f"{made.ref} was approved and released at {local(made.released_at, zone)}. "
        f"Public posts: {made.public_posts}. Single recipients: {made.recipients:,}.",
        f"Watch it: broadcaster status {made.ref} --watch",
        *([HELD.format(ref=made.ref)] if held else []),
    )


@messages.command("return", epilog='Example: broadcaster message return 7F3K2M --reason "Name the streets"')
def return_(*, ref: Ref, reason: Reason, as_json: Json = False) -> None:
    """Give a submitted message back to its officer, as a draft, with the reason."""
    with signed_in() as session:
        session.parts.approve.send_back(session.actor, ref, reason)
    _say_decided(
        ref,
        "draft",
        f"is a draft again. Its officer sees why: broadcaster message show {ref}",
        as_json=as_json,
    )


@messages.command(epilog='Example: broadcaster message reject 7F3K2M --reason "The warning was withdrawn"')
def reject(*, ref: Ref, reason: Reason, as_json: Json = False) -> None:
    """Refuse a submitted message for good, with the reason."""
    with signed_in() as session:
        session.parts.approve.reject(session.actor, ref, reason)
    _say_decided(ref, "rejected", "is rejected. Nothing of it is sent.", as_json=as_json)


@messages.command("list", epilog="Example: broadcaster message list --limit 5")
def list_(
    *, limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20, as_json: Json = False
) -> None:
    """List the newest messages."""
    with signed_in(Action.READ) as session:
        found = session.parts.report.messages(limit=limit)
        zone = session.parts.settings.zone
    if as_json:
        print_json(found)
    else:
        say(listed(found, zone))


messages.command("sent-in-error", epilog=follow_ups.READY_EXAMPLE)(follow_ups.send_ready)
messages.command("follow-up", epilog=follow_ups.EXAMPLE)(follow_ups.follow_up)
messages.command(epilog="Example: broadcaster message lines 7F3K2M")(papers.lines)
messages.command(epilog="Example: broadcaster message poster 7F3K2M -o poster.pdf")(papers.poster)


def _show(session: Session, proof: Proof, *, as_json: bool) -> None:
    """A message with all that is known of its approval, and what to do next."""
    report, zone = session.parts.report, session.parts.settings.zone
    data: dict[str, Any] = {
        "facts": report.written(proof.ref).facts.to_json(),
        "decision": report.decision(proof.ref),
        "turned_down": report.turned_down(proof.ref),
    }
    if as_json:
        images = session.parts.compose.images(proof.ref)
        print_json({**as_json_data(proof, **data), "images": [asdict(each) for each in images]})
    else:
        say(*view(proof, zone=zone, **data), *following(proof, data["decision"]))


def _say_decided(ref: str, state: str, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"reference": ref.upper(), "state": state})
    else:
        say(f"{ref.upper()} {text}")
