"""Webhooks: where programs elsewhere are told what happens here, whether it reaches them, and what they were told last."""

from collections.abc import Callable

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.errors import NotAllowed, Problem
from broadcaster.domain.policy import Action
from broadcaster.domain.webhooks import TYPES
from broadcaster.service.proposals import Outcome
from broadcaster.service.webhooks import Tested
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage import decided
from broadcaster.web.console.manage_frame import manage_page, text, texts
from broadcaster.web.console.message import told
from broadcaster.web.console.step_up import carried_out

router = APIRouter(prefix="/manage/webhooks", dependencies=[Depends(allowed(Action.MANAGE))])
HERE = "/manage/webhooks"


@router.get("")
def webhooks(request: Request, desk: SignedIn) -> Response:
    return _page(request, desk)


@router.post("")
def add(request: Request, desk: SignedIn, form: Sent) -> Response:
    service = parts_of(request).webhooks
    return _decided(
        request,
        desk,
        form,
        lambda actor: service.add(
            actor, text(form, "url"), types=texts(form, "types"), reason=text(form, "reason")
        ),
    )


@router.post("/{uid}/rotate")
def rotate(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:
    return _decided(request, desk, form, lambda actor: parts_of(request).webhooks.rotate(actor, uid))


@router.post("/{uid}/remove")
def remove(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:  # noqa: ARG001 - checked
    try:
        parts_of(request).webhooks.remove(desk.person, uid)
    except Problem as problem:
        return _page(request, desk, problem=problem)
    return RedirectResponse(HERE, 303)


@router.post("/{uid}/test")
def try_out(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:  # noqa: ARG001 - checked
    try:
        tested = parts_of(request).webhooks.test(desk.person, uid)
    except Problem as problem:
        return _page(request, desk, problem=problem)
    return _page(request, desk, tested=(uid, tested))


def _decided(request: Request, desk: Desk, form: FormData, act: Callable[[Person], Outcome]) -> Response:
    """Done at once, or a proposal for another administrator."""
    return carried_out(
        request,
        desk,
        form,
        act,
        done=lambda desk, made: decided(request, desk, made, then=HERE),
        again=lambda desk, problem: _page(request, desk, form=form, problem=problem),
    )


def _page(
    request: Request,
    desk: Desk,
    *,
    form: FormData | None = None,
    problem: Problem | None = None,
    tested: tuple[str, Tested] | None = None,
) -> Response:
    service = parts_of(request).webhooks
    given = form or FormData()
    found = service.listed(desk.person)
    return manage_page(
        request,
        "manage_webhooks.html",
        title="Webhooks",
        desk=desk,
        answer=403 if isinstance(problem, NotAllowed) else 422 if problem else 200,
        problems=[{**each, "href": "#url"} for each in told(problem)],
        found=[(each, service.deliveries(desk.person, each.uid)) for each in found],
        tested=tested,
        given=given,
        types=[
            {"value": each, "text": each, "checked": each in texts(given, "types")} for each in TYPES.values()
        ],
    )
