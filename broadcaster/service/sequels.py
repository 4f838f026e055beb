"""The correction is ready before it is needed: a "sent in error" that is worded, rendered and approved with an alert.

Hawaii, 13 January 2018: the first correction took 38 minutes. One officer sends what lies ready at once, with a reason; every
word of it was approved when the alert was. It gets a manifest of its own, checked against what was approved.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from broadcaster.db import (
    accounts,
    audit_log,
    broadcasts,
    messages,
    notices,
    people,
    sequels,
    submissions,
)
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message, Version
from broadcaster.db.people import Person
from broadcaster.db.sequels import Sequel
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.canonical import canonical
from broadcaster.domain.errors import Stale
from broadcaster.domain.follow_up import Follows, Purpose
from broadcaster.domain.languages import Spoken
from broadcaster.domain.manifest import Manifest, manifest_hash
from broadcaster.domain.message import Facts, MessageState, Mode
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.post import digest_of
from broadcaster.queue import Bells
from broadcaster.service.approve import Approve, Released
from broadcaster.service.manifests import build_manifest, target_of
from broadcaster.service.prepared import digest
from channels.base import ChannelsOfMode

log = structlog.get_logger()

ALTERED = "What lies ready is not what was approved. Nothing was sent. Write the correction anew, and tell an administrator."


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What lies ready for a released message, as it would read. `posts` are (channel, text)."""

    ref: str
    of: str
    facts: Facts
    posts: tuple[tuple[str, str], ...]


class Sequels:
    def __init__(self, database: Database, channels: ChannelsOfMode, approve: Approve, bells: Bells) -> None:
        self._database = database
        self._channels = channels
        self._approve = approve
        self._bells = bells

    def ready(self, ref: str) -> Ready | None:
        """What lies ready for a message that was released, and was not sent yet."""
        with self._database.read() as tx:
            row = messages.find(tx, ref)
            found = _of(tx, row)
            if found is None or found.message_id is not None:
                return None
            content = json.loads(found.content)
            posts = tuple((post["channel"], post["text"]) for post in map(json.loads, content["posts"]))
            return Ready(ref=found.ref, of=row.ref, facts=Facts.from_json(content["facts"]), posts=posts)

    def send(self, actor: Person, ref: str, reason: str) -> Released:
        """One officer sends what was approved with the message. Stale where nothing lies ready or it was altered."""
        require(actor.name, actor.roles, Action.WRITE)
        require_reason(reason)
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            found = _of(tx, row)
            if found is None:
                raise Stale(f"Nothing lies ready for {row.ref}. Write what follows it. Nothing was sent.")
            if found.message_id is not None:
                raise Stale(f"{found.ref} was sent already. Nothing was changed.")
            released, manifest_sha256 = self._release(tx, row, found, actor, reason.strip())
            audit_log.append(
                tx,
                actor=actor.name,
                act="sent_in_error_sent",
                subject=released.ref,
                payload={
                    "broadcast": released.broadcast,
                    "follows": row.ref,
                    "manifest_sha256": manifest_sha256,
                    "public_posts": released.public_posts,
                    "recipients": released.recipients,
                    "reason": reason.strip(),
                },
            )
            made = broadcasts.by_message(tx, messages.find(tx, released.ref).id)
        assert made
        self._bells.ring(row.mode, Lane.PUBLIC, wanted=released.public_posts)
        if released.recipients:
            self._bells.plan(made.id, row.mode)
        return released

    def _release(
        self, tx: Tx, row: Message, found: Sequel, actor: Person, reason: str
    ) -> tuple[Released, str]:
        """A message, a version and a submission of its own, and a manifest that says what it does now; each of its posts is
        to the byte the approved one."""
        submitted = submissions.latest_for(tx, row.id)
        approved = sequels.approved(tx, submitted.id) if submitted else None
        if approved is None or not _is_approved(approved.manifest, approved.manifest_sha256, found.content):
            raise Stale(ALTERED)
        content = json.loads(found.content)
        made = self._message(tx, row, content, actor, reason)
        sequels.set_message(tx, found.id, made.id)
        version = messages.current_version(tx, made)
        if version.facts.expires_at <= tx.now():
            raise Stale(
                f"{row.ref} has ended, and what lay ready with it. Write what follows it. Nothing was sent."
            )
        manifest, sha = self._submit(tx, made, version, [text.encode() for text in content["posts"]], actor)
        approver = replace(people.by_id(tx, approved.approver_id), factor=approved.factor)
        return self._approve.release_approved(
            tx, messages.by_id(tx, made.id), version, manifest, approver
        ), sha

    def _submit(
        self, tx: Tx, made: Message, version: Version, posts: Sequence[bytes], actor: Person
    ) -> tuple[Manifest, str]:
        """The manifest that it now is under, and its hash."""
        configured = self._channels.get(made.mode, {})
        manifest = build_manifest(
            tx, made, version, [target_of(each, configured) for each in posts], configured
        )
        sha = manifest_hash(manifest.to_bytes())
        submission_id = submissions.insert(
            tx,
            version.id,
            manifest=manifest.to_bytes(),
            manifest_sha256=sha,
            submitted_by=actor.id,
            expires_at=version.facts.expires_at,
        )
        for target, each in zip(manifest.targets, posts, strict=False):
            account = accounts.ensure(tx, mode=made.mode, channel=target.channel, name=target.account)
            submissions.insert_post(
                tx,
                submission_id,
                channel=target.channel,
                account_id=account.id,
                language=target.language,
                content=each,
                sha256=digest_of(each),
            )
        messages.set_state(tx, made.id, MessageState.SUBMITTED)
        return manifest, sha

    def _message(
        self, tx: Tx, row: Message, content: Mapping[str, Any], actor: Person, reason: str
    ) -> Message:
        template = NoticeTemplate.from_json(content["template"])
        stored = canonical(template.to_json()).decode()
        template_id = notices.ensure(tx, name=template.name, sha256=template.sha256, content=stored)
        made = messages.insert(
            tx,
            incident_id=row.incident_id,
            mode=Mode(row.mode),
            visibility=row.visibility,
            author_id=actor.id,
            follows=Follows(message_id=row.id, purpose=Purpose.SENT_IN_ERROR, reason=reason),
            ref=content["ref"],
        )
        messages.insert_version(
            tx,
            made.id,
            no=1,
            facts=Facts.from_json(content["facts"]),
            spoken=Spoken.from_json(content.get("languages", {})),
            blanks=content["blanks"],
            accounts=content["accounts"],
            notice_template_id=template_id,
            audience_version_id=int(content["audience"]) if content["audience"] else None,
            author_id=actor.id,
        )
        return messages.by_id(tx, made.id)


def _of(tx: Tx, row: Message) -> Sequel | None:
    if row.state is not MessageState.RELEASED:
        return None
    submitted = submissions.latest_for(tx, row.id)
    return sequels.of(tx, submitted.id) if submitted else None


def _is_approved(manifest: bytes, approved_sha256: str, content: str) -> bool:
    if manifest_hash(manifest) != approved_sha256:
        return False
    return bool(json.loads(manifest).get("sequel") == digest(content))
