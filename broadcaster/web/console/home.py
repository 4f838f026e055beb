"""Home: what needs this person now, what is live, what comes next, and the one button."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request

from broadcaster.domain.policy import Action
from broadcaster.web.console.guard import SignedIn, parts_of
from broadcaster.web.console.pages import page

router = APIRouter()


@router.get("/")
def home(request: Request, desk: SignedIn) -> Response:
    if not desk.may(Action.READ):
        return RedirectResponse("/manage", 303)  # a data keeper, who sees no messages
    parts = parts_of(request)
    found = parts.homes.of(desk.person)
    return page(
        request,
        "home.html",
        title="Home",
        desk=desk,
        found=found,
        may_write=desk.may(Action.WRITE),
        may_approve=desk.may(Action.APPROVE),
        may_decide=desk.may(Action.DECIDE),
        before_live=parts.first_live.lacking(desk.person),
        overdue=parts.templates.overdue() if desk.may(Action.WORD) else (),
    )
