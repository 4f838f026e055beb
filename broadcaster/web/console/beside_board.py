"""Pages one step beside the live board, on which a person does something about a message: their frame and their place."""

from typing import Any, Protocol

from fastapi.responses import HTMLResponse
from starlette.requests import Request

from broadcaster.domain.errors import NotFound, Problem
from broadcaster.service.board import Board, Place
from broadcaster.web.console.guard import Desk, parts_of
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import page


class OfMessage(Protocol):
    """Whatever such a page is about knows its message's reference and mode."""

    @property
    def ref(self) -> str: ...

    @property
    def mode(self) -> str: ...


def page_beside(
    request: Request,
    name: str,
    of: OfMessage,
    *,
    title: str,
    desk: Desk,
    problem: Problem | None,
    wrong: str,
    **content: Any,
) -> HTMLResponse:
    """The template `name`, which leads back to the board of the message. `wrong` is the field that a problem stands at."""
    return page(
        request,
        name,
        title=title,
        desk=desk,
        back=f"/messages/{of.ref}/board",
        answer=409 if problem else 200,
        exercise=of.mode == "exercise",
        problems=told(problem, at=wrong),
        **content,
    )


def place_of(request: Request, ref: str, target_id: int) -> tuple[Board, Place]:
    found = parts_of(request).boards.place(ref, target_id)
    if found is None:
        raise NotFound("There is no such place of this message.")
    return found
