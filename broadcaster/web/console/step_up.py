"""Asks for the second factor where an act wants it fresh: in place, with all that was typed kept, and then the act is done.

Knows no act. A page that has a field for the code itself says so with `own_field`.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from fastapi.responses import Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.errors import FactorWanted, Problem
from broadcaster.web.console.guard import CSRF, Desk, desk_of, parts_of
from broadcaster.web.console.pages import page
from broadcaster.web.console.sign_in import address_of, hold, set_cookie

T = TypeVar("T")

CODE = "code"


def carried_out(
    request: Request,
    desk: Desk,
    form: FormData,
    act: Callable[[Person], T],
    *,
    done: Callable[[Desk, T], Response],
    again: Callable[[Desk, Problem], Response],
    own_field: bool = False,
) -> Response:
    """`act`, by who asks, with the code that came along where there is one; then `done`. Where the factor is wanted, or
    the code was wrong, the form once more with a field for it; any other problem is for `again`.

    The desk that `done` and `again` get is the one to go on with: a code that was taken gives the browser another cookie.
    """
    opened, code = None, str(form.get(CODE, "")).strip()
    try:
        if code:
            opened = parts_of(request).sign_in.with_code(desk.cookie, code, address=address_of(request))
            desk = desk_of(opened)
        response = done(desk, act(desk.person))
    except Problem as problem:
        about_code = isinstance(problem, FactorWanted) or (code and opened is None)
        if about_code and not own_field:
            response = asked(
                request, desk, action=request.url.path, kept=typed(form), problem=problem if code else None
            )
        else:
            response = hold(again(desk, problem), problem)
    if opened:
        set_cookie(request, response, opened)
    return response


def asked(
    request: Request,
    desk: Desk,
    *,
    action: str,
    kept: Sequence[tuple[str, str]],
    problem: Problem | None = None,
) -> Response:
    """The page that asks for the code and then sends `kept` to `action`."""
    shown = page(
        request,
        "give_code.html",
        title="Once more: is it you?",
        desk=desk,
        answer=403,
        problems=[{"text": problem.text, "href": f"#{CODE}"}] if problem else [],
        action=action,
        kept=kept,
    )
    return hold(shown, problem)


def typed(form: FormData) -> list[tuple[str, str]]:
    """Each field as often as it was sent: of several ticked boxes none may get lost."""
    return [(n, v) for n, v in form.multi_items() if isinstance(v, str) and n not in {CSRF, CODE}]
