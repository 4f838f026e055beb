"""The front door: says that it runs, where the public pages are, and which commands to use."""

from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined

from broadcaster.bootstrap import Parts

router = APIRouter()


@router.get("/", response_class=HTMLResponse)
def front(request: Request) -> str:
    parts: Parts = request.app.state.parts
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        files("broadcaster.web").joinpath("front.html").read_text("utf-8")
    )
    return page.render(accounts=parts.checks.standings())
