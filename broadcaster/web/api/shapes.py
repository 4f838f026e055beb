"""What goes in and comes out, as the OpenAPI document tells it: messages and what becomes of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from broadcaster.domain.message import Mode, Visibility
from broadcaster.service.approve import Released as JustReleased
from broadcaster.service.proof import Proof, ProofPost
from broadcaster.service.report import Status, TargetStatus

NO_NUL = r"^[^\x00]*$"  # PostgreSQL stores no such character
Ref = Annotated[
    str, Path(pattern="^[0-9A-Za-z]{6}$", description="The message's reference.", examples=["7F3K2M"])
]
Uid = Annotated[str, Path(pattern="^[0-9a-fA-F-]{36}$")]
Words = Annotated[str, Field(max_length=10_000, pattern=NO_NUL)]
Name = Annotated[str, Field(max_length=200, pattern=NO_NUL)]
Reason = Annotated[
    str, Field(max_length=1_000, pattern=NO_NUL, description="For the auditor, and whoever it concerns.")
]
Why = Annotated[str, Field(max_length=1_000, pattern=NO_NUL)]
Hash = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")]


class Given(BaseModel):
    """What a program sends. A name that there is not is refused, and never ignored: it may have been meant to matter."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    model_config = ConfigDict(from_attributes=True)


# --- given ------------------------------------------------------------------------------------------------


class Wording(Given):
    values: dict[Name, Words] = Field(description="The blanks of the template, filled in.", max_length=100)
    channels: list[Name] = Field(max_length=50, description="Such as website, facebook, sms.")
    audience: Name = Field("", description="The list that text messages go to; empty for none.")
    languages: list[Name] | None = Field(
        None,
        max_length=10,
        description="Beside the template's own, such as cy; what is said anew stands under `action.cy`. None: all that are "
        "spoken here, or of a message that is there those that it is in.",
    )
    later: Name = Field("", description="By when a language follows that it goes without, such as +2h.")


class Draft(Wording):
    template: Name
    channels: list[Name] = Field([], max_length=50, description="Empty: those that the template names.")
    mode: Mode
    incident: Name = Field(
        "", description="The reference of an incident that this belongs to; empty opens a new one."
    )
    visibility: Visibility = Visibility.PUBLIC


class Look(Wording):
    template: Name
    mode: Mode


class Edit(Wording):
    base: int = Field(
        ge=1, le=2**31 - 1, description="The version that was changed. If there is a newer one: 409."
    )


class Approval(Given):
    manifest_sha256: Hash = Field(description="The hash of what you were shown: `decision.manifest_sha256`.")


class Because(Given):
    reason: Reason


# --- told -------------------------------------------------------------------------------------------------


class MessageListed(Told):
    reference: str
    state: str
    mode: str
    kind: str
    headline: str
    author: str
    created_at: datetime


class Finding(Told):
    code: str
    level: str
    text: str
    where: str


class PostProblem(Told):
    code: str
    text: str


class Post(BaseModel):
    channel: str
    account: str
    speaks_as: str
    language: str
    title: str
    parts: list[str] = Field(description="Its texts; more than one is a thread.")
    link: str
    left_out: list[str] = Field(description="Facts for which there was no room.")
    late_slots: list[str]
    segments: int | None
    replaced: list[str]
    sha256: str
    problems: list[PostProblem]

    @classmethod
    def of(cls, shown: ProofPost) -> "Post":
        post = shown.post
        return cls(
            channel=shown.channel,
            account=shown.account,
            speaks_as=shown.speaks_as,
            language=post.language,
            title=post.title,
            parts=list(post.parts),
            link=post.link,
            left_out=list(post.left_out),
            late_slots=post.late_slots(),
            segments=shown.segments,
            replaced=list(shown.replaced),
            sha256=post.digest,
            problems=[PostProblem.model_validate(each) for each in shown.problems],
        )


class SentTo(BaseModel):
    name: str
    version: int
    count: int
    sha256: str


class Decision(BaseModel):
    manifest_sha256: str
    expires_at: datetime
    submitted_by: str
    approved_by: str


class TurnedDown(Told):
    act: str
    actor: str
    reason: str
    at: datetime


class Preview(BaseModel):
    """How it reads on every channel, and what stands against it. `problems` keep it from being submitted."""

    reference: str
    version: int
    mode: str
    state: str
    visibility: str
    expires: datetime
    audience: SentTo | None
    posts: list[Post]
    problems: list[str]
    findings: list[Finding]
    reading_age: int | None
    languages: dict[str, int] = Field(
        description="Where there are several: in their order, with the people who get texts in each."
    )
    later: dict[str, datetime] = Field(description="By when a language follows that it goes without.")

    @classmethod
    def parts_of(cls, proof: Proof) -> dict[str, Any]:
        a = proof.audience
        return {
            "reference": proof.ref,
            "version": proof.version,
            "mode": proof.mode,
            "state": proof.state,
            "visibility": proof.visibility,
            "expires": proof.expires,
            "audience": a and SentTo(name=a.name, version=a.no, count=a.size, sha256=a.sha256),
            "posts": [Post.of(each) for each in proof.posts],
            "problems": list(proof.problems),
            "findings": [Finding.model_validate(each) for each in proof.findings],
            "reading_age": proof.reading_age,
            "languages": dict(proof.languages),
            "later": dict(proof.later),
        }


class Picture(Told):
    """`sha256` is of what is kept of it; `name` of the file that it came from."""

    sha256: str
    alt: str
    name: str


class Message(Preview):
    """`decision` is of the newest submission; `turned_down` tells why it came back, was rejected or was stopped."""

    facts: dict[str, str]
    values: dict[str, str]
    pictures: list[Picture]
    decision: Decision | None
    turned_down: TurnedDown | None


class Released(BaseModel):
    reference: str
    broadcast: str
    released_at: datetime
    public_posts: int
    recipients: int

    @classmethod
    def of(cls, made: JustReleased) -> "Released":
        return cls(
            reference=made.ref, **_same(made, "broadcast", "released_at", "public_posts", "recipients")
        )


class Ended(BaseModel):
    reference: str
    state: str


class Part(Told):
    no: int
    state: str
    link: str


class Target(BaseModel):
    """`states` add up to `planned`. `seconds` run from approval to the last acceptance."""

    channel: str
    account: str
    language: str = Field(description="Where the message is said in several; else empty.")
    planned: int
    accepted: int
    settled: int
    states: dict[str, int]
    link: str
    seconds: float | None
    reasons: list[str]
    no_receipt: int
    no_receipt_since: datetime | None
    parts: list[Part]
    tries: dict[str, int]

    @classmethod
    def of(cls, found: TargetStatus) -> "Target":
        return cls(
            **_same(
                found, "channel", "account", "language", "planned", "accepted", "settled", "link", "seconds"
            ),
            **_same(found, "no_receipt", "no_receipt_since"),
            states=_counts(found.states),
            reasons=list(found.reasons),
            parts=[Part.model_validate(each) for each in found.parts],
            tries=dict(found.tries),
        )


class Deliveries(BaseModel):
    """`totals` add up to `planned` unless deliveries were lost or doubled, which is an alarm. `over`: nothing more happens by
    itself, but that receipts may still come."""

    reference: str
    message_state: str
    mode: str
    broadcast: str
    state: str
    released_at: datetime | None
    ended_at: datetime | None
    planned: int
    totals: dict[str, int]
    adds_up: bool
    over: bool
    targets: list[Target]

    @classmethod
    def of(cls, found: Status) -> "Deliveries":
        return cls(
            **_same(found, "message_state", "mode", "broadcast", "state", "released_at", "ended_at"),
            **_same(found, "planned", "adds_up", "over"),
            reference=found.ref,
            totals=_counts(found.totals),
            targets=[Target.of(each) for each in found.targets],
        )


def _same(found: object, *names: str) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


def _counts(found: Mapping[Any, int]) -> dict[str, int]:
    return {str(state): count for state, count in found.items()}
