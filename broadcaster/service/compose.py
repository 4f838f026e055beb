"""Steps one and two of a message: facts become every channel's post, side by side; submitting freezes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.db import accounts, audiences, audit_log, messages, notices, submissions
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message, Version
from broadcaster.db.people import Person
from broadcaster.domain.audience import AudienceVersion
from broadcaster.domain.canonical import canonical, sha256
from broadcaster.domain.checks.facts import reading_age_of
from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.manifest import manifest_hash
from broadcaster.domain.message import Kind, MessageState, Mode
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.notice import NoticeTemplate, fill
from broadcaster.domain.policy import Action, require
from broadcaster.domain.post import Post, digest_of
from broadcaster.render.posts import Renderer
from broadcaster.service.checks import check_version
from broadcaster.service.manifests import build_manifest, target_of
from channels import CHANNELS
from channels.base import Channel, ChannelsOfMode, CheckProblem, HasPages, SendsMany


@dataclass(frozen=True, kw_only=True)
class ProofPost:
    """One channel's post as it will read, with what stands against it."""

    account: str
    channel: str
    title: str
    speaks_as: str
    post: Post
    problems: tuple[CheckProblem, ...]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A message as everybody would see it. `problems` must be mended before it can be submitted.

    `findings` are warnings, which officer and approver must see and which never hold a message up, and hints.
    `reading_age` is in years, or None where there are too few words to tell.
    """

    ref: str
    version: int
    mode: Mode
    state: MessageState
    expires: str
    posts: tuple[ProofPost, ...]
    audience: AudienceVersion | None
    problems: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    reading_age: int | None = None


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """What waits for a second person: `manifest_sha256` is what the approver approves, until `expires_at`."""

    ref: str
    manifest_sha256: str
    expires_at: datetime
    proof: Proof


class Compose:
    """`channels` maps mode to account name to channel."""

    def __init__(
        self,
        database: Database,
        channels: ChannelsOfMode,
        renderer: Renderer,
        *,
        zone: ZoneInfo,
        submission_minutes: int,
    ) -> None:
        self._database = database
        self._channels = channels
        self._renderer = renderer
        self._zone = zone
        self._waits = timedelta(minutes=submission_minutes)

    def draft(
        self,
        actor: Person,
        *,
        template: NoticeTemplate,
        values: Mapping[str, str],
        channels: Sequence[str] = (),
        audience: str = "",
        mode: Mode = Mode.LIVE,
        incident: str = "",
    ) -> Proof:
        """A new message. Invalid or NotFound where anything given cannot be used; then nothing is kept."""
        require(actor.name, actor.roles, Action.WRITE)
        with self._database.write() as tx:
            facts = fill(template, values, zone=self._zone, now=tx.now())
            chosen = self._accounts(mode, channels or template.channels)
            version = _audience(tx, audience) if audience else None
            row = messages.insert(
                tx,
                incident_id=_incident(tx, incident, facts.headline),
                mode=mode,
                kind=Kind.ALERT,
                purpose="",
                author_id=actor.id,
            )
            self._add_version(
                tx, row, actor, template, values, facts=facts, accounts=chosen, audience=version
            )
            audit_log.append(
                tx,
                actor=actor.name,
                act="message_drafted",
                subject=row.ref,
                payload={
                    "facts_sha256": sha256(facts.to_json()),
                    "mode": mode.value,
                    "template": template.name,
                },
            )
            return self._proof(tx, messages.by_id(tx, row.id))

    def edit(
        self,
        actor: Person,
        ref: str,
        *,
        template: NoticeTemplate,
        values: Mapping[str, str],
        channels: Sequence[str] = (),
        audience: str = "",
    ) -> Proof:
        """A new version of a message that is not released. Its open submission, if any, is void."""
        require(actor.name, actor.roles, Action.WRITE)
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            if row.state not in {MessageState.DRAFT, MessageState.SUBMITTED, MessageState.EXPIRED}:
                raise Stale(
                    f"{row.ref} is {row.state} and cannot be edited. Write a new message. Nothing was changed."
                )
            facts = fill(template, values, zone=self._zone, now=tx.now())
            chosen = self._accounts(row.mode, channels or template.channels)
            version = _audience(tx, audience) if audience else None
            submissions.void_open(tx, row.id)
            self._add_version(
                tx, row, actor, template, values, facts=facts, accounts=chosen, audience=version
            )
            if row.state is not MessageState.DRAFT:
                messages.set_state(tx, row.id, MessageState.DRAFT)
            audit_log.append(
                tx,
                actor=actor.name,
                act="message_edited",
                subject=row.ref,
                payload={"facts_sha256": sha256(facts.to_json()), "version": row.version + 1},
            )
            return self._proof(tx, messages.by_id(tx, row.id))

    def preview(self, ref: str) -> Proof:
        """The current version as it would be submitted now; or, where it was submitted, the stored posts."""
        with self._database.read() as tx:
            return self._proof(tx, messages.find(tx, ref))

    def submit(self, actor: Person, ref: str) -> Submitted:
        """Store posts and manifest for a second person. Invalid, with all problems, where it cannot be sent as it is."""
        require(actor.name, actor.roles, Action.WRITE)
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            if row.state not in {MessageState.DRAFT, MessageState.EXPIRED}:
                raise Stale(f"{row.ref} is {row.state}, not a draft. Nothing was changed.")
            proof = self._proof(tx, row)
            problems = proof.problems + _past(tx, proof)
            if problems:
                raise Invalid(f"{row.ref} cannot be submitted yet. Nothing was changed.", details=problems)
            digest, expires_at = self._store(tx, row, proof, actor)
            messages.set_state(tx, row.id, MessageState.SUBMITTED)
            audit_log.append(
                tx,
                actor=actor.name,
                act="message_submitted",
                subject=row.ref,
                payload={"manifest_sha256": digest, "version": row.version},
            )
            proof = self._proof(tx, messages.by_id(tx, row.id))
        return Submitted(ref=row.ref, manifest_sha256=digest, expires_at=expires_at, proof=proof)

    def _store(self, tx: Tx, row: Message, proof: Proof, actor: Person) -> tuple[str, datetime]:
        version = messages.current_version(tx, row)
        expires_at = min(tx.now() + self._waits, version.facts.expires_at)
        contents = [(p, p.post.to_bytes()) for p in proof.posts]
        manifest = build_manifest(
            tx, row, version, [target_of(p.post.to_bytes(), p.speaks_as) for p in proof.posts]
        ).to_bytes()
        digest = manifest_hash(manifest)
        submission_id = submissions.insert(
            tx,
            version.id,
            manifest=manifest,
            manifest_sha256=digest,
            submitted_by=actor.id,
            expires_at=expires_at,
        )
        for p, content in contents:
            account = accounts.ensure(tx, mode=row.mode, channel=p.channel, name=p.account)
            submissions.insert_post(
                tx,
                submission_id,
                channel=p.channel,
                account_id=account.id,
                language=p.post.language,
                content=content,
                sha256=digest_of(content),
            )
        return digest, expires_at

    def _add_version(
        self,
        tx: Tx,
        row: Message,
        actor: Person,
        template: NoticeTemplate,
        values: Mapping[str, str],
        *,
        facts: object,
        accounts: Sequence[str],
        audience: AudienceVersion | None,
    ) -> None:
        content = canonical(template.to_json()).decode()
        messages.insert_version(
            tx,
            row.id,
            no=row.version + 1,
            facts=facts,  # type: ignore[arg-type]
            blanks=values,
            accounts=accounts,
            notice_template_id=notices.ensure(
                tx, name=template.name, sha256=template.sha256, content=content
            ),
            audience_version_id=audience.id if audience else None,
            author_id=actor.id,
        )

    def _accounts(self, mode: Mode, wanted: Sequence[str]) -> list[str]:
        """Account names for the wanted channels, the website first. Invalid where a channel has no account."""
        unknown = [
            f'There is no channel "{c}".{did_you_mean(c, CHANNELS)}' for c in wanted if c not in CHANNELS
        ]
        if unknown:
            raise Invalid("The channels cannot be used. Nothing was changed.", details=tuple(unknown))
        configured = self._channels.get(mode, {})
        missing = [
            f"No {mode} account is set up for {c}. See docs/settings.md, or leave this channel out."
            for c in wanted
            if not any(channel.name == c for channel in configured.values())
        ]
        if missing:
            raise Invalid("Some channels are not set up. Nothing was changed.", details=tuple(missing))
        chosen = [name for name, channel in configured.items() if channel.name in wanted]
        return sorted(chosen, key=lambda name: (not isinstance(configured[name], HasPages), name))

    def _proof(self, tx: Tx, row: Message) -> Proof:
        version = messages.current_version(tx, row)
        audience = (
            audiences.version_by_id(tx, version.audience_version_id) if version.audience_version_id else None
        )
        posts = self._stored_posts(tx, row) or self._rendered_posts(row, version)
        problems = [f"{p.title} ({p.account}): {problem.text}" for p in posts for problem in p.problems]
        configured = self._channels.get(row.mode, {})
        missing = [name for name in version.accounts if name not in configured]
        problems += [
            f"The account {name} is not set up any more. Choose the channels again." for name in missing
        ]
        if any(isinstance(configured.get(p.account), SendsMany) for p in posts):
            problems += _audience_problems(audience)
        found = check_version(tx, version, texts=[p.post for p in posts if p.channel == "sms"])
        problems += [each.line for each in found if each.level is Level.PROBLEM]
        return Proof(
            ref=row.ref,
            version=row.version,
            mode=row.mode,
            state=row.state,
            expires=version.facts.expires,
            posts=posts,
            audience=audience,
            problems=tuple(problems),
            findings=tuple(each for each in found if each.level is not Level.PROBLEM),
            reading_age=reading_age_of(version.facts),
        )

    def _rendered_posts(self, row: Message, version: Version) -> tuple[ProofPost, ...]:
        configured = self._channels.get(row.mode, {})
        chosen = [(name, configured[name]) for name in version.accounts if name in configured]
        pages = [c for _, c in chosen if isinstance(c, HasPages)]
        link = pages[0].page_address(row.ref) if pages else ""
        return tuple(
            self._proof_post(
                channel,
                self._renderer.render(
                    version.facts,
                    channel=channel.name,
                    account=name,
                    reference=row.ref,
                    link=link,
                    mode=row.mode,
                    zone=self._zone,
                ),
            )
            for name, channel in chosen
        )

    def _stored_posts(self, tx: Tx, row: Message) -> tuple[ProofPost, ...]:
        if row.state is MessageState.DRAFT:
            return ()
        found = submissions.latest_for(tx, row.id)
        configured = self._channels.get(row.mode, {})
        stored = submissions.posts(tx, found.id) if found else []
        return tuple(
            self._proof_post(configured[p.account], Post.from_bytes(p.content))
            for p in stored
            if p.account in configured
        )

    def _proof_post(self, channel: Channel, post: Post) -> ProofPost:
        return ProofPost(
            account=post.account,
            channel=channel.name,
            title=channel.title,
            speaks_as=channel.target,
            post=post,
            problems=tuple(channel.check(post.at_widest())),
        )


def _audience(tx: Tx, name: str) -> AudienceVersion:
    found = audiences.latest_version(tx, name)
    if found is None:
        raise NotFound(f'There is no audience "{name}".{did_you_mean(name, audiences.names(tx))}')
    return found


def _audience_problems(audience: AudienceVersion | None) -> list[str]:
    if audience is None:
        return ["Text messages need an audience. Choose one with --audience, or leave the channel sms out."]
    if audience.size == 0:
        return [f"The audience {audience.name} is empty. Import numbers, or choose another one."]
    return []


def _incident(tx: Tx, ref: str, name: str) -> int:
    if not ref:
        return messages.open_incident(tx, name)
    found = messages.incident_by_ref(tx, ref)
    if found is None:
        raise NotFound(f'There is no incident "{ref}". Leave it out to open a new one.')
    return found


def _past(tx: Tx, proof: Proof) -> tuple[str, ...]:
    if datetime.fromisoformat(proof.expires) <= tx.now():
        return (f"It expired at {proof.expires}. Give a later end.",)
    return ()
