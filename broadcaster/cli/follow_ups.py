"""`broadcaster message follow-up`: an update, correction, all-clear, cancel or "sent in error" of a message that was sent."""

from typing import Annotated

import typer

from broadcaster.cli.facts import Facts, Languages, Later, read_facts, single_values
from broadcaster.cli.images import Alts, Images, read_images
from broadcaster.cli.message_view import as_json_data, following, view
from broadcaster.cli.session import Session, signed_in
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.domain.follow_up import Purpose
from broadcaster.service.proof import Proof

Differing = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="BLANK=VALUE", help="What differs, as blank=value; may be repeated. The rest stays."
    ),
]
Elsewhere = Annotated[
    list[str] | None,
    typer.Option(
        "--channel", metavar="CHANNEL", help="A channel to use; without, those that the first went to."
    ),
]
WhyDown = Annotated[
    str,
    typer.Option(metavar="TEXT", help="Why what was published comes down: for sent-in-error and found."),
]

EXAMPLE = "Example: broadcaster message follow-up 7F3K2M --as correction --set action='Stay indoors'"


def follow_up(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The message that was sent, such as 7F3K2M.")],
    purpose: Annotated[Purpose, typer.Option("--as", help="For what it follows.")],
    facts: Facts = None,
    values: Differing = None,
    channel: Elsewhere = None,
    no_texts: Annotated[bool, typer.Option("--no-texts", help="Nobody gets a text message.")] = False,
    image: Images = None,
    alt: Alts = None,
    reason: WhyDown = "",
    language: Languages = None,
    later: Later = "",
    as_json: Json = False,
) -> None:
    """Draft a message that follows one that was sent, with what is known already. Nothing is sent: submit it, and a second
    person approves it. Its texts go to exactly those who got the first."""
    given = single_values(values or ())
    images = read_images(image or (), alt or ())
    with signed_in(channels=True) as session:
        begun = session.parts.follow_ups.begin(session.actor, ref, purpose)
        given = {**(read_facts(facts, template=begun.template.name) if facts else {}), **given}
        made = session.parts.follow_ups.draft(
            session.actor,
            ref,
            purpose,
            values=given,
            channels=channel or (),
            audience="" if no_texts else None,
            images=images,
            reason=reason,
            languages=language,
            later=later,
        )
        said = f"It follows {begun.ref}, which said: {begun.said.headline}. {begun.said.instruction}"
        _show(session, made, said, as_json=as_json)


def _show(session: Session, made: Proof, said: str, *, as_json: bool) -> None:
    report, zone = session.parts.report, session.parts.settings.zone
    facts = report.written(made.ref).facts.to_json()
    decision, turned_down = report.decision(made.ref), report.turned_down(made.ref)
    if as_json:
        print_json(as_json_data(made, facts=facts, decision=decision, turned_down=turned_down))
        return
    say(said)
    say(*view(made, zone=zone, facts=facts, decision=decision, turned_down=turned_down))
    say(*following(made, decision))


READY_EXAMPLE = 'Example: broadcaster message sent-in-error 7F3K2M --reason "A drill went to the public"'


def send_ready(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The message that was wrong, such as 7F3K2M.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: for the record. It is not published.")],
    as_json: Json = False,
) -> None:
    """Send the "sent in error" that lies ready for a message, at once and alone: it was approved together with it. It goes
    wherever the message went, and what was published comes down. Where nothing lies ready, use follow-up."""
    with signed_in(channels=True) as session:
        made = session.parts.sequels.send(session.actor, ref, reason)
    if as_json:
        keys = ("broadcast", "released_at", "public_posts", "recipients")
        print_json({"reference": made.ref, **{key: getattr(made, key) for key in keys}})
        return
    say(
        f"{made.ref} was released. Public posts: {made.public_posts}. Single recipients: at most {made.recipients:,}.",
        f"Watch it: broadcaster status {made.ref} --watch",
    )
