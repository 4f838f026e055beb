"""Steps one and two of a message: facts become every channel's post, side by side; submitting freezes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.db import accounts, audit_log, messages, notices, sequels, submissions, templates
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message, Version, VersionImage
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json, canonical, sha256
from broadcaster.domain.errors import Invalid, Stale
from broadcaster.domain.follow_up import Follows
from broadcaster.domain.languages import Filled, LanguagePolicy
from broadcaster.domain.manifest import ApprovedSeries, manifest_hash
from broadcaster.domain.media import ImageRules
from broadcaster.domain.message import MessageState, Mode, Visibility
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, require
from broadcaster.domain.post import digest_of
from broadcaster.render.posts import Renderer
from broadcaster.service import media, prepared, story, succession
from broadcaster.service.audiences import latest
from broadcaster.service.beginning import incident_for, past, told, unwritten
from broadcaster.service.languages import filled
from broadcaster.service.manifests import build_manifest, target_of
from broadcaster.service.media import Attached, Ready
from broadcaster.service.next_update import next_update_of
from broadcaster.service.proof import Proof, Proofs
from broadcaster.service.quiet import Quiet
from broadcaster.service.retired import refuse_retired
from broadcaster.service.rules import Rules
from broadcaster.service.ways import accounts_for
from broadcaster.tracing import traced
from channels.base import ChannelsOfMode


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """What waits for a second person: `manifest_sha256` is what the approver approves, until `expires_at`."""

    ref: str
    manifest_sha256: str
    expires_at: datetime
    proof: Proof


@dataclass(frozen=True, kw_only=True)
class _NewVersion:
    """What an officer wrote, as a version keeps it. `audience` is the name of one, or empty."""

    template: NoticeTemplate
    values: Mapping[str, str]
    said: Filled
    accounts: Sequence[str]
    audience: str
    pictures: Ready


class Compose:
    """`channels` maps mode to account name to channel."""

    def __init__(
        self,
        database: Database,
        channels: ChannelsOfMode,
        renderer: Renderer,
        rules: Rules,
        *,
        zone: ZoneInfo,
        submission_minutes: int,
        quiet: Quiet | None = None,
        policy: LanguagePolicy | None = None,
    ) -> None:
        self._database = database
        self._channels = channels
        self._rules = rules
        self.policy = policy or LanguagePolicy()
        self._proofs = Proofs(channels, renderer, zone=zone, quiet=quiet, policy=self.policy)
        self._zone = zone
        self._waits = timedelta(minutes=submission_minutes)

    @traced("compose")
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
        visibility: Visibility = Visibility.PUBLIC,
        images: Sequence[Attached] = (),
        follows: Follows | None = None,
        languages: Sequence[str] | None = None,
        later: str = "",
    ) -> Proof:
        """A new message, which may follow another of its incident. Invalid or NotFound where anything given cannot be used, and
        Stale where the template is retired, unless it follows what was sent before; then nothing is kept. `languages` beside the
        template's own: all that are spoken here, unless they are named; of one that is left out `later` says by when it
        follows."""
        require(actor.name, actor.roles, Action.WRITE)
        with self._database.read() as tx:
            said = self._filled(template, values, languages, later, tx.now())
        chosen = accounts_for(self._channels, mode, channels or template.channels)
        pictures = media.ready(images, self._image_rules(mode, chosen).values())
        with self._database.write() as tx:
            if follows is None:  # what was said with it must be taken back or brought up to date still
                refuse_retired(tx, template.name, self._zone)
            row = messages.insert(
                tx,
                incident_id=incident_for(tx, incident, said.facts.headline),
                mode=mode,
                visibility=visibility,
                author_id=actor.id,
                follows=follows,
            )
            new = _NewVersion(
                template=template,
                values=values,
                said=said,
                accounts=chosen,
                audience=audience,
                pictures=pictures,
            )
            payload = {"mode": mode.value, "template": template.name, "visibility": visibility.value}
            told = story.told(tx, follows)
            return self._add_version(tx, row, actor, new, act="message_drafted", payload={**payload, **told})

    @traced("edit")
    def edit(
        self,
        actor: Person,
        ref: str,
        *,
        template: NoticeTemplate,
        values: Mapping[str, str],
        channels: Sequence[str] = (),
        audience: str = "",
        images: Sequence[Attached] | None = None,
        alts: Sequence[str] = (),
        base: int = 0,
        languages: Sequence[str] | None = None,
        later: str = "",
    ) -> Proof:
        """A new version of a message that is not released. Its open submission, if any, is void.

        Without `languages` it stays in those that it is in. Without `images` the pictures stay, with `alts` as the alt
        texts of the first of them; with none they go. With `base`, Stale where that is not the current version any more:
        somebody else has changed it meanwhile.
        """
        require(actor.name, actor.roles, Action.WRITE)
        before = self.images(ref)
        pictures = self._pictures(ref, before, channels or template.channels, images=images, alts=alts)
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            current = _editable(tx, row, base=base, images=before)
            wanted = current.spoken.order if languages is None else languages
            said = self._filled(template, values, wanted, later, tx.now())
            if languages is None and not later:
                said = replace(said, spoken=replace(said.spoken, later=current.spoken.later))
            chosen = accounts_for(self._channels, row.mode, channels or template.channels)
            submissions.void_open(tx, row.id)
            if row.state is not MessageState.DRAFT:
                messages.set_state(tx, row.id, MessageState.DRAFT)
            new = _NewVersion(
                template=template,
                values=values,
                said=said,
                accounts=chosen,
                audience=audience,
                pictures=pictures,
            )
            payload = {"version": row.version + 1}
            return self._add_version(tx, row, actor, new, act="message_edited", payload=payload)

    def look(
        self,
        actor: Person,
        *,
        template: NoticeTemplate,
        values: Mapping[str, str],
        channels: Sequence[str] = (),
        audience: str = "",
        mode: Mode = Mode.LIVE,
        ref: str = "",
        action: Action = Action.WRITE,
        follows: Follows | None = None,
        languages: Sequence[str] | None = None,
        later: str = "",
    ) -> Proof:
        """How a new message, or the one with this reference, would read with these values; nothing is kept. As `draft`
        where something cannot be used. `action` is what this person is about to do: who words a template may look too."""
        require(actor.name, actor.roles, action)
        with self._database.read() as tx:
            now = tx.now()
            row = messages.find(tx, ref) if ref else unwritten(mode, actor, now, follows)
            chosen = accounts_for(self._channels, row.mode, channels or template.channels)
            if ref and languages is None:
                languages = messages.current_version(tx, row).spoken.order
            said = self._filled(template, values, languages, later, now)
            version = Version(
                id=0,
                no=row.version + 1,
                facts=said.facts,
                spoken=said.spoken,
                accounts=tuple(chosen),
                audience_version_id=latest(tx, audience).id if audience else None,
                author_id=actor.id,
                blanks=values,
                template=template.to_json(),
                images=messages.current_version(tx, row).images if ref else (),
            )
            row = replace(row, state=MessageState.DRAFT, version=version.no)
            return self._proofs.of_version(tx, row, version)

    def _filled(
        self,
        template: NoticeTemplate,
        values: Mapping[str, str],
        languages: Sequence[str] | None,
        later: str,
        now: datetime,
    ) -> Filled:
        return filled(self.policy, template, values, wanted=languages, later=later, zone=self._zone, now=now)

    def images(self, ref: str) -> tuple[VersionImage, ...]:
        """The pictures of the current version."""
        with self._database.read() as tx:
            return messages.current_version(tx, messages.find(tx, ref)).images

    def preview(self, ref: str) -> Proof:
        """The current version as it would be submitted now; or, where it was submitted, the stored posts."""
        with self._database.read() as tx:
            return self._proofs.of(tx, messages.find(tx, ref))

    @traced("submit")
    def submit(self, actor: Person, ref: str) -> Submitted:
        """Store posts and manifest for a second person. Invalid, with all problems, where it cannot be sent as it is."""
        require(actor.name, actor.roles, Action.WRITE)
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            digest, expires_at = self.hand_over(tx, actor, row)
            audit_log.append(
                tx,
                actor=actor.name,
                act="message_submitted",
                subject=row.ref,
                payload={"manifest_sha256": digest, "version": row.version},
            )
            proof = self._proofs.of(tx, messages.by_id(tx, row.id))
        return Submitted(ref=row.ref, manifest_sha256=digest, expires_at=expires_at, proof=proof)

    def hand_over(self, tx: Tx, actor: Person, row: Message) -> tuple[str, datetime]:
        """In the transaction of whoever goes on with it, and writes the event. The manifest's hash, and until when it waits."""
        if row.state not in {MessageState.DRAFT, MessageState.EXPIRED}:
            raise Stale(f"{row.ref} is {row.state}, not a draft. Nothing was changed.")
        self._rules.require_first_live(tx, actor, row.mode)
        proof = self._proofs.of(tx, row)
        problems = proof.problems + past(tx, proof)
        if problems:
            raise Invalid(f"{row.ref} cannot be submitted yet. Nothing was changed.", details=problems)
        _, digest, expires_at = self.freeze(tx, row, proof, actor.id)
        messages.set_state(tx, row.id, MessageState.SUBMITTED)
        return digest, expires_at

    def freeze(
        self, tx: Tx, row: Message, proof: Proof, submitter_id: int, *, series: ApprovedSeries | None = None
    ) -> tuple[int, str, datetime]:
        """Posts and manifest as they are now, to the byte. The submission's id, the manifest's hash, when it expires."""
        version = messages.current_version(tx, row)
        expires_at = min(tx.now() + self._waits, version.facts.expires_at)
        ref, ready = prepared.prepare(tx, self._proofs, row, version, zone=self._zone)
        contents = [(p, p.post.to_bytes()) for p in proof.posts]
        targets = [target_of(content, self._channels[row.mode]) for _, content in contents]
        built = build_manifest(tx, row, version, targets, self._channels[row.mode], prepared.digest(ready))
        manifest = replace(built, series=series).to_bytes()
        digest = manifest_hash(manifest)
        submission_id = submissions.insert(
            tx,
            version.id,
            manifest=manifest,
            manifest_sha256=digest,
            submitted_by=submitter_id,
            expires_at=expires_at,
        )
        if ready:
            sequels.insert(tx, submission_id, ref=ref, content=ready)
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
        return submission_id, digest, expires_at

    def accounts_for(self, mode: Mode, wanted: Sequence[str]) -> list[str]:
        """Account names for these channels, the website first. Invalid where a channel has no account."""
        return accounts_for(self._channels, mode, wanted)

    def _add_version(
        self,
        tx: Tx,
        row: Message,
        actor: Person,
        new: _NewVersion,
        *,
        act: str,
        payload: Mapping[str, Json],
    ) -> Proof:
        """The message's next version, and the event that says so. How it reads with it."""
        audience = succession.audience_for(tx, row, new.audience)
        template = new.template
        content = canonical(template.to_json()).decode()
        template_id = notices.ensure(tx, name=template.name, sha256=template.sha256, content=content)
        messages.insert_version(
            tx,
            row.id,
            no=row.version + 1,
            facts=new.said.facts,
            spoken=new.said.spoken,
            blanks=new.values,
            accounts=new.accounts,
            notice_template_id=template_id,
            template_no=templates.number_of(tx, template_id),
            audience_version_id=audience.id if audience else None,
            images=media.keep(tx, new.pictures),
            author_id=actor.id,
            next_update_at=next_update_of(new.template, new.values, zone=self._zone, now=tx.now()),
        )
        payload = {
            "facts_sha256": sha256(new.said.facts.to_json()),
            **payload,
            **told(new.said.spoken, new.values),
        }
        audit_log.append(tx, actor=actor.name, act=act, subject=row.ref, payload=payload)
        return self._proofs.of(tx, messages.by_id(tx, row.id))

    def _pictures(
        self,
        ref: str,
        before: Sequence[VersionImage],
        channels: Sequence[str],
        *,
        images: Sequence[Attached] | None,
        alts: Sequence[str],
    ) -> Ready:
        """Those of a new version: new ones, or the old ones with what newly chosen channels ask for."""
        with self._database.read() as tx:
            mode = messages.find(tx, ref).mode
            rules = self._image_rules(mode, accounts_for(self._channels, mode, channels)).values()
            lacking = media.unmade(tx, before, rules) if images is None else {}
        if images is not None:
            return media.ready(images, rules)
        return media.ready_again(media.with_alts(before, alts), lacking, rules)

    def _image_rules(self, mode: Mode, chosen: Sequence[str]) -> Mapping[str, ImageRules]:
        return media.image_rules(self._channels.get(mode, {}), chosen)


def _editable(tx: Tx, row: Message, *, base: int, images: Sequence[VersionImage]) -> Version:
    """Its current version. Stale where it cannot be edited any more, or is not what the editor began from."""
    if row.state not in {MessageState.DRAFT, MessageState.SUBMITTED, MessageState.EXPIRED}:
        raise Stale(
            f"{row.ref} is {row.state} and cannot be edited. Write a new message. Nothing was changed."
        )
    if base not in {0, row.version}:
        raise Stale(
            f"{row.ref} was changed meanwhile by {messages.author(tx, row)}: it is at version {row.version}, and you "
            f"began from {base}. Compare the two; what you send now takes the place of theirs. Nothing was changed."
        )
    current = messages.current_version(tx, row)
    if current.images != images:
        raise Stale(f"The pictures of {row.ref} were changed just now. Look at it, then try again.")
    return current
