"""What the pages under /manage share: their own navigation, and how roles, scopes and policies are said."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.changes import SAID
from broadcaster.domain.identity import SWITCHES, Switch
from broadcaster.domain.policy import Action, Role, Scope
from broadcaster.web.console.guard import Desk
from broadcaster.web.console.pages import page, streamed

SECTIONS = (
    ("People and policies", "/manage", Action.MANAGE),
    ("Delegations", "/manage/delegations", Action.MANAGE),
    ("Policy to read", "/manage/policy", Action.MANAGE),
    ("Tokens", "/manage/tokens", Action.MANAGE),
    ("Templates", "/manage/templates", Action.READ),
    ("Authorised beforehand", "/manage/pre-authorised", Action.READ),
    ("Before an election", "/manage/elections", Action.MANAGE),
    ("Audiences", "/manage/audiences", Action.IMPORT),
    ("One person's number", "/manage/person", Action.ERASE),
    ("Records", "/manage/records", Action.AUDIT),
    ("Accounts", "/manage/accounts", Action.READ),
    ("Feeds", "/manage/feeds", Action.READ),
    ("Webhooks", "/manage/webhooks", Action.MANAGE),
    ("Rota", "/manage/rota", Action.READ),
)
ROLES: Mapping[str, str] = {
    Role.OFFICER: "Writes messages and hands them over, stops what is being sent, imports audiences.",
    Role.APPROVER: "Approves, gives back or rejects what somebody else wrote. Needs a second factor.",
    Role.DELEGATE: "Approves what a delegation covers, and nothing else. Needs a second factor.",
    Role.AUDITOR: "Reads the audit log.",
    Role.DATA_KEEPER: "Imports audiences, finds and erases a person's number.",
    Role.ADMINISTRATOR: "Manages people, policies, tokens and accounts. Needs a second factor.",
}
SCOPES: Mapping[str, str] = {
    Scope.READ: "See messages and what became of them",
    Scope.WRITE: "Write messages and hand them over",
    Scope.APPROVE: "Approve, give back or reject",
    Scope.OPERATE: "Stop a broadcast, decide what is not known",
    Scope.LISTS: "Import audiences, find and erase a person",
    Scope.AUDIT: "Read the audit log",
    Scope.MANAGE: "Manage people, tokens and accounts",
}
POLICIES: Mapping[str, str] = {
    Switch.SECOND_ADMINISTRATOR: "Two administrators",
    Switch.SECOND_FACTOR: "Who needs a second factor",
    Switch.FIRST_LIVE: "Before the first live message",
    Switch.NOBODY_ANSWERS: "If nobody answers a request to approve",
    Switch.BREAK_GLASS: "Break-glass: sending without a second person",
}


def manage_page(request: Request, name: str, *, title: str, desk: Desk, **content: Any) -> HTMLResponse:
    return page(request, name, title=title, desk=desk, sections=_sections(request, desk), **content)


def manage_stream(
    request: Request, name: str, *, title: str, desk: Desk, **content: Any
) -> StreamingResponse:
    """The same, sent as far as it is told already."""
    return streamed(request, name, title=title, desk=desk, sections=_sections(request, desk), **content)


def _sections(request: Request, desk: Desk) -> list[dict[str, Any]]:
    here = request.url.path
    return [
        {"text": text, "href": href, "here": href == here or (href != "/manage" and here.startswith(href))}
        for text, href, action in SECTIONS
        if desk.may(action)
    ]


def roles_asked(chosen: Any) -> list[dict[str, Any]]:
    """The roles as checkboxes."""
    return [
        {"value": str(r), "text": str(r).replace("-", " "), "hint": {"text": told}, "checked": r in chosen}
        for r, told in ROLES.items()
    ]


def scopes_asked(chosen: Any) -> list[dict[str, Any]]:
    return [{"value": str(s), "text": told, "checked": s in chosen} for s, told in SCOPES.items()]


def policies_asked(now: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each policy, what it is, and what it could be instead."""
    return [
        {
            "name": name,
            "title": POLICIES[switch],
            "now": _sentence(name, now[name]),
            "others": [{"value": v, "said": _sentence(name, v)} for v in SWITCHES[switch] if v != now[name]],
        }
        for switch in Switch
        if (name := str(switch)) in now
    ]


def _sentence(name: str, value: str) -> str:
    said = SAID[name, value]
    return said[:1].upper() + said[1:]


def text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def texts(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def days(form: FormData, *, otherwise: int) -> int:
    given = text(form, "days")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else otherwise
