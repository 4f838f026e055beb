"""A message as everybody would see it: every channel's post, and all that stands against it."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from broadcaster.db import audiences, messages, submissions
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message, Version
from broadcaster.domain.audience import AudienceVersion
from broadcaster.domain.checks.facts import reading_age_of
from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.message import MessageState, Mode
from broadcaster.domain.post import Post
from broadcaster.render.posts import Renderer
from broadcaster.service.checks import check_version
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


class Proofs:
    """`channels` maps mode to account name to channel."""

    def __init__(self, channels: ChannelsOfMode, renderer: Renderer, *, zone: ZoneInfo) -> None:
        self._channels = channels
        self._renderer = renderer
        self._zone = zone

    def of(self, tx: Tx, row: Message) -> Proof:
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


def _audience_problems(audience: AudienceVersion | None) -> list[str]:
    if audience is None:
        return ["Text messages need an audience. Choose one with --audience, or leave the channel sms out."]
    if audience.size == 0:
        return [f"The audience {audience.name} is empty. Import numbers, or choose another one."]
    return []
