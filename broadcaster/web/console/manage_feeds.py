"""Feeds of weather services and others: which are watched, whether they can be read, and what of them concerns us."""

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.errors import NotAllowed, Problem
from broadcaster.domain.message import Severity
from broadcaster.domain.policy import Action
from broadcaster.domain.watching import Rule
from broadcaster.service.feeds import Look
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page, text
from broadcaster.web.console.message import told
from broadcaster.web.console.step_up import carried_out

router = APIRouter(prefix="/manage/feeds", dependencies=[Depends(allowed(Action.READ))])


@router.get("")
def feeds(request: Request, desk: SignedIn) -> Response:
    return _page(request, desk)


@router.post("")
def add(request: Request, desk: SignedIn, form: Sent) -> Response:
    def act(actor: Person) -> str:
        rule = Rule(
            template=text(form, "template"),
            events=_words(form, "events"),
            areas=_words(form, "areas"),
            least=text(form, "least") or "Unknown",
        )
        return parts_of(request).feeds.add(
            actor,
            name=text(form, "name"),
            url=text(form, "url"),
            every_s=_number(form, "every", 60),
            silent_h=_number(form, "silent", 0),
            rules=[rule],
        )

    return carried_out(
        request,
        desk,
        form,
        act,
        done=lambda _desk, _uid: RedirectResponse("/manage/feeds", 303),
        again=lambda desk, problem: _page(request, desk, form=form, problem=problem),
    )


@router.post("/{uid}/remove")
def remove(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:  # noqa: ARG001 - checked
    try:
        parts_of(request).feeds.remove(desk.person, uid)
    except Problem as problem:
        return _page(request, desk, problem=problem)
    return RedirectResponse("/manage/feeds", 303)


@router.post("/{uid}/check")
def check(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:  # noqa: ARG001 - checked
    try:
        looked = parts_of(request).feeds.check(desk.person, uid)
    except Problem as problem:
        return _page(request, desk, problem=problem)
    return _page(request, desk, looked=(uid, looked))


def _page(
    request: Request,
    desk: Desk,
    *,
    form: FormData | None = None,
    problem: Problem | None = None,
    looked: tuple[str, Look] | None = None,
) -> Response:
    parts = parts_of(request)
    in_force = sorted(parts.templates.all().values(), key=lambda each: each.template.title)
    return manage_page(
        request,
        "manage_feeds.html",
        title="Feeds",
        desk=desk,
        answer=403 if isinstance(problem, NotAllowed) else 422 if problem else 200,
        problems=_at_fields(problem),
        found=parts.feeds.listed(desk.person),
        looked=looked,
        given=form or FormData(),
        templates=[{"value": e.template.name, "text": e.template.title} for e in in_force],
        titles={each.template.name: each.template.title for each in in_force},
        severities=[str(each) for each in Severity],
        may_change=desk.may(Action.MANAGE),
    )


def _at_fields(problem: Problem | None) -> list[dict[str, str]]:
    """Each leads to the field that it is about."""
    found = []
    for each in told(problem):
        name, _, rest = each["text"].partition(": ")
        known = name in {"name", "url", "every", "silent", "template", "events", "areas"} and rest
        found.append({"text": rest[:1].upper() + rest[1:], "href": f"#{name}"} if known else each)
    return found


def _words(form: FormData, name: str) -> tuple[str, ...]:
    """One a line, or with commas between them."""
    lines = text(form, name).replace("\n", ",").split(",")
    return tuple(each.strip() for each in lines if each.strip())


def _number(form: FormData, name: str, otherwise: int) -> int:
    given = text(form, name)
    if not given:
        return otherwise
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 7 else -1
