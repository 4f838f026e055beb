"""Writing a schedule: choose a notice template, say when and what, and see the next runs as they will read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.domain.errors import Invalid, NotAllowed, Problem, Stale
from broadcaster.domain.message import Mode
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.schedule import Plan
from broadcaster.service.schedule_writing import Written
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.in_languages import beside, languages_asked, languages_of
from broadcaster.web.console.manage_frame import text
from broadcaster.web.console.pages import page, problems_at
from broadcaster.web.console.schedule_words import OFFERED, OWN, repeat_of, rule_for
from channels.base import Channel

router = APIRouter(prefix="/schedules")

MOST_DIGITS = 9
#: Fields that a problem may be about; the words of the error summary.
FIELDS: Mapping[str, str] = {
    "name": "The name",
    "starts": "The first run",
    "last": "The last day",
    "rule": "The rule",
    "without": "The days left out",
    "grace": "How late it may go out",
    "zone": "The time zone",
    "table": "The table",
    "languages": "The languages",
}


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What the form holds, good or not."""

    name: str = ""
    starts: str = ""
    last: str = ""
    repeat: str = "weekly"
    rule: str = ""
    without: str = ""
    grace: str = "60"
    zone: str = ""
    table: str = ""
    audience: str = ""
    mode: Mode = Mode.LIVE
    channels: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    #: Beside the template's own, as far as the form asks; None where it does not.
    languages: tuple[str, ...] | None = None

    @classmethod
    def of(cls, form: FormData, template: NoticeTemplate) -> "Typed":
        texts = ("name", "starts", "last", "repeat", "rule", "without", "grace", "zone", "table", "audience")
        blanks = beside(template, template.languages, template.blanks)
        given: dict[str, Any] = {name: str(form.get(name, "")) for name in texts}
        return cls(
            **given,
            mode=Mode.EXERCISE if form.get("mode") == "exercise" else Mode.LIVE,
            channels=tuple(str(each) for each in form.getlist("channels")),
            values={b.name: str(form.get(f"blank-{b.name}", "")) for b in blanks},
            languages=languages_of(form),
        )

    def plan(self) -> Plan:
        problems = []
        starts, last = _moment(self.starts), _day(self.last)
        if starts is None:
            problems.append("starts: must be a date and a time such as 2027-01-04T09:00")
        if last is None and self.repeat != "once":
            problems.append("last: must be a day such as 2027-06-30")
        if not self.grace.strip().isdecimal():
            problems.append("grace: must be a number of minutes")
        if starts is None or problems:
            raise Invalid("The schedule cannot be used yet. Nothing was changed.", details=tuple(problems))
        return Plan(
            starts=starts,
            zone=self.zone.strip(),
            last=last or starts.date(),
            rule=rule_for(self.repeat, self.rule, starts),
            without=tuple(self.without.replace(",", " ").split()),
            grace_minutes=int(self.grace),
        )

    def written(self, template: NoticeTemplate, *, keep_table: bool) -> Written:
        return Written(
            name=self.name,
            template=template,
            values=self.values,
            plan=self.plan(),
            channels=self.channels,
            audience=self.audience,
            languages=self.languages,
            table=None if keep_table and not self.table.strip() else self.table,
        )


@router.get("/new")
def choose(request: Request, desk: SignedIn) -> HTMLResponse:
    in_force = parts_of(request).templates.all().values()
    templates = sorted((each.template for each in in_force), key=lambda t: t.title)
    return page(
        request,
        "schedule_choose.html",
        title="What is to be told again and again?",
        desk=desk,
        templates=templates,
        back="/schedules",
    )


@router.get("/new/{name}")
def blank(request: Request, desk: SignedIn, name: str) -> HTMLResponse:
    parts = parts_of(request)
    template = parts.templates.current(name)
    typed = Typed(
        zone=parts.settings.timezone,
        channels=template.channels,
        values={b.name: b.default for b in template.blanks},
    )
    return _form(request, desk, template, typed)


@router.post("/new/{name}")
def add(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    parts = parts_of(request)
    template = parts.templates.current(name)
    typed = Typed.of(form, template)
    try:
        made = parts.schedule_writing.add(
            desk.person, typed.written(template, keep_table=False), mode=typed.mode
        )
    except NotAllowed:
        raise
    except Problem as problem:
        return _form(request, desk, template, typed, problem=problem)
    return RedirectResponse(f"/schedules/{made.ref}", 303)


@router.get("/{ref}/change")
def as_it_is(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    parts = parts_of(request)
    shown = parts.schedules.one(ref, upcoming=0)
    version = shown.shown
    template = parts.templates.current(str(version.template["name"]))
    configured = parts.channels.get(shown.schedule.mode, {})
    typed = Typed(
        name=shown.schedule.name,
        starts=version.plan.starts.isoformat(timespec="minutes"),
        last=version.plan.last.isoformat(),
        repeat=repeat_of(version.plan),
        rule=version.plan.rule,
        without="\n".join(version.plan.without),
        grace=str(version.plan.grace_minutes),
        zone=version.plan.zone,
        audience=version.audience,
        mode=shown.schedule.mode,
        channels=tuple(dict.fromkeys(configured[n].name for n in version.accounts if n in configured)),
        values=version.blanks,
        languages=tuple(version.languages.split()),
    )
    return _form(request, desk, template, typed, ref=ref, base=version.no)


@router.post("/{ref}/change")
def change(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    parts = parts_of(request)
    shown = parts.schedules.one(ref, upcoming=0)
    template = parts.templates.current(str(shown.shown.template["name"]))
    typed, base = Typed.of(form, template), text(form, "base")
    began = int(base) if base.isdecimal() and len(base) < MOST_DIGITS else 0
    try:
        parts.schedule_writing.change(desk.person, ref, typed.written(template, keep_table=True), base=began)
    except NotAllowed:
        raise
    except Stale as problem:  # who is told of the other one: the next try takes its place
        return _form(request, desk, template, typed, problem=problem, ref=ref, base=shown.shown.no)
    except Problem as problem:
        return _form(request, desk, template, typed, problem=problem, ref=ref, base=began)
    return RedirectResponse(f"/schedules/{ref}", 303)


def _form(
    request: Request,
    desk: Desk,
    template: NoticeTemplate,
    typed: Typed,
    *,
    problem: Problem | None = None,
    ref: str = "",
    base: int = 0,
) -> HTMLResponse:
    parts = parts_of(request)
    spoken = languages_asked(parts.compose.policy, template, typed.languages)
    said: Sequence[str] = (problem.details or (problem.text,)) if problem else ()
    problems = problems_at(
        said, FIELDS
    )  # what stands against a blank is told beside the runs, once it is kept
    for each in problems:
        if "href" in each:
            each["href"] = each["href"].replace("#blank-", "#")
    return page(
        request,
        "schedule_write.html",
        title=f"Schedule: {template.title}",
        desk=desk,
        answer=422 if problem else 200,
        back=f"/schedules/{ref}" if ref else "/schedules/new",
        template=template,
        blanks=beside(template, spoken, template.blanks),
        spoken=spoken,
        typed=typed,
        ref=ref,
        base=base,
        problems=problems,
        offered=[*((name, words) for name, (words, _) in OFFERED.items()), (OWN, "By a rule of my own")],
        channels=_channels(parts, typed.mode),
        audiences=parts.audiences.list(),
        modes=[mode for mode in Mode if parts.channels.get(mode)],
    )


def _channels(parts: Parts, mode: Mode) -> list[str]:
    configured: Mapping[str, Channel] = parts.channels.get(mode, {})
    return list(dict.fromkeys(channel.name for channel in configured.values()))


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found.replace(second=0, microsecond=0) if found.tzinfo is None and len(text.strip()) > 10 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
