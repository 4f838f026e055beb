"""Scheduled notices: planned, approved beforehand as a series, watched, paused, changed from now on, ended."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Mode, Visibility
from broadcaster.domain.schedule import Plan as Planned
from broadcaster.domain.schedule import place
from broadcaster.service.schedule_writing import Written
from broadcaster.service.schedules import Entry
from broadcaster.service.schedules import Shown as ShownSchedule
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.once import Done, Key, once
from broadcaster.web.api.shapes import Because, Given, Hash, Name, Ref, Told, Words
from broadcaster.web.api.times import Day, DayOrTime, LocalTime, Moment

router = APIRouter(prefix="/schedules", tags=["schedules"])
LAST = float(2**40)  # later than any run


class GivenPlan(Given):
    """When it goes out, by the clock of `zone`. Without `rule` it is once, and without `last` until the day of its first run."""

    starts: LocalTime
    zone: Name = Field("", description="Such as Europe/London; empty: the one of the settings.")
    last: Day | None = None
    rule: Name = Field("", description="RFC 5545, such as FREQ=WEEKLY;BYDAY=MO.")
    without: list[DayOrTime] = Field([], max_length=800, description="Days or times that are left out.")
    grace_minutes: int = Field(60, ge=0, le=1440, description="How late it may go out after an outage.")

    def read(self, zone: str) -> Planned:
        try:
            return Planned(
                starts=datetime.fromisoformat(self.starts),
                zone=self.zone or zone,
                last=date.fromisoformat(self.last or self.starts[:10]),
                rule=self.rule.removeprefix("RRULE:"),
                without=tuple(self.without),
                grace_minutes=self.grace_minutes,
            )
        except ValueError as error:
            raise Invalid(
                "Give the first run like 2027-01-04T09:00 and the last day like 2027-06-30. Nothing was changed."
            ) from error


def _without_nul(given: str) -> str:
    """No pattern in the document: one that long takes generators of requests a minute."""
    if "\0" in given:
        raise ValueError("PostgreSQL stores no NUL.")
    return given


class Version(Given):
    name: Name = Field(description="What people call it.")
    plan: GivenPlan
    values: dict[Name, Words] = Field(
        description="The blanks of the template. What begins with = is worked out for each run.",
        max_length=100,
    )
    channels: list[Name] = Field([], max_length=50, description="Empty: those that the template names.")
    audience: Name = Field("", description="The list that text messages go to; empty for none.")
    visibility: Visibility = Visibility.PUBLIC
    languages: list[Name] | None = Field(
        None,
        max_length=10,
        description="Beside the template's own, such as cy; what is said anew stands under `action.cy`. None: all that are "
        "spoken here, or of a schedule that is there those that it is in.",
    )
    table: Annotated[str, AfterValidator(_without_nul)] | None = Field(
        None, description="CSV for =column. Null keeps the one that is there."
    )

    def read(self, parts: Parts, template: str) -> Written:
        return Written(
            name=self.name,
            template=parts.templates.current(template),
            values=self.values,
            plan=self.plan.read(parts.settings.timezone),
            channels=self.channels,
            audience=self.audience,
            visibility=self.visibility,
            languages=self.languages,
            table=self.table,
        )


class NewSchedule(Version):
    template: Name
    mode: Mode


class Change(Version):
    base: int = Field(
        ge=1, le=2**31 - 1, description="The `version` that was changed. If another one is shown now: 409."
    )


class ScheduleApproval(Given):
    hash: Hash = Field(description="`hash`, as you were shown it.")


class OneRun(Given):
    at: LocalTime | Moment = Field(description="By the schedule's own clock, or as `ahead` has it.")


class LeftOut(OneRun, Because):
    pass


class ScheduleListed(BaseModel):
    """`problem` is why it will not go out as it is; empty otherwise."""

    reference: str
    name: str
    mode: str
    state: str
    next: datetime | None
    waits_for_approval: bool
    problem: str

    @classmethod
    def of(cls, each: Entry) -> "ScheduleListed":
        return cls(
            reference=each.schedule.ref,
            name=each.schedule.name,
            mode=each.schedule.mode,
            state=each.state,
            next=each.next.at if each.next else None,
            waits_for_approval=each.waits,
            problem=each.problem,
        )


class Plan(Told):
    starts: str
    zone: str
    last: str
    rule: str
    without: list[str]
    grace_minutes: int


class RunAhead(BaseModel):
    """`clocks` says what a change of the clocks makes of it; `posts` how it reads on each account."""

    at: datetime
    clocks: str
    left_out_by: str
    problems: list[str]
    posts: dict[str, str]


class PastRun(Told):
    """`state` is sent, refused, missed or skipped; `message` the reference of what was sent."""

    planned_at: datetime
    state: str
    code: str
    reason: str
    message: str
    person: str


class Schedule(BaseModel):
    """What waits for somebody, or else what is in force. `hash` is what an approver approves; empty before it is handed over."""

    reference: str
    name: str
    mode: str
    state: str
    version: int
    plan: Plan
    template: str
    values: dict[str, str]
    accounts: list[str]
    audience: str
    visibility: str
    languages: list[str] = Field(description="Where there are several: in their order.")
    hash: str
    problems: list[str]
    ahead: list[RunAhead]
    past: list[PastRun]

    @classmethod
    def of(cls, found: ShownSchedule) -> "Schedule":
        version, row = found.shown, found.schedule
        return cls(
            reference=row.ref,
            name=row.name,
            mode=row.mode,
            state=found.state,
            version=version.no,
            plan=Plan(**version.plan.to_json()),
            template=str(version.template["name"]),
            values=dict(version.blanks),
            accounts=list(version.accounts),
            audience=version.audience,
            visibility=version.visibility,
            languages=version.languages.split(),
            hash=version.bounds_sha256,
            problems=list(found.problems),
            ahead=[_ahead(found, run) for run in found.upcoming],
            past=[PastRun.model_validate(run) for run in found.past],
        )


def _ahead(found: ShownSchedule, run: Any) -> RunAhead:
    return RunAhead(
        at=run.planned.at.astimezone(found.shown.plan.clock),
        clocks=run.planned.told,
        left_out_by=run.skipped,
        problems=list(run.problems),
        posts={each.account: each.post.text for each in run.proof.posts} if run.proof else {},
    )


class Became(BaseModel):
    reference: str
    done: str


@router.get("", dependencies=[reading])
def list_schedules(request: Request, pages: Pages) -> Listed[ScheduleListed]:
    """What comes next first; what has ended last."""
    found = parts_of(request).schedules.listed()
    return pages.cut(found, _place, ScheduleListed.of)


def _place(each: Entry) -> list[Any]:
    return [each.state == "ended", each.next.at.timestamp() if each.next else LAST, each.schedule.ref]


@router.post("", status_code=201, response_model=Schedule)
def add_schedule(request: Request, actor: Asking, body: NewSchedule, key: Key = None) -> Response:
    """A new schedule, with its next runs as they will read. Nothing of it goes out before a second person approves it."""
    parts = parts_of(request)

    def act() -> str:
        return parts.schedule_writing.add(actor, body.read(parts, body.template), mode=body.mode).ref

    def told(ref: str) -> Done:
        return Done(made=_schedule(parts, ref), status=201, location=f"/api/v1/schedules/{ref}")

    return once(request, actor, key, body, act, told)


@router.get("/{ref}", dependencies=[reading])
def show_schedule(request: Request, ref: Ref) -> Schedule:
    """With its next ten runs word for word, and what became of past ones."""
    return _schedule(parts_of(request), ref)


@router.put("/{ref}")
def change_schedule(request: Request, actor: Asking, ref: Ref, body: Change) -> Schedule:
    """All of it anew, from now on, in the place of version `base` and of the same template. What is approved goes on until this is
    approved too."""
    parts = parts_of(request)
    template = str(parts.schedules.one(ref, upcoming=0).shown.template["name"])
    parts.schedule_writing.change(actor, ref, body.read(parts, template), base=body.base)
    return _schedule(parts, ref)


@router.post("/{ref}/submit", response_model=Schedule)
def submit_schedule(request: Request, actor: Asking, ref: Ref, key: Key = None) -> Response:
    """Hand it to a second person, exactly as it is now."""
    parts = parts_of(request)
    return once(
        request,
        actor,
        key,
        None,
        lambda: parts.schedule_writing.submit(actor, ref),
        lambda _: Done(made=_schedule(parts, ref)),
    )


@router.post("/{ref}/approve", response_model=Schedule)
def approve_schedule(
    request: Request, actor: Asking, ref: Ref, body: ScheduleApproval, key: Key = None
) -> Response:
    """A standing approval of what has this hash: its runs go out by themselves until its last day. A live one wants the user's
    second factor, given for this token a few minutes ago at most: POST /me/second-factor."""
    parts = parts_of(request)
    return once(
        request,
        actor,
        key,
        body,
        lambda: parts.schedule_approval.approve(actor, ref, body.hash),
        lambda _: Done(made=_schedule(parts, ref)),
    )


@router.post("/{ref}/return")
def return_schedule(request: Request, actor: Asking, ref: Ref, body: Because) -> Became:
    """Give it back to its officer."""
    parts_of(request).schedule_approval.send_back(actor, ref, body.reason)
    return Became(reference=ref.upper(), done="returned")


@router.post("/{ref}/reject")
def reject_schedule(request: Request, actor: Asking, ref: Ref, body: Because) -> Became:
    """Refuse this version for good. What was approved before goes on."""
    parts_of(request).schedule_approval.reject(actor, ref, body.reason)
    return Became(reference=ref.upper(), done="rejected")


@router.post("/{ref}/pause")
def pause_schedule(request: Request, actor: Asking, ref: Ref, body: Because) -> Became:
    """Nothing of it goes out until it is resumed. What comes due meanwhile is left out for good."""
    parts_of(request).schedule_course.pause(actor, ref, body.reason)
    return Became(reference=ref.upper(), done="paused")


@router.post("/{ref}/resume")
def resume_schedule(request: Request, actor: Asking, ref: Ref) -> Became:
    """Go on with the next run."""
    parts_of(request).schedule_course.resume(actor, ref)
    return Became(reference=ref.upper(), done="resumed")


@router.post("/{ref}/skip")
def skip_run(request: Request, actor: Asking, ref: Ref, body: LeftOut) -> Became:
    """Leave out one run that lies ahead."""
    parts = parts_of(request)
    moment = _moment(parts.schedules.one(ref, upcoming=0), body.at)
    parts.schedule_course.skip(actor, ref, moment, body.reason)
    return Became(reference=ref.upper(), done="left out")


@router.post("/{ref}/put-back")
def put_run_back(request: Request, actor: Asking, ref: Ref, body: OneRun) -> Became:
    """Let a run go out after all that was left out."""
    parts = parts_of(request)
    moment = _moment(parts.schedules.one(ref, upcoming=0), body.at)
    parts.schedule_course.unskip(actor, ref, moment)
    return Became(reference=ref.upper(), done="put back")


@router.post("/{ref}/end")
def end_schedule(request: Request, actor: Asking, ref: Ref, body: Because) -> Became:
    """Nothing more of it goes out, ever."""
    parts_of(request).schedule_course.end(actor, ref, body.reason)
    return Became(reference=ref.upper(), done="ended")


def _schedule(parts: Parts, ref: str) -> Schedule:
    return Schedule.of(parts.schedules.one(ref))


def _moment(found: ShownSchedule, at: str | datetime) -> datetime:
    if isinstance(at, datetime):
        return at
    try:
        return place(datetime.fromisoformat(at), found.shown.plan.clock).at
    except ValueError as error:
        raise Invalid("Give the time of the run like 2027-01-11T09:00. Nothing was changed.") from error
