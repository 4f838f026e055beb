"""Renders the console's pages. Every page carries who is signed in, in which mode, and the token for its forms; what it
tells is the routes' business.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse, StreamingResponse
from jinja2 import ChainableUndefined, Environment, PackageLoader, PrefixLoader
from starlette.requests import Request

from broadcaster.domain.policy import Action
from broadcaster.web.console import words
from broadcaster.web.console.guard import Desk

#: Nothing but our own files runs or is fetched, and no other page may show ours in a frame.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
STATIC = "/console"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One entry of the navigation; shown to those who may do `action`."""

    text: str
    href: str
    action: Action = Action.READ


PLACES = (
    Place(text="Home", href="/"),
    Place(text="Messages", href="/messages"),
    Place(text="Schedules", href="/schedules"),
    Place(text="Incidents", href="/incidents"),
    Place(text="Audit", href="/audit", action=Action.AUDIT),
    Place(text="Manage", href="/manage", action=Action.IMPORT),
)
#: For those who manage nothing else, straight to what is theirs there.
OF_AUDITORS = Place(text="Records", href="/manage/records", action=Action.AUDIT)


def page(
    request: Request, name: str, *, title: str, desk: Desk | None = None, answer: int = 200, **content: Any
) -> HTMLResponse:
    """The template `name` of the folder pages, filled. `problems` are entries of an error summary, each with `text` and
    `href`; `back` is where the link above leads; `said` tells what was just done."""
    zone = request.app.state.parts.settings.zone
    around = _around(request, title, desk)
    text = _environment(zone).get_template(f"console/{name}").render({**around, **content})
    return HTMLResponse(text, answer, HEADERS)


def streamed(
    request: Request, name: str, *, title: str, desk: Desk | None = None, **content: Any
) -> StreamingResponse:
    """A page that grows while something takes long: what the template has so far is sent, and no script is needed."""
    zone = request.app.state.parts.settings.zone
    around = _around(request, title, desk)
    parts = _environment(zone).get_template(f"console/{name}").generate({**around, **content})
    return StreamingResponse(parts, headers=HEADERS, media_type="text/html")


def _around(request: Request, title: str, desk: Desk | None) -> dict[str, Any]:
    parts = request.app.state.parts
    settings = parts.settings
    return {
        "title": title,
        "organisation": settings.organisation,
        "sandbox": parts.rules.is_sandbox(),
        "zone_name": settings.timezone,
        "me": desk.person if desk else None,
        "storm": parts.storm.on() if desk else None,
        "csrf": desk.csrf_field if desk else "",
        "csrf_token": desk.csrf if desk else "",
        "navigation": list(_navigation(request, desk)) if desk else (),
    }


def fragment(request: Request, name: str, **content: Any) -> str:
    """A part of a page that is sent anew while it is open."""
    zone = request.app.state.parts.settings.zone
    return _environment(zone).get_template(f"console/{name}").render(content)


def problems_at(problems: Sequence[str], fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Problems as an error summary lists them: those that begin with the name of a field lead to it. `fields` are names
    and labels."""
    found = []
    for problem in problems:
        name, _, rest = problem.partition(": ")
        if rest and name in fields:
            found.append({"text": f"{fields[name]} {rest}", "href": f"#blank-{name}"})
        else:
            found.append({"text": problem})
    return found


@cache
def _environment(zone: ZoneInfo) -> Environment:
    """ChainableUndefined: the macros of govuk-frontend-jinja look into what was not given (4.1.0)."""
    loader = PrefixLoader(
        {
            "console": PackageLoader("broadcaster.web.console", "pages"),
            "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
        }
    )
    made = Environment(loader=loader, autoescape=True, undefined=ChainableUndefined, trim_blocks=True)
    made.globals |= {"asset": asset}
    made.filters |= words.filters(zone)
    return made


@cache
def asset(name: str) -> str:
    """The address of one of our files, which changes with its content: it may be kept for ever."""
    content = (files("broadcaster.web.console") / "static" / name).read_bytes()
    return f"{STATIC}/{name}?{hashlib.sha256(content).hexdigest()[:12]}"


def _navigation(request: Request, desk: Desk) -> Sequence[dict[str, object]]:
    here = request.url.path
    return [
        {
            "text": p.text,
            "href": p.href,
            "active": here == p.href or (p.href != "/" and here.startswith(p.href)),
        }
        for p in (*PLACES, *(() if desk.may(Action.IMPORT) else (OF_AUDITORS,)))
        if desk.may(p.action)
    ]
