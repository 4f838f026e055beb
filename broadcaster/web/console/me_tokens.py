"""One's own tokens: for the command line and for programs. A token's text is shown once."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.errors import Problem
from broadcaster.service.people import IssuedToken
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.manage_frame import days, text, texts
from broadcaster.web.console.me import LASTS_DAYS, me_page
from broadcaster.web.console.pages import page
from broadcaster.web.console.step_up import carried_out

router = APIRouter(prefix="/me/tokens")


@router.post("")
def issue(request: Request, desk: SignedIn, form: Sent) -> Response:
    people = parts_of(request).people

    def make(actor: Person) -> IssuedToken:
        return people.issue_token(
            actor,
            name=actor.name,
            days=days(form, otherwise=LASTS_DAYS),
            label=text(form, "label"),
            scopes=texts(form, "scopes"),
        )

    return carried_out(
        request,
        desk,
        form,
        make,
        done=lambda desk, made: _once(request, desk, made),
        again=lambda desk, problem: me_page(request, desk, problem=problem, given=form),
    )


@router.post("/{token_id}/revoke")
def revoke(request: Request, desk: SignedIn, form: Sent, token_id: int) -> Response:  # noqa: ARG001 - checked
    try:
        parts_of(request).people.revoke_token(desk.person, token_id)
    except Problem as problem:
        return me_page(request, desk, problem=problem)
    return RedirectResponse("/me", 303)


def _once(request: Request, desk: Desk, made: IssuedToken) -> Response:
    return page(
        request,
        "shown_once.html",
        title="Your new token",
        desk=desk,
        back="/me",
        token=made.text,
        until=made.expires_at,
    )
