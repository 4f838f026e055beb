"""A message with its approval, as people and programs read it, and what to do next with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.table import Table

from broadcaster.cli import show
from broadcaster.cli.terminal import add_row, local, table
from broadcaster.domain.message import MessageState
from broadcaster.service.proof import Proof, ProofPost
from broadcaster.service.report import TurnedDown

NO_MESSAGES = (
    "There is no message yet. Write one: broadcaster template list, then broadcaster message draft NAME"
)
_DID = {"message_returned": "Returned", "message_rejected": "Rejected", "broadcast_stopped": "Stopped"}


def view(
    proof: Proof,
    *,
    facts: Mapping[str, str],
    decision: Mapping[str, str],
    turned_down: TurnedDown | None,
    zone: ZoneInfo,
) -> Iterator[RenderableType]:
    """The proof, then the hash and the people."""
    yield show.proof(proof, facts, zone)
    if turned_down:
        yield (
            f"{_DID[turned_down.act]} by {turned_down.actor} at {local(turned_down.at, zone)}: {turned_down.reason}"
        )
    if decision:
        yield f"Submitted by {decision['submitted_by']}, {_standing(decision, zone)}"
        yield f"Hash {decision['manifest_sha256']}"


def following(proof: Proof, decision: Mapping[str, str]) -> Iterator[str]:
    """What to do next, by state."""
    ref = proof.ref
    match proof.state:
        case MessageState.DRAFT if proof.problems:
            yield f"Next: mend what is named above with broadcaster message edit {ref}"
        case MessageState.DRAFT:
            yield f"Next: broadcaster message submit {ref}"
        case MessageState.SUBMITTED if _is_too_late(decision):
            yield f"To try again: broadcaster message edit {ref}, then submit it"
        case MessageState.SUBMITTED:
            yield f"Next, another person: broadcaster message approve {ref} --hash {decision['manifest_sha256']}"
        case MessageState.RELEASED:
            yield f"What became of it: broadcaster status {ref}"
        case MessageState.EXPIRED:
            yield f"Nobody approved it in time. To try again: broadcaster message edit {ref}, then submit it"


def _standing(decision: Mapping[str, str], zone: ZoneInfo) -> str:
    until = local(decision["expires_at"], zone)
    if decision["approved_by"]:
        return f"approved by {decision['approved_by']}."
    return f"not approved in time: expired at {until}." if _is_too_late(decision) else f"waits until {until}."


def _is_too_late(decision: Mapping[str, str]) -> bool:
    return datetime.fromisoformat(decision["expires_at"]) <= datetime.now(UTC)


def as_json_data(
    proof: Proof, *, facts: Mapping[str, str], decision: Mapping[str, str], turned_down: TurnedDown | None
) -> dict[str, Any]:
    """The same for programs."""
    audience = proof.audience
    return {
        "reference": proof.ref,
        "version": proof.version,
        "mode": proof.mode,
        "state": proof.state,
        "expires": proof.expires,
        "visibility": proof.visibility,
        "facts": dict(facts),
        "audience": audience
        and {
            "name": audience.name,
            "version": audience.no,
            "count": audience.size,
            "sha256": audience.sha256,
        },
        "languages": dict(proof.languages),
        "later": dict(proof.later),
        "posts": [_post(each) for each in proof.posts],
        "problems": list(proof.problems),
        "findings": [asdict(each) for each in proof.findings],
        "reading_age": proof.reading_age,
        "decision": dict(decision) or None,
        "turned_down": turned_down and asdict(turned_down),
    }


def listed(found: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Table | str:
    """The newest messages, or what to do where there is none."""
    if not found:
        return NO_MESSAGES
    made = table("Ref", "Mode", "State", "Headline", "By", "Written")
    for each in found:
        cells = (
            each["reference"],
            str(each["mode"]).upper(),
            each["state"],
            each["headline"],
            each["author"],
        )
        add_row(made, (*cells, local(each["created_at"], zone)))
    return made


def _post(shown: ProofPost) -> dict[str, Any]:
    post = shown.post
    return {
        "channel": shown.channel,
        "account": shown.account,
        "speaks_as": shown.speaks_as,
        "ways": [way.to_json() for way in shown.ways],
        "language": post.language,
        "title": post.title,
        "text": post.text,
        "parts": list(post.parts),
        "link": post.link,
        "left_out": list(post.left_out),
        "images": [image.to_json() for image in post.images],
        "segments": shown.segments,
        "replaced": list(shown.replaced),
        "late_slots": post.late_slots(),
        "sha256": post.digest,
        "problems": [asdict(problem) for problem in shown.problems],
    }
