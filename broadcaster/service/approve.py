"""A second person approves exact bytes, and that releases them: one transaction, then the bell."""

from dataclasses import dataclass
from datetime import datetime

from broadcaster.db import (
    audit_log,
    batches,
    broadcasts,
    deliveries,
    messages,
    routes,
    submissions,
    templates,
)
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message, Version
from broadcaster.db.people import Person
from broadcaster.db.submissions import StoredPost, Submission
from broadcaster.domain.broadcast import Lane, precedence
from broadcaster.domain.canonical import Json
from broadcaster.domain.delegation import Cost, Delegation
from broadcaster.domain.errors import Invalid, NotAllowed, Stale
from broadcaster.domain.manifest import Manifest, manifest_hash
from broadcaster.domain.message import MessageState
from broadcaster.domain.policy import WEBSITE_HEAD_START, Action, require
from broadcaster.domain.post import Post
from broadcaster.queue import Bells
from broadcaster.service import succession
from broadcaster.service.cost import cost_of, recipients_of
from broadcaster.service.delegations import required
from broadcaster.service.manifests import as_submitted, build_manifest, overtaken, target_of
from broadcaster.service.prepared import digest_for
from broadcaster.service.readiness import refuse_unready
from broadcaster.service.rules import Rules
from broadcaster.service.ways import spares_of, ways_of, with_ids
from broadcaster.tracing import span, traced
from channels.base import Channel, ChannelsOfMode, HasPages, SendsMany

FACTOR_TOKEN = "token"  # noqa: S105 - how the approver proved who he is: not a secret


@dataclass(frozen=True, kw_only=True)
class Released:
    """`recipients` are single recipients, beside the `public_posts`; a thread is one post, and a delivery per part."""

    ref: str
    broadcast: str
    released_at: datetime
    public_posts: int
    recipients: int


class Approve:
    def __init__(self, database: Database, channels: ChannelsOfMode, bells: Bells, rules: Rules) -> None:
        self._database = database
        self._channels = channels
        self._bells = bells
        self._rules = rules

    @traced("approve")
    def approve(self, actor: Person, ref: str, manifest_sha256: str) -> Released:
        """Release what has this hash. Stale or NotAllowed, with the reason, and nothing changed, otherwise; FactorWanted
        where the message is live and the second factor must be given (once more) first."""
        require(actor.name, actor.roles, Action.APPROVE)
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            waiting = _approvable(tx, row, actor, manifest_sha256.strip().lower())
            self._rules.require_first_live(tx, actor, row.mode)
            self._rules.require_fresh(tx, actor, row.mode)
            stored = submissions.posts(tx, waiting.id)
            try:
                version = messages.current_version(tx, row)
                _refuse_who_worded(tx, row, version, actor)
                manifest = self._compare(tx, row, version, waiting, stored)
                under = required(tx, actor, version, self._cost(row, stored, manifest))
            # facts or a post that nobody can read any more
            except (ValueError, KeyError, TypeError) as error:
                raise _altered(row) from error
            with span("release", row.ref, mode=row.mode):
                released = self._release(tx, row, version, waiting, stored, manifest, actor)
            audit_log.append(
                tx,
                actor=actor.name,
                act="message_approved_and_released",
                subject=row.ref,
                payload={
                    "broadcast": released.broadcast,
                    "factor": actor.factor or FACTOR_TOKEN,
                    "manifest_sha256": waiting.manifest_sha256,
                    "public_posts": released.public_posts,
                    "recipients": released.recipients,
                    **_told_under(under),
                },
            )
            broadcast = broadcasts.by_message(tx, row.id)
        assert broadcast
        with span("bell", row.ref, mode=row.mode):
            self._bells.ring(row.mode, Lane.PUBLIC, wanted=released.public_posts)
            if released.recipients:
                self._bells.plan(broadcast.id, row.mode)
        return released

    def release_approved(
        self, tx: Tx, row: Message, version: Version, manifest: Manifest, approver: Person
    ) -> Released:
        """Release what was approved by this person before it was needed. The caller has checked that it was, and rings the
        bells once its transaction is committed."""
        waiting = submissions.open_for(tx, row.id)
        assert waiting
        stored = submissions.posts(tx, waiting.id)
        return self._release(tx, row, version, waiting, stored, manifest, approver)

    def send_back(self, actor: Person, ref: str, reason: str) -> None:
        """Return a submission to its officer, as a draft, with the reason."""
        self._decide(actor, ref, reason, MessageState.DRAFT, "message_returned")

    def reject(self, actor: Person, ref: str, reason: str) -> None:
        """Refuse a submission for good, with the reason."""
        self._decide(actor, ref, reason, MessageState.REJECTED, "message_rejected")

    def _decide(self, actor: Person, ref: str, reason: str, state: MessageState, act: str) -> None:
        require(actor.name, actor.roles, Action.APPROVE)
        if not reason.strip():
            raise Invalid("Give a reason: the officer and the auditor need it. Nothing was changed.")
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            if row.state is not MessageState.SUBMITTED:
                raise Stale(f"{row.ref} is {row.state} and waits for nobody. Nothing was changed.")
            under = required(tx, actor, messages.current_version(tx, row))
            submissions.void_open(tx, row.id)
            messages.set_state(tx, row.id, state)
            payload = {"reason": reason, **_told_under(under)}
            audit_log.append(tx, actor=actor.name, act=act, subject=row.ref, payload=payload)

    def _cost(self, row: Message, stored: list[StoredPost], manifest: Manifest) -> Cost:
        posts = [Post.from_bytes(p.content) for p in stored]
        return cost_of(posts, self._channels.get(row.mode, {}), recipients_of(manifest.to_json()))

    def _compare(
        self, tx: Tx, row: Message, version: Version, waiting: Submission, stored: list[StoredPost]
    ) -> Manifest:
        """Build the manifest again from what is stored now. Stale where one character is not what was shown."""
        configured = self._channels.get(row.mode, {})
        missing = [p.account for p in stored if p.account not in configured]
        if missing:
            raise Stale(f"These accounts are not set up any more: {', '.join(missing)}. Nothing was changed.")
        needed = {p.account: spares_of(p.account, configured[p.account]) for p in stored}
        refuse_unready(tx, row.ref, row.mode, needed)
        targets = [target_of(p.content, configured) for p in stored]
        current = build_manifest(tx, row, version, targets, configured, digest_for(tx, waiting.id))
        if any(isinstance(configured[p.account], SendsMany) for p in stored) and not (
            current.audience and current.audience.count
        ):
            raise Stale("The audience is missing or empty. Nothing was sent. Submit the message again.")
        as_stored = [(p.channel, p.account, p.language) for p in stored]
        if manifest_hash(waiting.manifest) != waiting.manifest_sha256 or as_stored != [
            (t.channel, t.account, t.language) for t in targets
        ]:
            raise _altered(row)
        current = as_submitted(current, waiting.manifest)
        if current.to_bytes() != waiting.manifest:
            raise _overtaken(row) if overtaken(current, waiting.manifest) else _altered(row)
        if version.facts.expires_at <= tx.now():
            raise Stale(f"{row.ref} ended at {current.expires}. Give it a later end. Nothing was changed.")
        return current

    def _release(
        self,
        tx: Tx,
        row: Message,
        version: Version,
        waiting: Submission,
        stored: list[StoredPost],
        manifest: Manifest,
        actor: Person,
    ) -> Released:
        approval_id = submissions.insert_approval(
            tx,
            waiting.id,
            manifest_sha256=waiting.manifest_sha256,
            approver_id=actor.id,
            factor=actor.factor or FACTOR_TOKEN,
        )
        return self.release_under(tx, row, version, waiting.id, stored, manifest, approval_id)

    def release_under(
        self,
        tx: Tx,
        row: Message,
        version: Version,
        submission_id: int,
        stored: list[StoredPost],
        manifest: Manifest,
        approval_id: int,
    ) -> Released:
        """What an approval lets go, one of this message or a standing one that covers it: message, broadcast and work."""
        submissions.set_state(tx, submission_id, submissions.APPROVED)
        messages.set_state(tx, row.id, MessageState.RELEASED)
        made = _new_broadcast(tx, row, version, manifest, approval_id)
        recipients = self._new_targets(tx, row, version, stored, manifest, made.id)
        succession.take_over(tx, row, made, manifest)
        self._take_down(tx, row, version, manifest, made.id)
        configured = self._channels[row.mode]
        public = sum(not isinstance(configured[p.account], SendsMany) for p in stored)
        return Released(
            ref=row.ref,
            broadcast=made.uid,
            released_at=made.released_at,
            public_posts=public,
            recipients=recipients,
        )

    def _take_down(
        self, tx: Tx, row: Message, version: Version, manifest: Manifest, broadcast_id: int
    ) -> None:
        """A target for every post that comes down."""
        for of, p in succession.withdrawals(tx, row, manifest):
            channel = self._channels[row.mode][p.account]
            target_id = _public_target(tx, row, version, broadcast_id, p, channel, wait=True)
            routes.insert(tx, target_id, with_ids(tx, row.mode, p.channel, ways_of(p.account, channel)))
            succession.tie(tx, target_id, of)

    def _new_targets(
        self,
        tx: Tx,
        row: Message,
        version: Version,
        stored: list[StoredPost],
        manifest: Manifest,
        broadcast_id: int,
    ) -> int:
        """A target for every post. How many recipients they have together."""
        configured = self._channels[row.mode]
        has_page = any(isinstance(configured[p.account], HasPages) for p in stored)
        speaking = {(t.account, t.language): t.speaking for t in manifest.targets}
        recipients = 0
        for p in stored:
            channel = configured[p.account]
            if isinstance(channel, SendsMany):
                who = speaking[p.account, p.language]
                size = manifest.audience.count_of(who) if manifest.audience else 0
                recipients += size
                target_id = _bulk_target(tx, broadcast_id, p, version.audience_version_id, size, who)
            else:
                target_id = _public_target(tx, row, version, broadcast_id, p, channel, wait=has_page)
            routes.insert(tx, target_id, with_ids(tx, row.mode, p.channel, ways_of(p.account, channel)))
        return recipients


def _approvable(tx: Tx, row: Message, actor: Person, given: str) -> Submission:
    """The submission that waits. Stale or NotAllowed where this person may not approve this hash now."""
    if row.state is not MessageState.SUBMITTED:
        raise Stale(f"{row.ref} is {row.state} and waits for no approval. Nothing was changed.")
    waiting = submissions.open_for(tx, row.id)
    if waiting is None:
        raise Stale(
            f"{row.ref} has no open submission. Ask its officer to submit it again. Nothing was changed."
        )
    if waiting.expires_at <= tx.now():
        raise Stale(
            f"The submission of {row.ref} expired at {waiting.expires_at:%H:%M} UTC. "
            "Ask its officer to submit it again. Nothing was changed."
        )
    touched = messages.authors(tx, row.id) | submissions.submitters(tx, row.id) | {row.author_id}
    if actor.id in touched:
        raise NotAllowed(
            f"You wrote, edited or submitted {row.ref}, so another person must approve it. Nothing was changed."
        )
    if given != waiting.manifest_sha256:
        raise Stale(
            f"This is not what {row.ref} says now: the hash {given[:12]}… belongs to another version. "
            "Look at the message again, and approve what it says then. Nothing was changed.",
            command=f"It and its hash: broadcaster message show {row.ref}",
        )
    return waiting


def _told_under(under: Delegation | None) -> dict[str, Json]:
    return {"delegation": under.ref, "scheme": under.scheme} if under else {}


def _refuse_who_worded(tx: Tx, row: Message, used: Version, actor: Person) -> None:
    """Who words a template writes in every message that uses it, and nobody approves what he wrote."""
    if used.template_id and actor.id in templates.editors(tx, used.template_id, used.template_no or 0):
        raise NotAllowed(
            f'You worded version {used.template_no} of the notice template "{used.template["name"]}", which {row.ref} uses, so '
            "another person must approve it. Nothing was changed."
        )


def _new_broadcast(tx: Tx, row: Message, version: Version, manifest: Manifest, approval_id: int) -> Broadcast:
    broadcast_id = broadcasts.insert(
        tx,
        {
            "message_id": row.id,
            "approval_id": approval_id,
            "incident_id": row.incident_id,
            "mode": row.mode,
            "kind": row.kind,
            "sequence": manifest.sequence,
            "precedence": precedence(version.facts.severity),
            "on_unknown": manifest.on_unknown,
            "expires_at": version.facts.expires_at,
        },
    )
    return broadcasts.by_id(tx, broadcast_id)


def _altered(row: Message) -> Stale:
    return Stale(
        f"What is stored of {row.ref} is not what was submitted: it was altered in between. Nothing was sent. "
        "Ask its officer to submit it again, and tell an administrator."
    )


def _overtaken(row: Message) -> Stale:
    return Stale(
        f"Another message of the same incident was released since {row.ref} was submitted, so {row.ref} would carry another "
        f"number now than the one you were shown. Nothing was sent. Give it back; then its officer "
        "submits it again.",
        command=f"To give it back: broadcaster message return {row.ref}",
    )


def _public_target(
    tx: Tx, row: Message, version: Version, broadcast_id: int, p: StoredPost, channel: Channel, *, wait: bool
) -> int:
    """One post in one public place; of a thread each part is a delivery, and all are one batch, sent in their order.
    Posts that link to the page give it a head start."""
    size = len(Post.from_bytes(p.content).parts)
    target_id = _target(
        tx, broadcast_id, p, lane=Lane.PUBLIC, audience_version_id=None, planned_total=size, planned=size
    )
    waits = wait and not isinstance(channel, HasPages)
    batch_id = batches.insert(
        tx,
        broadcast_id=broadcast_id,
        target_id=target_id,
        account_id=p.account_id,
        mode=row.mode,
        lane=Lane.PUBLIC,
        precedence=precedence(version.facts.severity),
        size=size,
        next_at=tx.now() + WEBSITE_HEAD_START if waits else tx.now(),
    )
    deliveries.insert(
        tx,
        broadcast_id=broadcast_id,
        target_id=target_id,
        batch_id=batch_id,
        language=p.language,
        recipients=[(no, None) for no in range(1, size + 1)] if size > 1 else [(0, None)],
    )
    return target_id


def _bulk_target(
    tx: Tx, broadcast_id: int, p: StoredPost, audience_version_id: int | None, recipients: int, who: str
) -> int:
    return _target(
        tx,
        broadcast_id,
        p,
        lane=Lane.BULK,
        audience_version_id=audience_version_id,
        planned_total=recipients,
        planned=0,
        speaking=who,
    )


def _target(
    tx: Tx,
    broadcast_id: int,
    p: StoredPost,
    *,
    lane: Lane,
    audience_version_id: int | None,
    planned_total: int,
    planned: int,
    speaking: str = "",
) -> int:
    return broadcasts.insert_target(
        tx,
        {
            "broadcast_id": broadcast_id,
            "post_id": p.id,
            "account_id": p.account_id,
            "channel": p.channel,
            "lane": lane,
            "language": p.language,
            "speaking": speaking,
            "audience_version_id": audience_version_id,
            "planned_total": planned_total,
            "planned": planned,
        },
    )
