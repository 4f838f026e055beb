"""Delegations: who may approve what without being an approver, given by two administrators."""

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.checks.cost import DEFAULT_CURRENCY
from broadcaster.domain.delegation import Covers
from broadcaster.domain.errors import Problem
from broadcaster.domain.message import Severity
from broadcaster.domain.policy import Action
from broadcaster.domain.times import local_time
from broadcaster.render.notices import shipped_notices
from broadcaster.service.proposals import Outcome
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage import decided
from broadcaster.web.console.manage_frame import manage_page, text, texts
from broadcaster.web.console.message import told
from broadcaster.web.console.step_up import carried_out

router = APIRouter(prefix="/manage/delegations", dependencies=[Depends(allowed(Action.MANAGE))])


@router.get("")
def delegations(request: Request, desk: SignedIn) -> Response:
    return _page(request, desk)


@router.post("")
def give(request: Request, desk: SignedIn, form: Sent) -> Response:
    parts = parts_of(request)

    def act(actor: Person) -> Outcome:
        zone = parts.settings.zone
        return parts.proposals.give_delegation(
            actor,
            text(form, "name"),
            Covers(
                templates=tuple(texts(form, "templates")),
                severities=tuple(texts(form, "severities")),
                most_cost=text(form, "most_cost").lstrip("£€$ ").replace(",", ""),
                currency=text(form, "currency").upper() or DEFAULT_CURRENCY,
            ),
            scheme=text(form, "scheme"),
            starts_at=local_time(text(form, "starts"), zone),
            ends_at=local_time(text(form, "ends"), zone),
            reason=text(form, "reason"),
        )

    return carried_out(
        request,
        desk,
        form,
        act,
        done=lambda desk, made: decided(request, desk, made, then="/manage/delegations"),
        again=lambda desk, problem: _page(request, desk, form=form, problem=problem),
    )


@router.post("/{ref}/end")
def end(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    try:
        parts_of(request).delegations.end(desk.person, ref, text(form, "reason"))
    except Problem as problem:
        return _page(request, desk, problem=problem)
    return RedirectResponse("/manage/delegations", 303)


def _page(
    request: Request, desk: Desk, *, form: FormData | None = None, problem: Problem | None = None
) -> Response:
    parts, given = parts_of(request), form or FormData()
    with parts.database.read() as tx:
        now = tx.now()
    chosen = {*texts(given, "templates"), *texts(given, "severities")}
    return manage_page(
        request,
        "manage_delegations.html",
        title="Delegations",
        desk=desk,
        answer=422 if problem else 200,
        problems=told(problem),
        found=parts.delegations.listed(desk.person),
        now=now,
        given=given,
        staff=parts.staff.names(),
        templates=[
            {"value": t.name, "text": t.title, "checked": t.name in chosen}
            for t in sorted(shipped_notices().values(), key=lambda t: t.title)
        ],
        severities=[{"value": str(s), "text": str(s), "checked": str(s) in chosen} for s in Severity],
    )
