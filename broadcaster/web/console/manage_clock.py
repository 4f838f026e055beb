"""What is set in quiet times: wording that one officer may send alone, and the time before an election."""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import Problem
from broadcaster.domain.message import Severity
from broadcaster.domain.policy import Action
from broadcaster.domain.pre_authorisation import BlankBound, Bounds
from broadcaster.domain.times import local_time
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page, text, texts
from broadcaster.web.console.message import told
from broadcaster.web.console.step_up import carried_out
from broadcaster.web.console.words import CHANNELS as CHANNEL_WORDS
from channels import CHANNELS

authorised = APIRouter(prefix="/manage/pre-authorised")
authorising = APIRouter(prefix="/manage/pre-authorised", dependencies=[Depends(allowed(Action.AUTHORISE))])
elections = APIRouter(prefix="/manage/elections", dependencies=[Depends(allowed(Action.MANAGE))])
HERE = "/manage/pre-authorised"


@authorised.get("")
def listing(request: Request, desk: SignedIn, template: str = "") -> Response:
    return _authorised(request, desk, template=template)


@authorising.post("")
def propose(request: Request, desk: SignedIn, form: Sent) -> Response:
    parts, template = parts_of(request), text(form, "template")
    return carried_out(
        request,
        desk,
        form,
        lambda actor: parts.pre_authorise.propose(
            actor,
            template,
            _bounds(form),
            ends_at=local_time(text(form, "ends"), parts.settings.zone, last=True),
            reason=text(form, "reason"),
        ),
        done=lambda _desk, _made: RedirectResponse(HERE, 303),
        again=lambda desk, problem: _authorised(request, desk, template=template, problem=problem, form=form),
    )


@authorising.post("/{ref}/confirm")
def confirm(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service = parts_of(request).pre_authorise
    return carried_out(
        request,
        desk,
        form,
        lambda actor: service.confirm(actor, ref, text(form, "sha256")),
        done=lambda _desk, _made: RedirectResponse(HERE, 303),
        again=lambda desk, problem: _authorised(request, desk, problem=problem),
    )


@authorising.post("/{ref}/end")
def end(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    try:
        parts_of(request).pre_authorise.end(desk.person, ref, text(form, "reason"))
    except Problem as problem:
        return _authorised(request, desk, problem=problem)
    return RedirectResponse(HERE, 303)


@elections.get("")
def before_elections(request: Request, desk: SignedIn) -> Response:
    return _elections(request, desk)


@elections.post("")
def set_period(request: Request, desk: SignedIn, form: Sent) -> Response:
    parts = parts_of(request)
    try:
        zone = parts.settings.zone
        starts, ends = local_time(text(form, "starts"), zone), local_time(text(form, "ends"), zone, last=True)
        parts.pre_election.set(desk.person, starts_at=starts, ends_at=ends)
    except Problem as problem:
        return _elections(request, desk, problem=problem, form=form)
    return RedirectResponse("/manage/elections", 303)


@elections.post("/names")
def set_names(request: Request, desk: SignedIn, form: Sent) -> Response:
    try:
        parts_of(request).pre_election.set_names(desk.person, text(form, "names").splitlines())
    except Problem as problem:
        return _elections(request, desk, problem=problem, form=form)
    return RedirectResponse("/manage/elections", 303)


@elections.post("/{ref}/end")
def end_period(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:  # noqa: ARG001 - checked
    try:
        parts_of(request).pre_election.end(desk.person, ref)
    except Problem as problem:
        return _elections(request, desk, problem=problem)
    return RedirectResponse("/manage/elections", 303)


def _bounds(form: FormData) -> Bounds:
    names = dict.fromkeys(key.partition("-")[2] for key in form if key.startswith(("choices-", "hours-")))
    blanks = {}
    for name in names:
        bound = BlankBound(
            choices=tuple(_lines(text(form, f"choices-{name}"))),
            pattern=text(form, f"pattern-{name}"),
            max_chars=_number(text(form, f"most-{name}")),
            hours=_number(text(form, f"hours-{name}")),
        )
        if bound != BlankBound():
            blanks[name] = bound
    return Bounds(
        events=tuple(_lines(text(form, "events"))),
        channels=tuple(texts(form, "channels")),
        blanks=blanks,
        audiences=tuple(texts(form, "audiences")),
        most_recipients=_number(text(form, "most_recipients")),
        severities=tuple(texts(form, "severities")),
    )


def _lines(given: str) -> list[str]:
    return [" ".join(line.split()) for line in given.splitlines() if line.strip()]


def _number(given: str) -> int:
    bare = given.replace(",", "")
    return int(bare) if bare.isascii() and bare.isdecimal() and len(bare) < 9 else 0


def _authorised(
    request: Request,
    desk: Desk,
    *,
    template: str = "",
    problem: Problem | None = None,
    form: FormData | None = None,
) -> Response:
    parts, given = parts_of(request), form or FormData()
    notices = parts.templates.all()
    chosen = {*texts(given, "channels"), *texts(given, "audiences"), *texts(given, "severities")}

    def boxes(values: list[str]) -> list[dict[str, object]]:
        return [{"value": each, "text": each, "checked": each in chosen} for each in values]

    return manage_page(
        request,
        "manage_authorised.html",
        title="Authorised beforehand",
        desk=desk,
        answer=422 if problem else 200,
        problems=told(problem),
        found=parts.pre_authorise.listed(desk.person),
        now=datetime.now(UTC),
        given=given,
        may_authorise=desk.may(Action.AUTHORISE),
        notices=sorted((each.template for each in notices.values()), key=lambda t: t.title),
        notice=notices[template].template if template in notices else None,
        channels=[
            {**each, "text": CHANNEL_WORDS.get(str(each["value"]), each["value"])}
            for each in boxes(list(CHANNELS))
        ],
        audiences=boxes([each.name for each in parts.audiences.list()]),
        severities=boxes([str(each) for each in Severity]),
    )


def _elections(
    request: Request, desk: Desk, *, problem: Problem | None = None, form: FormData | None = None
) -> Response:
    found = parts_of(request).pre_election.of(desk.person)
    given = form or FormData()
    return manage_page(
        request,
        "manage_elections.html",
        title="Before an election",
        desk=desk,
        answer=422 if problem else 200,
        problems=told(problem),
        found=found,
        given=given,
        names=text(given, "names") or "\n".join(found.names),
    )
