"""The contract between the broadcaster and one kind of platform. A channel author reads this file and one example.

A channel must `check` a post and `send` it. What more it can do are separate small protocols; those for what a platform
tells us by itself are in `incoming.py`. Channels know the domain and the outside world; they know nothing of databases,
queues, users or approvals.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, Self, runtime_checkable

from broadcaster.domain.checks.cost import Tariff
from broadcaster.domain.errors import SendError
from broadcaster.domain.media import ImageRules
from broadcaster.domain.post import Post
from broadcaster.domain.quiet import QuietHours
from broadcaster.domain.readiness import Readiness
from broadcaster.domain.sight import Sight
from broadcaster.domain.ways import Way


class Secret:
    """Text that must not be seen: its `repr` and `str` are `***`; `reveal()` gives it to the request being built."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing an account's file may say. `name` is its key there; a secret may be given as `NAME_file = "path"`.

    `verifies` marks a secret that tells a genuine callback from a forged one, and with which our code sends nothing.
    """

    name: str
    help: str
    required: bool = False
    secret: bool = False
    verifies: bool = False
    default: str = ""


class Holds(StrEnum):
    """Which of an account's secrets this process has read."""

    ALL = "all"  #: a process of the account's mode: it can send
    CALLBACKS = "callbacks"  #: the web process: those that verify what a platform brings
    NOTHING = "nothing"  #: whoever only renders, plans and shows


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account on one platform, read from its file and already checked against the channel's options.

    Unless it `holds` all of its secrets it is a description: nothing can be sent, read or written through it.

    `allowed_hosts` is the set of hosts that may be talked to, or None for any: the fence around demo, tests
    and exercises, enforced by `channels/http.py`.
    """

    name: str
    channel: str
    mode: str
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    allowed_hosts: frozenset[str] | None = None
    holds: Holds = Holds.ALL


@dataclass(frozen=True, kw_only=True)
class CheckProblem:
    """Why a post cannot go out as it is: `code` is stable, `text` says what is wrong and what to do."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The platform took the post. `platform_id` is its id there, `link` its public address or empty.

    `platform_id` is empty only for platforms that give none (Kannel): there our key is all there is.
    """

    platform_id: str
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One recipient of a post: `key` is the delivery's id, the same on every try; `address` is e.g. +447700900123."""

    key: str
    address: str

    def __repr__(self) -> str:
        return f"Parcel({self.key})"  # the address is personal data and stays out of logs and tracebacks


class AfterUnknown(StrEnum):
    """How a channel finds out what became of a call with an unknown outcome."""

    IDEMPOTENT = "idempotent"  #: sending again with the same key does not double
    READABLE = "readable"  #: our own recent posts can be read back: it is `Finds` too
    DEDUPLICATING = "deduplicating"  #: the platform itself refuses a repeated key: it is `Deduplicates` too
    QUERYABLE = "queryable"  #: the platform can be asked about a key: it is `Finds` too
    BLIND = "blind"  #: only a delivery receipt tells, or nothing does


@runtime_checkable
class Channel(Protocol):
    """One account on one kind of platform. Instances are made once per process and used by several threads."""

    name: ClassVar[str]
    #: what a reader calls it: "Facebook Page"
    title: ClassVar[str]
    options: ClassVar[tuple[Option, ...]]
    after_unknown: ClassVar[AfterUnknown]

    @classmethod
    def from_account(cls, account: Account) -> Self:
        """No input or output: connections are made when the first post is sent."""
        ...

    @property
    def target(self) -> str:
        """Whom this account speaks as, for the approver: a page id, a site's address, a sender ID."""
        ...

    def check(self, post: Post) -> list[CheckProblem]:
        """What stands against this post. No input or output; called at preview and again before sending."""
        ...

    def send(self, post: Post, key: str) -> Receipt:
        """Send to the account's own public place. Raises a SendError, and nothing else that it can foresee."""
        ...


#: Mode -> name of an account -> its channel: what the services are given.
ChannelsOfMode = Mapping[str, Mapping[str, Channel]]


class Sending(Protocol):
    """One post on its way to single recipients, through one thread. Leaving it closes nothing that others use."""

    def put(self, parcels: Sequence[Parcel]) -> None:
        """Begin to send to these, without waiting. The caller bounds how many are under way at once."""
        ...

    def take(self, within_s: float) -> list[tuple[str, Receipt | SendError]]:
        """The keys and outcomes that are there by now, waiting for the first of them at most `within_s` seconds.

        Each parcel comes back exactly once, at the latest 15 s after it was put. Raises nothing for a parcel's failure.
        """
        ...


@runtime_checkable
class SendsMany(Protocol):
    """Addresses single recipients (SMS)."""

    def sending(self, post: Post) -> AbstractContextManager[Sending]:
        """What has no outcome yet when the context is left stays without one: the caller takes it for unknown."""
        ...


@runtime_checkable
class Charges(Protocol):
    """Sends through an account that may have a price."""

    @property
    def tariff(self) -> Tariff: ...


@runtime_checkable
class KeepsQuiet(Protocol):
    """Texts of this account that nobody's life depends on wait between two local times."""

    @property
    def quiet_hours(self) -> QuietHours | None:
        """None where the account says nothing: the installation's own hold then."""
        ...


@runtime_checkable
class HasSpares(Protocol):
    """Its account names others of the same channel, through which its posts may go where they cannot go through it."""

    @property
    def ways(self) -> tuple[Way, ...]:
        """Its own account first."""
        ...


@runtime_checkable
class Paced(Protocol):
    """Sends through an account that takes no more than so much in a second, whoever sends."""

    def per_second(self, post: Post) -> float:
        """How many times this post may leave in a second; 0 where the account's file names no bound."""
        ...


@runtime_checkable
class ShowsImages(Protocol):
    """Shows a post's pictures. They come to `send` with their bytes, made to these rules before anybody approved them."""

    image_rules: ClassVar[ImageRules]


@runtime_checkable
class Threads(Protocol):
    """Can say in several posts, each an answer to the one before, what does not fit into one.

    `check` is asked about the whole post, and `send` is given one part after the other: `text` is the part's, and
    `in_reply_to` the platform's id of the part before, empty for the first. Each part is a delivery of its own.
    """

    max_parts: ClassVar[int]


@runtime_checkable
class ChoosesLinks(Protocol):
    """Its account decides whether its posts carry the link to the message's page, as where a link costs extra."""

    @property
    def with_links(self) -> bool: ...


@runtime_checkable
class Finds(Protocol):
    """Can find out whether the platform has a post: how an unknown outcome is cleared up.

    A readable channel looks for it among its own recent posts. A queryable one asks the platform for `key`, which is
    all it needs: `post` and `since` are then of no interest, and a post to a single recipient can be asked about too.
    """

    def find(self, post: Post, key: str, since: datetime) -> Receipt | None:
        """The post, if the platform has it, made no earlier than a minute before `since` (aware).

        None is a successful answer that does not know it; a platform's index may lag, so one None proves nothing: it
        takes two, a minute apart. Raises a SendError where nothing could be learned: that says nothing either way.
        NotConfigured pauses the account, as it does when sending.
        """
        ...


@runtime_checkable
class ReadsBack(Protocol):
    """Can look, as a reader would, whether a post that was accepted is there, and says what was approved.

    Asked about a minute after the acceptance: platforms take posts and hide them, pages are taken down, words are cut.
    """

    def read_back(self, post: Post, platform_id: str, since: datetime) -> Sight:
        """THERE, DIFFERS or ABSENT, of the post with this id (empty where it is not known), made no earlier than a
        minute before `since`. Raises a SendError where nothing could be learned."""
        ...


@runtime_checkable
class Amends(Protocol):
    """Can put another text in the place of a post of ours. To do it twice is to do it once."""

    def stands(self, platform_id: str) -> str | None:
        """The text that a reader sees there, or None. Raises a SendError where nothing could be learned."""
        ...

    def amend(self, post: Post, platform_id: str) -> Receipt:
        """Raises as `send` does; Refused with the code `gone` where nothing is there any more."""
        ...


@runtime_checkable
class Withdraws(Protocol):
    """Can take a post of ours down. What is gone already is a success; it raises as `send` does."""

    def stands(self, platform_id: str) -> str | None: ...

    def withdraw(self, platform_id: str) -> None: ...


@runtime_checkable
class Deduplicates(Protocol):
    """A platform that notices a key it has had before, and does not send a second time.

    After an unknown outcome the same key goes to the same account again. The platform's word for "I have that one"
    is an answer like any other: the channel turns it into a Receipt, with the first one's id where the platform
    gives it, and not into an error. It must be the platform's word about the key; one about the same text may come
    from another message.
    """

    #: How long it surely remembers a key, in seconds. At least half a minute less than the platform promises: between
    #: the decision to send again and the platform's taking it there are a commit and a slow connection.
    deduplicates_for_s: ClassVar[float]


@runtime_checkable
class HasPages(Protocol):
    """Gives each message a page, whose address is known before anything is sent, so that every post can carry it."""

    def page_address(self, reference: str) -> str:
        """The public address of the page of the message with this reference."""
        ...


@runtime_checkable
class TakesOut(Protocol):
    """Keeps what it has published where we can reach it: what is taken out of our records is taken out there too."""

    def take_out(self, posts: Mapping[str, Post], pictures: Collection[str]) -> int:
        """`posts` as they read by now, by the keys with which they were sent, and the SHA-256 of pictures that are gone: how
        many messages had something else, in what they say or said before. Raises a SendError. To do it twice is to do it
        once."""
        ...


@runtime_checkable
class Refreshes(Protocol):
    """Shows things that change by themselves, such as which warnings are still in force."""

    def refresh(self) -> None:
        """Bring what is shown up to date; also before anything was ever sent. Raises a SendError."""
        ...


@runtime_checkable
class Probes(Protocol):
    """Can find out, without posting anything, whether the platform would take a post now."""

    def probe(self) -> Readiness:
        """In PROBE_WITHIN_S of `channels/probing.py` at most; raises nothing that it can foresee.

        `not_ready` only for what is certain: credentials refused or ended, a permission that is missing, another
        account than the configured one, no credits. It stops alerts. A platform that does not answer, or is busy, is
        `doubtful`: that says nothing about the post that comes next.
        """
        ...
