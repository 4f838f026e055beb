"""A message as everybody would see it: every channel's post, and all that stands against it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from broadcaster.db import audiences, messages, submissions
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message, Version
from broadcaster.domain.audience import AudienceVersion
from broadcaster.domain.checks.facts import reading_age_of
from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.languages import LanguagePolicy
from broadcaster.domain.media import Image
from broadcaster.domain.message import Facts, MessageState, Mode
from broadcaster.domain.post import Post
from broadcaster.domain.tongues import SEVERAL, base, named, tongue_of
from broadcaster.domain.ways import ApprovedWay
from broadcaster.render.fitting import Room
from broadcaster.render.posts import Renderer, changed_for, together
from broadcaster.service import elections, succession
from broadcaster.service.checks import check_carried, check_version, kept_by_template
from broadcaster.service.cost import cost_findings
from broadcaster.service.languages import check_languages, unsaid
from broadcaster.service.media import image_findings, image_rules, images_of
from broadcaster.service.page_facts import for_programs
from broadcaster.service.quiet import Quiet
from broadcaster.service.readiness import warnings
from broadcaster.service.retired import retired_findings
from broadcaster.service.room import room_of, segments_of
from broadcaster.service.story import story_of
from broadcaster.service.visibility import public_places
from broadcaster.service.ways import all_spares, spares_of, to_approve
from channels.base import (
    Channel,
    ChannelsOfMode,
    CheckProblem,
    ChoosesLinks,
    HasPages,
    SendsMany,
    ShowsImages,
)

NO_AUDIENCE = "Text messages need an audience. Choose one, or leave text messages out."


@dataclass(frozen=True, kw_only=True)
class ProofPost:
    """One channel's post as it will read, with what stands against it. `ways` are the accounts that it may go through,
    its own first; empty where there is no choice.

    `segments` is what a text message takes for each person at most. `replaced` tells, in words, which characters it
    carries instead of those that were typed.
    """

    account: str
    channel: str
    title: str
    speaks_as: str
    post: Post
    problems: tuple[CheckProblem, ...]
    segments: int | None = None
    replaced: tuple[str, ...] = ()
    ways: tuple[ApprovedWay, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A message as everybody would see it. `problems` must be mended before it can be submitted.

    `findings` are warnings, which officer and approver must see and which never hold a message up, and hints.
    `reading_age` is in years, or None where there are too few words to tell. `visibility` is public, partners or staff.
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
    visibility: str = "public"
    #: Where it is said in several languages: each in its order, and how many people get texts in it.
    languages: Mapping[str, int] = field(default_factory=dict)
    #: By when (ISO 8601) a language follows that it goes without.
    later: Mapping[str, str] = field(default_factory=dict)


class Proofs:
    """`channels` maps mode to account name to channel."""

    def __init__(
        self,
        channels: ChannelsOfMode,
        renderer: Renderer,
        *,
        zone: ZoneInfo,
        quiet: Quiet | None = None,
        policy: LanguagePolicy | None = None,
    ) -> None:
        self._channels = channels
        self._renderer = renderer
        self._zone = zone
        self._quiet = quiet or Quiet(zone=zone)
        self._policy = policy or LanguagePolicy()

    def of(self, tx: Tx, row: Message) -> Proof:
        """The current version; its stored posts, where it was submitted."""
        return self.of_version(tx, row, messages.current_version(tx, row))

    def of_version(self, tx: Tx, row: Message, version: Version) -> Proof:
        """How a message reads with this version, which need not be stored."""
        audience = (
            audiences.version_by_id(tx, version.audience_version_id) if version.audience_version_id else None
        )
        told = succession.counts(tx, row, audience, version.spoken)
        audience = succession.narrowed(tx, row, audience)
        posts = self._stored_posts(tx, row, version) or tuple(
            replace(each, post=for_programs(tx, row, version, each.post))
            for each in self._rendered_posts(tx, row, version)
        )
        found = (
            *check_version(version, texts=[p.post for p in posts if p.channel == "sms"]),
            *self._unsaid(row, version, posts),
            *check_languages(version, self._policy.names),
            *image_findings(version, image_rules(self._channels.get(row.mode, {}), version.accounts)),
            *self._costs(tx, row, posts, audience, told),
            *self._unready(tx, row, version),
            *self._of_the_day(tx, row, version, posts),
        )
        problems = [
            *self._problems(tx, row, version, posts, audience),
            *(each.line for each in found if each.level is Level.PROBLEM),
        ]
        return Proof(
            ref=row.ref,
            version=row.version,
            mode=row.mode,
            visibility=row.visibility,
            state=row.state,
            expires=version.facts.expires,
            posts=posts,
            audience=audience,
            problems=tuple(problems),
            findings=tuple(each for each in found if each.level is not Level.PROBLEM),
            reading_age=reading_age_of(version.facts),
            languages=told,
            later=version.spoken.later,
        )

    def _problems(
        self,
        tx: Tx,
        row: Message,
        version: Version,
        posts: Sequence[ProofPost],
        audience: AudienceVersion | None,
    ) -> Iterator[str]:
        """What keeps it from being sent, of its posts, its accounts and its audience."""
        configured = self._channels.get(row.mode, {})
        for p in posts:
            yield from (f"{p.title} ({p.account}): {problem.text}" for problem in p.problems)
        for name in version.accounts:
            if name not in configured:
                yield f"The account {name} is not set up any more. Choose the channels again."
        yield from (_is_a_spare(name) for name in version.accounts if name in all_spares(configured))
        yield from public_places(row.visibility, [(p.account, configured[p.account]) for p in posts])
        if any(isinstance(configured.get(p.account), SendsMany) for p in posts):
            yield from _audience_problems(audience)
        yield from succession.left_out(tx, row, version, configured)
        if row.state is MessageState.DRAFT:
            yield from unsaid(version, self._policy)

    def _costs(
        self,
        tx: Tx,
        row: Message,
        posts: tuple[ProofPost, ...],
        audience: AudienceVersion | None,
        told: Mapping[str, int],
    ) -> Iterator[Finding]:
        def recipients(post: Post) -> int:
            return told.get(post.language, audience.size) if audience else 0

        texts = [p.post for p in posts]
        return cost_findings(tx, row, texts, channels=self._channels, recipients=recipients, zone=self._zone)

    def _of_the_day(
        self, tx: Tx, row: Message, version: Version, posts: tuple[ProofPost, ...]
    ) -> Iterator[Finding]:
        """What depends on when it is sent: quiet hours, an election that is near, a template that was retired since. Only while
        it is to be decided about."""
        if row.state in {MessageState.DRAFT, MessageState.SUBMITTED, MessageState.EXPIRED}:
            configured = self._channels.get(row.mode, {})
            yield from self._quiet.findings(tx.now(), version.facts, version.accounts, configured)
            texts = [text for p in posts for text in (p.post.title, *p.post.parts)]
            yield from elections.findings(tx, version, texts, zone=self._zone)
            yield from retired_findings(tx, version, self._zone)

    def _unready(self, tx: Tx, row: Message, version: Version) -> Iterator[Finding]:
        """Only before it is released: afterwards the status tells what became of it."""
        if row.state in {MessageState.DRAFT, MessageState.SUBMITTED}:
            configured = self._channels.get(row.mode, {})
            yield from warnings(tx, row.mode, version.accounts, configured, self._zone)

    def _rendered_posts(self, tx: Tx, row: Message, version: Version) -> tuple[ProofPost, ...]:
        configured = self._channels.get(row.mode, {})
        chosen = [(name, configured[name]) for name in version.accounts if name in configured]
        pages = [c for _, c in chosen if isinstance(c, HasPages)]
        story = story_of(tx, row, zone=self._zone)
        link = pages[0].page_address(story.page or row.ref) if pages else ""
        kept = kept_by_template(version)
        main = base(str(version.template.get("language", "en")))
        own = {tongue_of(main).code: version.facts}
        said = {code: version.spoken.facts.get(code, version.facts) for code in version.spoken.order} or own
        made: list[Post] = []
        for name, channel in chosen:
            room = room_of(channel, kept=kept)
            posts = [
                self._renderer.render(
                    facts,
                    channel=channel.name,
                    account=name,
                    reference=row.ref,
                    link=link if _carries_links(channel) else "",
                    mode=row.mode,
                    language=code,
                    zone=self._zone,
                    images=_images(tx, version, channel),
                    room=room,
                    story=story,
                )
                for code, facts in said.items()
            ]
            made += self._joined(channel, posts, room)
        return tuple(
            self._proof_post(configured, post, said.get(post.language, version.facts), version.spoken.order)
            for post in made
        )

    def _joined(self, channel: Channel, posts: Sequence[Post], room: Room) -> Sequence[Post]:
        """One post for all languages, where that is wished for and it fits whole."""
        is_public = not isinstance(channel, SendsMany | HasPages)
        if not (self._policy.together and is_public and len(posts) > 1):
            return posts
        whole = together(posts, room.fits)
        return [whole] if whole else posts

    def _stored_posts(self, tx: Tx, row: Message, version: Version) -> tuple[ProofPost, ...]:
        if row.state is MessageState.DRAFT:
            return ()
        found = submissions.latest_for(tx, row.id)
        configured = self._channels.get(row.mode, {})
        stored = submissions.posts(tx, found.id) if found else []
        return tuple(
            self._proof_post(
                configured,
                Post.from_bytes(p.content),
                version.spoken.facts.get(p.language, version.facts),
                version.spoken.order,
            )
            for p in stored
            if p.account in configured
        )

    def _proof_post(
        self, configured: Mapping[str, Channel], post: Post, facts: Facts, order: Sequence[str]
    ) -> ProofPost:
        channel = configured[post.account]
        spoken = order if post.language == SEVERAL else [post.language]
        within = f" in {' and '.join(map(named, spoken))}" if order else ""
        return ProofPost(
            account=post.account,
            channel=channel.name,
            title=f"{channel.title}{within}",
            speaks_as=channel.target,
            post=post,
            problems=(*channel.check(post.at_widest()), *_at_spares(configured, post)),
            segments=segments_of(post),
            replaced=tuple(each.in_words() for each in changed_for(facts, post)),
            ways=to_approve(post.account, configured),
        )

    def _unsaid(self, row: Message, version: Version, posts: Iterable[ProofPost]) -> tuple[Finding, ...]:
        """Only of what can still be mended: posts that were approved are shown as they are."""
        if row.state is not MessageState.DRAFT:
            return ()
        configured = self._channels.get(row.mode, {})
        kept = kept_by_template(version)
        return tuple(
            found
            for each in posts
            for code in _languages_of(each.post, version)
            for found in check_carried(
                each.post,
                version.spoken.facts.get(code, version.facts),
                title=each.title,
                reference=row.ref,
                mode=row.mode,
                room=room_of(configured[each.account], kept=kept),
                zone=self._zone,
                has_page=isinstance(configured[each.account], HasPages),
                language=code,
            )
        )


def _languages_of(post: Post, version: Version) -> tuple[str, ...]:
    return version.spoken.order if post.language == SEVERAL else (post.language,)


def _at_spares(configured: Mapping[str, Channel], post: Post) -> Iterator[CheckProblem]:
    """What would keep it from going through one of its spares: each gateway has rules of its own."""
    widest = post.at_widest()
    for name in spares_of(post.account, configured[post.account]):
        for problem in configured[name].check(widest):
            yield replace(problem, text=f"Through {name}: {problem.text}")


def _is_a_spare(name: str) -> str:
    return f"The account {name} sends in the place of another one now. Edit the message and choose the channels again."


def _carries_links(channel: Channel) -> bool:
    return not isinstance(channel, ChoosesLinks) or channel.with_links


def _images(tx: Tx, version: Version, channel: Channel) -> tuple[Image, ...]:
    return images_of(tx, version, channel.image_rules) if isinstance(channel, ShowsImages) else ()


def _audience_problems(audience: AudienceVersion | None) -> list[str]:
    if audience is None:
        return [NO_AUDIENCE]
    if audience.wiped_at:
        text = f"The numbers of {audience.name}, version {audience.no}, were wiped: a newer one took its place long ago."
        return [f"{text} Edit the message and choose {audience.name} again."]
    if audience.size == 0:
        return [f"The audience {audience.name} is empty. Import numbers, or choose another one."]
    return []
