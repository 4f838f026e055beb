"""One person's number: where it stands, and erasing it for good. The number comes in a form, is in no address and no log,
and no page shows more of it than its last three digits.
"""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.erasure import DIGITS_SHOWN, Erased, Found
from broadcaster.domain.errors import Invalid, Problem
from broadcaster.domain.policy import Action
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page, text
from broadcaster.web.console.message import told

router = APIRouter(prefix="/manage/person", dependencies=[Depends(allowed(Action.ERASE))])

NOT_SURE = "Tick that you are sure. Nothing was erased."
ANOTHER = "You looked at the number ending in {}, and typed another one. Nothing was erased."


@router.get("")
def asked(request: Request, desk: SignedIn) -> HTMLResponse:
    return _page(request, desk)


@router.post("")
def find(request: Request, desk: SignedIn, form: Sent) -> Response:
    """That somebody looked is recorded."""
    try:
        found = parts_of(request).erasing.find(desk.person, text(form, "number"))
    except Problem as problem:
        return _page(request, desk, problem=problem, at="number")
    return _page(request, desk, found=found)


@router.post("/erase")
def erase(request: Request, desk: SignedIn, form: Sent) -> Response:
    """The number is typed once more: a slip of the finger then erases nobody."""
    number, ending = text(form, "number"), text(form, "ending")
    try:
        if not text(form, "sure"):
            raise Invalid(NOT_SURE)
        if "".join(c for c in number if c.isdecimal())[-DIGITS_SHOWN:] != ending:
            raise Invalid(ANOTHER.format(ending))
        erased = parts_of(request).erasing.erase(
            desk.person,
            number,
            reason=text(form, "reason"),
            keep_out=bool(text(form, "keep_out")),
        )
    except Problem as problem:
        return _page(request, desk, problem=problem, at="again", form=form)
    return _page(request, desk, erased=erased)


def _page(
    request: Request,
    desk: Desk,
    *,
    found: Found | None = None,
    erased: Erased | None = None,
    problem: Problem | None = None,
    at: str = "",
    form: FormData | None = None,
) -> HTMLResponse:
    return manage_page(
        request,
        "manage_person.html",
        title="One person's number",
        desk=desk,
        answer=422 if problem else 200,
        problems=[{**each, "href": f"#{at}"} for each in told(problem)],
        found=found,
        erased=erased,
        ending=found.ending if found else text(form, "ending") if form else "",
        given=form or FormData(),
    )
