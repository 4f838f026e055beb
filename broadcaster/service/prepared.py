"""Wording and rendering what lies ready beside an alert, when it is submitted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import structlog

from broadcaster.db import messages, sequels, templates
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message, Version
from broadcaster.domain.canonical import Json, canonical, sha256
from broadcaster.domain.errors import Invalid
from broadcaster.domain.follow_up import Follows, Purpose
from broadcaster.domain.languages import Filled, can_speak, fill_all
from broadcaster.domain.message import MessageState
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.tongues import tongue_of
from broadcaster.render.notices import shipped_notice
from broadcaster.service.proof import Proofs

log = structlog.get_logger()


def prepare(tx: Tx, proofs: Proofs, row: Message, version: Version, *, zone: ZoneInfo) -> tuple[str, str]:
    """Reference and content of what is to lie ready for a message that is being submitted; both empty where its template
    wants nothing, or where it cannot be worded from what is known."""
    if version.template.get("prepares") != Purpose.SENT_IN_ERROR or row.amends_id is not None:
        return "", ""
    template = _in_force(tx)
    order = [code for code in version.spoken.order if code in can_speak(template)]
    values = _values(template, order, row, version, zone)
    try:
        said = fill_all(template, values, order, zone=zone, now=tx.now())
    except Invalid as problem:
        log.warning("nothing_lies_ready", message=row.ref, reason=len(problem.details))
        return "", ""
    ref = messages.unused_reference(tx)
    proof = proofs.of_version(tx, _as_row(row, ref), _as_version(version, template, said, values))
    if proof.problems:
        log.warning("nothing_lies_ready", message=row.ref, reason=len(proof.problems))
        return "", ""
    content: dict[str, Json] = {
        "accounts": list(version.accounts),
        "audience": str(version.audience_version_id or ""),
        "blanks": dict(values),
        "facts": dict(said.facts.to_json()),
        "posts": [each.post.to_bytes().decode() for each in proof.posts],
        "ref": ref,
        "template": template.to_json(),
        **({"languages": said.spoken.to_json()} if said.spoken.order else {}),
    }
    return ref, canonical(content).decode()


def _values(
    template: NoticeTemplate, order: Sequence[str], row: Message, version: Version, zone: ZoneInfo
) -> dict[str, str]:
    """What is known for the template's blanks, in its own language and in these."""
    known = {**version.blanks, "area": version.facts.area, "source": version.facts.source}
    known |= {
        "wrong": tongue_of(template.language).in_error,
        "wrong_ref": row.ref,
        "expires": f"{version.facts.expires_at.astimezone(zone):%Y-%m-%dT%H:%M}",
    }
    for code in order:
        if facts := version.spoken.facts.get(code):
            known |= {
                f"area.{code}": facts.area,
                f"source.{code}": facts.source,
                f"wrong.{code}": tongue_of(code).in_error,
                f"wrong_ref.{code}": row.ref,
            }
    names = [blank.name for blank in template.blanks]
    names += [f"{name}.{code}" for name in names for code in order]
    return {name: known[name] for name in names if known.get(name)}


def _as_row(row: Message, ref: str) -> Message:
    """The message that it will be, once it is needed."""
    follows = Follows(message_id=row.id, purpose=Purpose.SENT_IN_ERROR)
    return replace(
        row,
        id=0,
        ref=ref,
        state=MessageState.DRAFT,
        kind=follows.kind,
        purpose=follows.purpose,
        amends_id=row.id,
    )


def _as_version(
    version: Version, template: NoticeTemplate, said: Filled, values: Mapping[str, str]
) -> Version:
    return replace(
        version,
        id=0,
        facts=said.facts,
        spoken=replace(said.spoken, later=version.spoken.later),
        blanks=values,
        template=template.to_json(),
        template_id=None,
        template_no=None,
        images=(),
    )


def digest(content: str) -> str:
    """What stands in the manifest beside which it lies; empty for nothing."""
    return sha256(json.loads(content)) if content else ""


def digest_for(tx: Tx, submission_id: int) -> str:
    found = sequels.of(tx, submission_id)
    return digest(found.content) if found else ""


def _in_force(tx: Tx) -> NoticeTemplate:
    edited = templates.in_force(tx, Purpose.SENT_IN_ERROR)
    return (
        NoticeTemplate.from_json(json.loads(edited.content))
        if edited
        else shipped_notice(Purpose.SENT_IN_ERROR)
    )
