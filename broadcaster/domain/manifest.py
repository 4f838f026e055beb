"""The manifest: all that will be sent, as canonical JSON. Its SHA-256 is what an approver approves."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from broadcaster.domain.broadcast import OnUnknown
from broadcaster.domain.canonical import canonical
from broadcaster.domain.message import Kind, Mode, Visibility
from broadcaster.domain.ways import ApprovedWay

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class ApprovedPart:
    """Those of an audience who get the text in one language: `speaking` says who they are (`domain/languages.py`)."""

    speaking: str
    count: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ApprovedAudience:
    """An audience version as it was when it was shown. `sha256` is over the marks of its numbers, in order."""

    name: str
    version: int
    sha256: str
    count: int
    #: Only those of it who got this message, or may have: `count` is the most that they can be.
    received: str = ""
    #: Where it is told in several languages: who gets which. Together they are all of it.
    parts: tuple[ApprovedPart, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """An older manifest keeps its hash."""
        content = {**asdict(self), "parts": [asdict(part) for part in self.parts]}
        return {name: value for name, value in content.items() if value or name not in {"received", "parts"}}

    def count_of(self, speaking: str) -> int:
        """How many of it get a text that is for these."""
        return next((part.count for part in self.parts if part.speaking == speaking), self.count)


@dataclass(frozen=True, kw_only=True)
class ApprovedTemplate:
    """The notice template that the message was written from, as it was then. Version 0 is the one that ships."""

    name: str
    version: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ApprovedSeries:
    """The standing approval that a run of a schedule goes out under: `sha256` is of what was approved."""

    schedule: str
    version: int
    planned: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ApprovedLanguage:
    """One of several in which a message is said, in the order in which they stand."""

    language: str
    facts_sha256: str


@dataclass(frozen=True, kw_only=True)
class ManifestTarget:
    """One target: the post it gets (by digest) and through which account, or through which of several `ways`."""

    channel: str
    account: str
    speaks_as: str
    language: str
    post_sha256: str
    late_slots: tuple[str, ...]
    ways: tuple[ApprovedWay, ...] = ()
    #: What is done to what message `of` put there: see `domain/follow_up.py`. Empty for a post of its own.
    act: str = ""
    of: str = ""
    #: Which part of the audience it goes to, where there are several languages.
    speaking: str = ""

    def to_json(self) -> dict[str, Any]:
        """Ways stand there only where there is a choice: an older manifest keeps its hash."""
        later: dict[str, Any] = {"ways": [way.to_json() for way in self.ways]} if self.ways else {}
        later |= {"act": str(self.act), "of": self.of} if self.act else {}
        later |= {"speaking": self.speaking} if self.speaking else {}
        return {
            "account": self.account,
            "channel": self.channel,
            "language": self.language,
            "late_slots": list(self.late_slots),
            "post_sha256": self.post_sha256,
            "speaks_as": self.speaks_as,
            **later,
        }


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`audience` is who gets the posts that go to single recipients; None where there are none.

    `expires` is ISO 8601 with offset, as in the facts; `sequence` counts the messages of an incident from 1.
    """

    message: str
    reference: str
    version: int
    mode: Mode
    kind: Kind
    purpose: str
    incident: str
    sequence: int
    facts_sha256: str
    expires: str
    not_before: str
    on_unknown: OnUnknown
    audience: ApprovedAudience | None
    targets: tuple[ManifestTarget, ...]
    visibility: Visibility = Visibility.PUBLIC
    template: ApprovedTemplate | None = None
    series: ApprovedSeries | None = None
    #: The reference of the message that this one follows.
    follows: str = ""
    #: Digest of the "sent in error" that lies ready and is approved with this.
    sequel: str = ""
    #: Where there are several: all of them, the one that goes first first.
    languages: tuple[ApprovedLanguage, ...] = ()
    #: By when (ISO 8601) a language follows that this goes without.
    languages_later: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Visibility stands there only where it is not public, the template where its version is known, the series
        where it is a run of one: an older manifest keeps its hash."""
        later: dict[str, Any] = {}
        if self.visibility is not Visibility.PUBLIC:
            later["visibility"] = str(self.visibility)
        if self.template:
            later["template"] = asdict(self.template)
        if self.series:
            later["series"] = asdict(self.series)
        if self.sequel:
            later["sequel"] = self.sequel
        if self.languages:
            later["languages"] = [asdict(each) for each in self.languages]
        if self.languages_later:
            later["languages_later"] = dict(self.languages_later)
        if self.follows:
            later["follows"] = self.follows
        return {
            "audience": self.audience and self.audience.to_json(),
            "expires": self.expires,
            "facts_sha256": self.facts_sha256,
            "format": FORMAT,
            "incident": self.incident,
            "kind": str(self.kind),
            "message": self.message,
            "mode": str(self.mode),
            "not_before": self.not_before,
            "on_unknown": str(self.on_unknown),
            "purpose": self.purpose,
            "reference": self.reference,
            "sequence": self.sequence,
            "targets": [t.to_json() for t in self.targets],
            "version": self.version,
            **later,
        }

    def to_bytes(self) -> bytes:
        return canonical(self.to_json())


def manifest_hash(content: bytes) -> str:
    """Hexadecimal SHA-256 of a manifest's canonical bytes."""
    return hashlib.sha256(content).hexdigest()
