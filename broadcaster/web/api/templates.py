"""Notice templates: what is in force, its versions and what changed, trying a wording on every channel, putting it in force."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.domain.blanks import BlankType
from broadcaster.domain.message import Certainty, Severity, Urgency
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.refusal import Shape
from broadcaster.service.templates import InForce, Templates, Trial, example_of
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import NO_NUL, Because, Finding, Given, Name, Post, Told, Words

router = APIRouter(prefix="/templates", tags=["notice templates"])

Named = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
Code = Annotated[str, Field(max_length=20, pattern=NO_NUL)]
Texts = dict[Name, Words]


# --- given, and told alike ----------------------------------------------------------------------------------


class OneBlank(Given):
    """One thing that an officer fills in. `ahead`, of a time: one that has passed is refused."""

    name: Name
    type: BlankType
    label: Name
    help: Words = ""
    example: Words = ""
    required: bool = True
    max_chars: int = Field(500, ge=1, le=10_000)
    choices: list[Name] = Field([], max_length=50)
    default: Words = ""
    ahead: bool = False


class OneRefusal(Given):
    """What these blanks refuse, and why; no `blanks`: every text and place."""

    why: Words
    words: list[Name] = Field([], max_length=200)
    shapes: list[Shape] = Field([], max_length=10)
    blanks: list[Name] = Field([], max_length=100)


class InLanguage(Given):
    """The same in another language. `reviewed` is the day on which somebody who speaks it last read it."""

    title: Name
    event: Name
    wording: Texts = Field(max_length=20)
    choices: dict[Name, list[Name]] = Field({}, max_length=100)
    defaults: Texts = Field({}, max_length=100)
    same: list[Name] = Field([], max_length=100)
    refused: list[OneRefusal] = Field([], max_length=50)
    translator: Name = ""
    reviewed: Name = ""


class TemplateText(Given):
    """All of it that can be edited. `review_by` is the day by which the wording is read anew; `never` what it must not say."""

    title: Name
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    wording: Texts = Field(max_length=20, description="By fact, with marks such as ((area)).")
    blanks: list[OneBlank] = Field(max_length=100)
    channels: list[Name] = Field([], max_length=50)
    must_keep: list[Name] = Field([], max_length=20)
    help: Words = ""
    never: list[Words] = Field([], max_length=50)
    refused: list[OneRefusal] = Field([], max_length=50)
    review_by: Name = Field("", examples=["2027-06-30"])
    languages: dict[Code, InLanguage] = Field({}, max_length=10)

    @classmethod
    def of(cls, template: NoticeTemplate) -> "TemplateText":
        whole = template.to_json()
        return cls.model_validate({name: whole[name] for name in cls.model_fields if name in whole})

    def read(self, before: NoticeTemplate) -> NoticeTemplate:
        """Of the same name, event and language. Invalid, naming every part, where it is none."""
        same = {each: getattr(before, each) for each in ("name", "event", "language", "prepares")}
        return NoticeTemplate.from_json({**same, **self.model_dump(mode="json")})


class NewVersion(Because):
    """`base` is the version that it began from: where another one is in force meanwhile, 409."""

    base: Number
    template: TemplateText


class PutBack(Because):
    version: Number


class Retirement(Because):
    """`base` is the version that was looked at: where another one is in force meanwhile, 409. None: whatever is in force."""

    base: Number | None = None


# --- told ---------------------------------------------------------------------------------------------------


class Template(Told):
    """`overdue`: the day has passed by which its wording was to be read anew. `retired`: nothing new is written from it."""

    name: str
    title: str
    language: str
    severity: str
    urgency: str
    certainty: str
    channels: list[str]
    review_by: str
    overdue: bool
    retired: bool

    @classmethod
    def parts_of(cls, found: InForce, today: date) -> dict[str, Any]:
        names = Template.model_fields.keys() - {"overdue", "channels", "retired"}
        own = {name: getattr(found.template, name) for name in names}
        state = {"overdue": found.is_overdue(today), "retired": found.retired}
        return {**own, "channels": list(found.template.channels), **state}


class Blank(Told):
    name: str
    type: str
    label: str
    required: bool
    max_chars: int
    choices: list[str]
    default: str


class WholeTemplate(Template):
    """`version` 0 is the one that ships; `reason` is why it was changed, or retired. `example` fills every blank with something
    that is not so."""

    version: int
    changed_by: str
    changed_at: datetime | None
    reason: str
    help: str
    never: list[str]
    wording: dict[str, str]
    blanks: list[Blank]
    example: dict[str, str]


class PastVersion(Told):
    """Number 0 ships; `put_back_no` is the one whose wording it has again; with one that is `retired` it went out of use."""

    no: int
    sha256: str
    review_by: str
    author: str
    reason: str
    put_back_no: int | None
    retired: bool
    created_at: datetime | None


class Piece(Told):
    change: str
    text: str


class Changed(Told):
    """One part that is not what it was; `said` is the change as a sentence."""

    name: str
    said: str
    pieces: list[Piece]


class Tried(BaseModel):
    """`problems` are to be mended before it can be put in force; `posts` how its examples read on every channel."""

    problems: list[str]
    findings: list[Finding]
    posts: list[Post]

    @classmethod
    def of(cls, trial: Trial) -> "Tried":
        proof = trial.proof
        return cls(
            problems=list(trial.problems),
            findings=[Finding.model_validate(each) for each in proof.findings] if proof else [],
            posts=[Post.of(each) for each in proof.posts] if proof else [],
        )


@router.get("", dependencies=[reading])
def list_templates(
    request: Request,
    pages: Pages,
    *,
    retired: Annotated[bool, Query(description="Those that are not to be used any more, instead.")] = False,
) -> Listed[Template]:
    """As they are in force here."""
    service = parts_of(request).templates
    found, today = (service.retired() if retired else service.all()).values(), service.today()
    return pages.cut(
        list(found), lambda each: each.template.name, lambda each: Template(**Template.parts_of(each, today))
    )


@router.get("/{name}", dependencies=[reading])
def show_template(request: Request, name: Named) -> WholeTemplate:
    """What it asks for, and when to use it."""
    return _whole(parts_of(request).templates, name)


@router.put("/{name}")
def edit_template(request: Request, actor: Asking, name: Named, body: NewVersion) -> WholeTemplate:
    """The next version, in force from now on, once it was tried on every channel and nothing is to be mended. Drafts, and what was
    handed over, keep the wording that they were written from."""
    service = parts_of(request).templates
    template = body.template.read(service.version(name, body.base))
    service.edit(actor, template, reason=body.reason, base=body.base)
    return _whole(service, name)


@router.get("/{name}/versions", dependencies=[reading])
def list_template_versions(request: Request, name: Named, pages: Pages) -> Listed[PastVersion]:
    """The newest first, down to the one that ships."""
    found = parts_of(request).templates.versions(name)
    return pages.cut(found, lambda each: -each.no, PastVersion.model_validate)


@router.get("/{name}/versions/{no}", dependencies=[reading])
def show_template_version(
    request: Request, name: Named, no: Annotated[int, Path(ge=0, le=2**31 - 1)]
) -> TemplateText:
    """All of one version, as PUT takes it."""
    return TemplateText.of(parts_of(request).templates.version(name, no))


@router.get("/{name}/changes", dependencies=[reading])
def compare_template_versions(
    request: Request,
    name: Named,
    before: Annotated[int, Query(ge=0, le=2**31 - 1)],
    after: Annotated[int, Query(ge=0, le=2**31 - 1)],
) -> list[Changed]:
    """What version `after` says that `before` did not, word by word and in words."""
    found = parts_of(request).templates.diff(name, before, after)
    return [Changed.model_validate(each) for each in found]


@router.post("/{name}/try", dependencies=[reading])
def try_template(request: Request, actor: Asking, name: Named, body: TemplateText | None = None) -> Tried:
    """How this wording, or without a body the one in force, reads on every channel with its examples. Nothing is kept."""
    service = parts_of(request).templates
    before = service.one(name).template
    return Tried.of(service.trial(actor, body.read(before) if body else before))


@router.post("/{name}/put-back")
def put_template_back(request: Request, actor: Asking, name: Named, body: PutBack) -> WholeTemplate:
    """An older version's wording in force again, as a new version. It is not tried anew. One that was retired is in use again."""
    service = parts_of(request).templates
    service.put_back(actor, name, body.version, reason=body.reason)
    return _whole(service, name)


@router.post("/{name}/retire")
def retire_template(request: Request, actor: Asking, name: Named, body: Retirement) -> WholeTemplate:
    """Nothing new is written from it any more, and no schedule sends it, until a version is put back or another one put in force.
    What was begun before may be sent still. 422 where something that goes on needs it."""
    service = parts_of(request).templates
    service.retire(actor, name, reason=body.reason, base=body.base)
    return _whole(service, name)


def _whole(service: Templates, name: str) -> WholeTemplate:
    found = service.one(name)
    template = found.template
    return WholeTemplate(
        **Template.parts_of(found, service.today()),
        version=found.no,
        changed_by=found.changed_by,
        changed_at=found.changed_at,
        reason=found.reason,
        help=template.help,
        never=list(template.never),
        wording=dict(template.wording),
        blanks=[Blank.model_validate(each) for each in template.blanks],
        example=dict(example_of(template)),
    )
