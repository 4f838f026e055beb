"""`broadcaster again` and `broadcaster by-hand`: what people do about what did not go as it should."""

from datetime import datetime
from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import Session, signed_in
from broadcaster.cli.terminal import Json, add_row, many, print_json, say, table
from broadcaster.domain.errors import NotFound
from broadcaster.domain.policy import Action
from broadcaster.domain.times import last_time
from broadcaster.service.board import Board, Place

app = terminal.group("Try again what a platform refused.")
by_hand = terminal.group("Note what people posted themselves, or told in another way.")

Ref = Annotated[str, typer.Argument(metavar="REF", help="The message's reference.")]
Account = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="The account, as `broadcaster status REF` names it.")
]
At = Annotated[str, typer.Option(metavar="HH:MM", help="When, as the clock here showed it.")]


@app.command(epilog="Example: broadcaster again 7F3K2M page --reason 'the token was renewed'")
def again(
    *,
    ref: Ref,
    account: Annotated[
        str,
        typer.Argument(
            metavar="ACCOUNT", help="The account; without one, what can be tried again is listed."
        ),
    ] = "",
    code: Annotated[str, typer.Option(help="Why it was refused; only needed where there are several.")] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What you mended, for the auditor.")] = "",
    as_json: Json = False,
) -> None:
    """Try again what a platform surely did not take, once its cause is mended. What may have been taken is never tried
    again here: see `broadcaster unknown`."""
    if not account:
        with signed_in(Action.READ) as session:
            _list(session.parts.boards.of(ref), as_json=as_json)
        return
    with signed_in() as session:
        place = _place(session, ref, account)
        chosen = _code(place, code)
        count = session.parts.try_again.try_again(session.actor, ref, place.target_id, chosen, reason=reason)
    if as_json:
        print_json({"reference": ref.upper(), "account": account, "code": chosen, "tried_again": count})
    else:
        say(f"{many(count, 'delivery') if count == 1 else f'{count:,} deliveries'} wait to be sent again.")


def _list(board: Board, *, as_json: bool) -> None:
    found = [
        {"account": place.account, "channel": place.channel, "code": r.code, "count": r.count, "text": r.text}
        for place in board.places
        for r in place.counted.reasons
        if r.state == "failed" and r.code in place.can_retry
    ]
    if as_json:
        print_json(found)
        return
    if not found:
        say(
            f"Nothing of {board.ref} can be tried again: nothing was refused, or it is not in force any more."
        )
        return
    shown = table("Account", "Channel", "Code", "How many", "Why")
    for each in found:
        add_row(shown, each.values())
    say(shown, f"Mend the cause, then: broadcaster again {board.ref} ACCOUNT --reason TEXT")


@by_hand.command(epilog="Example: broadcaster by-hand text 7F3K2M page")
def text(*, ref: Ref, account: Account, as_json: Json = False) -> None:
    """Print what was approved for a public place, to be posted there by a person."""
    with signed_in(Action.READ) as session:
        post = session.parts.by_hand.text(ref, _place(session, ref, account).target_id)
    if as_json:
        print_json({"title": post.title, "parts": list(post.parts), "link": post.link})
        return
    say(*filter(None, (post.title, *post.parts, post.link)))


@by_hand.command(epilog="Example: broadcaster by-hand posted 7F3K2M page --at 03:14 --link https://...")
def posted(
    *,
    ref: Ref,
    account: Account,
    at: At,
    link: Annotated[str, typer.Option(metavar="ADDRESS", help="Where your post can be read.")],
    as_json: Json = False,
) -> None:
    """Say that you have posted the approved text yourself. Nothing more of ours is sent to that place."""
    with signed_in() as session:
        place, moment = _place(session, ref, account), _moment(session, at)
        session.parts.by_hand.posted(session.actor, ref, place.target_id, at=moment, link=link)
    if as_json:
        print_json({"reference": ref.upper(), "account": account, "at": moment, "link": link})
    else:
        say("Noted: you posted it by hand.")


@by_hand.command(
    epilog="Example: broadcaster by-hand told 7F3K2M radio --at 03:30 --words 'Read out at half past'"
)
def told(
    *,
    ref: Ref,
    way: Annotated[str, typer.Argument(metavar="WAY", help="Such as doors, radio, loudspeaker van.")],
    at: At,
    words: Annotated[str, typer.Option(metavar="TEXT", help="What was said, or where.")] = "",
    as_json: Json = False,
) -> None:
    """Note that people were told in another way: at doors, on the radio."""
    with signed_in() as session:
        moment = _moment(session, at)
        session.parts.by_hand.told(session.actor, ref, way=way, at=moment, words=words)
    if as_json:
        print_json({"reference": ref.upper(), "way": way, "at": moment})
    else:
        say(f"Noted: people were told by {way}.")


def _place(session: Session, ref: str, account: str) -> Place:
    board = session.parts.boards.of(ref)
    found = next((p for p in board.places if p.account == account), None)
    if found is None:
        names = ", ".join(p.account for p in board.places) or "none yet: it was not released"
        raise NotFound(f'{board.ref} has no account "{account}". It has: {names}. Nothing was changed.')
    return found


def _code(place: Place, given: str) -> str:
    """The one that can be tried again, where nobody said which."""
    if given or len(place.can_retry) == 1:
        return given or next(iter(place.can_retry))
    if place.can_retry:
        raise typer.BadParameter(f"give one of: {', '.join(sorted(place.can_retry))}", param_hint="--code")
    raise NotFound(f"Nothing of {place.account} can be tried again. Nothing was changed.")


def _moment(session: Session, typed: str) -> datetime:
    with session.parts.database.read() as tx:
        return last_time(typed, tx.now(), session.parts.settings.zone)
