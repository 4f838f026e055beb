"""Home: what needs this person now, what is live, what comes next, and the one button."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request

from broadcaster.domain.policy import Action
from broadcaster.domain.pre_authorisation import PreAuthorisation
from broadcaster.web.console.guard import Desk, SignedIn, parts_of
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
        if_nobody=parts.paging.if_nobody_answers(),
        asked=parts.paging.asked_of(desk.person),
        glass=parts.reviews.listed(desk.person, open_only=True),
        to_authorise=_to_authorise(request, desk),
        may_authorise=desk.may(Action.AUTHORISE),
        drills=parts.drills.of_person(desk.person),
        may_storm=desk.may(Action.STORM),
        planned=parts.schedules.waiting(),
        before_live=parts.first_live.lacking(desk.person),
        overdue=parts.templates.overdue() if desk.may(Action.WORD) else (),
    )


def _to_authorise(request: Request, desk: Desk) -> list[PreAuthorisation]:
    """Wording that somebody else proposed, and that waits for this person or another one like him."""
    if not desk.may(Action.AUTHORISE):
        return []
    found = parts_of(request).pre_authorise.listed(desk.person)
    waits = [each for each in found if not (each.confirmed_at or each.ended_at)]
    return [each for each in waits if each.proposed_by != desk.person.name]
