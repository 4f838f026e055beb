"""Sending without a second person: wording authorised beforehand, and break-glass on a page of its own, never one tap from the
normal way."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.break_glass import OFF, Verdict
from broadcaster.domain.errors import Invalid, Problem
from broadcaster.domain.identity import Switch
from broadcaster.domain.message import MessageState
from broadcaster.domain.policy import Action
from broadcaster.service.approve import Released
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import text
from broadcaster.web.console.message import seen, told
from broadcaster.web.console.pages import page
from broadcaster.web.console.step_up import carried_out

router = APIRouter(prefix="/messages", dependencies=[Depends(allowed(Action.SEND_ALONE))])
reviews = APIRouter(prefix="/break-glass")
reviewing = APIRouter(prefix="/break-glass", dependencies=[Depends(allowed(Action.REVIEW))])
paging = APIRouter(prefix="/messages")
pages = APIRouter(prefix="/pages")

WAITS = frozenset({MessageState.DRAFT, MessageState.EXPIRED, MessageState.SUBMITTED})
VERDICTS = {
    Verdict.RIGHT: "It could not wait, and what was sent was right",
    Verdict.AVOIDABLE: "Somebody could have been reached, or it could have waited",
    Verdict.WRONG: "It should not have been sent, or not so",
}


@paging.post("/{ref}/on-it")
def on_it(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:  # noqa: ARG001 - checked
    parts_of(request).paging.acknowledge(desk.person, ref)
    return RedirectResponse(f"/messages/{ref}/approve", 303)


@pages.post("/{uid}/on-it")
def see_to_it(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:  # noqa: ARG001 - checked
    told = parts_of(request).paging.acknowledge(desk.person, uid)
    return RedirectResponse(told.request.link, 303)


@router.get("/{ref}/alone")
def alone(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _alone(request, desk, ref)


@router.post("/{ref}/alone")
def send_alone(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    if form.get("real") != "yes":
        return _alone(
            request, desk, ref, problem=Invalid("Choose whether this is to be sent. Nothing was sent.")
        )
    sending, version = parts_of(request).send_alone, text(form, "version")

    def act(actor: Person) -> Released:
        return sending.pre_authorised(
            actor,
            ref,
            text(form, "event"),
            manifest_sha256=text(form, "hash"),
            version=int(version) if version.isdecimal() else 0,
        )

    return carried_out(
        request,
        desk,
        form,
        act,
        done=lambda _desk, _made: RedirectResponse(f"/messages/{ref}/board", 303),
        again=lambda desk, problem: _alone(request, desk, ref, problem=problem, form=form),
    )


@router.get("/{ref}/break-glass")
def glass(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _glass(request, desk, ref)


@router.post("/{ref}/break-glass")
def break_glass(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    if form.get("real") != "yes":
        wrong = Invalid("Choose whether you send it without a second person. Nothing was sent.")
        return _glass(request, desk, ref, problem=wrong, form=form)
    sending = parts_of(request).send_alone
    return carried_out(
        request,
        desk,
        form,
        lambda actor: sending.break_glass(actor, ref, text(form, "hash"), text(form, "reason")),
        done=lambda _desk, _made: RedirectResponse(f"/messages/{ref}/board", 303),
        again=lambda desk, problem: _glass(request, desk, ref, problem=problem, form=form),
    )


@reviews.get("")
def uses(request: Request, desk: SignedIn) -> HTMLResponse:
    found = parts_of(request).reviews.listed(desk.person)
    return page(request, "glass_uses.html", title="Break-glass", desk=desk, back="/", uses=found)


@reviews.get("/{uid}")
def used(request: Request, desk: SignedIn, uid: str) -> HTMLResponse:
    return _used(request, desk, uid)


@reviewing.post("/{uid}/review")
def review(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:
    verdict, finding = text(form, "verdict"), text(form, "finding")
    try:
        parts_of(request).reviews.review(desk.person, uid, verdict=verdict, finding=finding)
    except Problem as problem:
        return _used(request, desk, uid, problem=problem, form=form)
    return RedirectResponse(f"/break-glass/{uid}", 303)


def _alone(
    request: Request, desk: Desk, ref: str, *, problem: Problem | None = None, form: FormData | None = None
) -> HTMLResponse:
    found = seen(request, ref)
    cover = parts_of(request).pre_authorise.cover(ref)
    return page(
        request,
        "alone.html",
        title="Send it alone: " + found["facts"].headline,
        desk=desk,
        back=f"/messages/{ref}",
        answer=409 if problem else 200,
        cover=cover,
        may_send=cover.under is not None and found["proof"].state in WAITS and not found["proof"].problems,
        given=form or {},
        problems=told(problem, at="real"),
        **found,
    )


def _glass(
    request: Request, desk: Desk, ref: str, *, problem: Problem | None = None, form: FormData | None = None
) -> HTMLResponse:
    found, parts = seen(request, ref), parts_of(request)
    with parts.database.read() as tx:
        policy = parts.rules.switch(tx, Switch.BREAK_GLASS)
    return page(
        request,
        "break_glass.html",
        title="Break-glass: " + found["facts"].headline,
        desk=desk,
        back=f"/messages/{ref}",
        answer=409 if problem else 200,
        is_on=policy != OFF,
        may_send=policy != OFF and found["proof"].state is MessageState.SUBMITTED,
        paged=parts.paging.about(ref),
        given=form or {},
        problems=told(problem, at="reason"),
        **found,
    )


def _used(
    request: Request, desk: Desk, uid: str, *, problem: Problem | None = None, form: FormData | None = None
) -> HTMLResponse:
    found = parts_of(request).reviews.one(desk.person, uid)
    (each,) = found.found
    return page(
        request,
        "glass_used.html",
        title=f"Break-glass: {each.ref}",
        desk=desk,
        back="/break-glass",
        answer=409 if problem else 200,
        uses=found,
        each=each,
        may_review=desk.may(Action.REVIEW) and each.reviewed_at is None and desk.person.name != each.person,
        verdicts=VERDICTS,
        given=form or {},
        problems=told(problem, at="finding"),
    )
