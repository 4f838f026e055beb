"""The manifest of a message, built from what the database holds: for submitting, and again for comparing at approval."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from broadcaster.db import audiences, messages
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message, Version
from broadcaster.domain.broadcast import on_unknown
from broadcaster.domain.canonical import sha256
from broadcaster.domain.languages import Spoken
from broadcaster.domain.manifest import (
    ApprovedAudience,
    ApprovedLanguage,
    ApprovedPart,
    ApprovedTemplate,
    Manifest,
    ManifestTarget,
)
from broadcaster.domain.post import Post, digest_of
from broadcaster.service import succession
from broadcaster.service.ways import to_approve
from channels.base import Channel, SendsMany


def target_of(content: bytes, configured: Mapping[str, Channel]) -> ManifestTarget:
    """The manifest's entry for stored post content. ValueError or KeyError where the content is no post, or is for an
    account that is not set up."""
    post = Post.from_bytes(content)
    return ManifestTarget(
        channel=post.channel,
        account=post.account,
        speaks_as=configured[post.account].target,
        ways=to_approve(post.account, configured),
        language=post.language,
        post_sha256=digest_of(content),
        late_slots=tuple(post.late_slots()),
    )


def build_manifest(
    tx: Tx,
    row: Message,
    version: Version,
    targets: Sequence[ManifestTarget],
    configured: Mapping[str, Channel],
    sequel: str = "",
) -> Manifest:
    """All that would be sent, from what the database holds now: for submitting, and again for comparing at approval.

    The audience's numbers are read again, so that a change of one is seen.
    """
    facts, spoken, audience = version.facts, version.spoken, None
    if version.audience_version_id:
        found = audiences.version_by_id(tx, version.audience_version_id)
        digest, count = audiences.digest(tx, found.id)
        parts = _parts(tx, found.id, spoken)
        audience = ApprovedAudience(
            name=found.name, version=found.no, sha256=digest, count=count, parts=parts
        )
        audience = succession.approved_audience(tx, row, audience)
    return Manifest(
        message=row.uid,
        reference=row.ref,
        version=row.version,
        mode=row.mode,
        kind=row.kind,
        purpose=row.purpose,
        incident=messages.incident_ref(tx, row.incident_id),
        sequence=messages.sequence(tx, row),
        facts_sha256=sha256(facts.to_json()),
        expires=facts.expires,
        not_before="",
        on_unknown=on_unknown(facts.severity, facts.urgency),
        audience=audience,
        targets=succession.acts(tx, row, _spoken_to(targets, spoken, configured), configured),
        visibility=row.visibility,
        template=_template(version),
        sequel=sequel,
        follows=messages.by_id(tx, row.amends_id).ref if row.amends_id else "",
        languages=tuple(
            ApprovedLanguage(language=code, facts_sha256=sha256(spoken.facts.get(code, facts).to_json()))
            for code in spoken.order
        ),
        languages_later=spoken.later,
    )


def _parts(tx: Tx, version_id: int, spoken: Spoken) -> tuple[ApprovedPart, ...]:
    """Who of an audience gets which language; none where there is one for all."""
    parts = []
    for code in spoken.order:
        who = spoken.speaking(code)
        digest, count = audiences.digest(tx, version_id, who)
        parts.append(ApprovedPart(speaking=str(who), count=count, sha256=digest))
    return tuple(parts)


def _spoken_to(
    targets: Sequence[ManifestTarget], spoken: Spoken, configured: Mapping[str, Channel]
) -> list[ManifestTarget]:
    """The targets, those of texts with the part of the audience that they are for."""
    many = {t.account for t in targets if isinstance(configured[t.account], SendsMany)}
    return [
        replace(t, speaking=str(spoken.speaking(t.language))) if t.account in many else t for t in targets
    ]


def _template(version: Version) -> ApprovedTemplate | None:
    """Its digest is taken of what is stored, not of what was said of it."""
    if version.template_no is None:
        return None
    content = dict(version.template)
    return ApprovedTemplate(name=str(content["name"]), version=version.template_no, sha256=sha256(content))


def overtaken(current: Manifest, submitted: bytes) -> bool:
    """Whether nothing has changed but the message's number: others of its incident were released meanwhile."""
    try:
        number = json.loads(submitted)["sequence"]
    except (ValueError, KeyError, TypeError):
        return False
    current = as_submitted(current, submitted)
    return number != current.sequence and replace(current, sequence=number).to_bytes() == submitted


def as_submitted(current: Manifest, submitted: bytes) -> Manifest:
    """Fewer people may have got the first text by now than when its follow-up was submitted. That subtracts, and refuses
    nothing: the count that was shown stands."""
    mine = current.audience
    if not (mine and mine.received):
        return current
    try:
        told = json.loads(submitted)["audience"]
        shown = int(told["count"])
        counts = {str(part["speaking"]): int(part["count"]) for part in told.get("parts", ())}
    except (ValueError, KeyError, TypeError):
        return current
    parts = tuple(replace(part, count=max(counts.get(part.speaking, 0), part.count)) for part in mine.parts)
    return replace(current, audience=replace(mine, count=max(shown, mine.count), parts=parts))
