"""Webhooks: where programs elsewhere are told what happens here, whether it reaches them, and what they were told last."""

from collections.abc import Callable

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.db.webhooks import Webhook
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
def webhooks(request: Request, desk: SignedIn, change: str = "") -> Response:
    """`change` is the uid of one whose address or types are to be typed anew."""
    return _page(request, desk, changing=change)


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


@router.post("/{uid}/change")
def change(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:
    service = parts_of(request).webhooks
    return _decided(
        request,
        desk,
        form,
        lambda actor: service.change(
            actor, uid, url=text(form, "url"), types=texts(form, "types"), reason=text(form, "reason")
        ),
        changing=uid,
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


def _decided(
    request: Request, desk: Desk, form: FormData, act: Callable[[Person], Outcome], *, changing: str = ""
) -> Response:
    """Done at once, or a proposal for another administrator."""
    return carried_out(
        request,
        desk,
        form,
        act,
        done=lambda desk, made: decided(request, desk, made, then=HERE),
        again=lambda desk, problem: _page(request, desk, form=form, problem=problem, changing=changing),
    )


def _page(
    request: Request,
    desk: Desk,
    *,
    form: FormData | None = None,
    problem: Problem | None = None,
    tested: tuple[str, Tested] | None = None,
    changing: str = "",
) -> Response:
    service = parts_of(request).webhooks
    found = service.listed(desk.person)
    changed = next((each for each in found if each.uid == changing), None)
    given = form or (_as_it_is(changed) if changed else FormData())
    return manage_page(
        request,
        "manage_webhooks.html",
        title="Webhooks",
        desk=desk,
        answer=403 if isinstance(problem, NotAllowed) else 422 if problem else 200,
        problems=[{**each, "href": "#url"} for each in told(problem)],
        found=[(each, service.deliveries(desk.person, each.uid)) for each in found],
        tested=tested,
        changed=changed,
        given=given,
        types=[
            {"value": each, "text": each, "checked": each in texts(given, "types")} for each in TYPES.values()
        ],
    )


def _as_it_is(hook: Webhook) -> FormData:
    return FormData([("url", hook.url), *(("types", each) for each in hook.types)])
