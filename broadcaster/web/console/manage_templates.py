"""Notice templates: what is in force and until when its wording holds, how it reads on every channel, editing it, and
what changed from version to version."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import Invalid, Problem
from broadcaster.domain.notice import OVERRIDES, NoticeTemplate
from broadcaster.domain.notice_diff import FACTS
from broadcaster.domain.policy import Action
from broadcaster.render.notice_toml import tables_toml
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page, text, texts
from broadcaster.web.console.message import told
from broadcaster.web.console.texts import by_text
from channels import CHANNELS

router = APIRouter(prefix="/manage/templates", dependencies=[Depends(allowed(Action.READ))])

HOME = "/manage/templates"
TIMES = ("starts", "expires")
MAY_KEEP = ("starts", "details", "contact")
HELD = ("title", "severity", "urgency", "certainty", "help", "never", "review_by", "rest")


@router.get("")
def templates(request: Request, desk: SignedIn) -> HTMLResponse:
    templates = parts_of(request).templates
    today, found = templates.today(), templates.all().values()
    return manage_page(
        request,
        "manage_templates.html",
        title="Notice templates",
        desk=desk,
        found=[(each, each.is_overdue(today)) for each in sorted(found, key=lambda e: e.template.title)],
        retired=sorted(templates.retired().values(), key=lambda e: e.template.title),
        may_word=desk.may(Action.WORD),
    )


@router.get("/{name}")
def one(request: Request, desk: SignedIn, name: str) -> HTMLResponse:
    return _one(request, desk, name)


@router.get("/{name}/edit")
def edit(request: Request, desk: SignedIn, name: str) -> HTMLResponse:
    found = parts_of(request).templates.one(name)
    return _form(request, desk, found.template, held=_held(found.template), base=found.no)


@router.post("/{name}/edit")
def change(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    """Tried on every channel first; `act` says whether it is put in force then. What was typed is kept in any case."""
    templates = parts_of(request).templates
    base = int(given) if (given := text(form, "base")).isdigit() else 0
    before, held = templates.version(name, base), _typed(form)
    again: dict[str, Any] = {"held": held, "base": base, "reason": text(form, "reason")}
    try:
        template = _built(before, form)
        if text(form, "act") == "try":
            return _form(request, desk, before, **again, tried=template)
        templates.edit(desk.person, template, reason=text(form, "reason"), base=base)
    except Problem as problem:
        now = templates.one(
            name
        ).no  # where somebody else was quicker: the next try takes the place of theirs
        return _form(request, desk, before, **{**again, "base": now}, problem=problem)
    return RedirectResponse(f"{HOME}/{name}", 303)


@router.get("/{name}/diff")
def diff(request: Request, desk: SignedIn, name: str, before: int = 0, after: int = 0) -> HTMLResponse:
    templates = parts_of(request).templates
    return manage_page(
        request,
        "manage_template_diff.html",
        title=f"{templates.one(name).template.title}: what changed",
        desk=desk,
        back=f"{HOME}/{name}",
        changes=templates.diff(name, before, after),
        before=before,
        after=after,
        made=next((v for v in templates.versions(name) if v.no == after), None),
    )


@router.post("/{name}/put-back")
def put_back(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    given = text(form, "version")
    try:
        if not given.isdigit():
            raise Invalid("Choose the version to have back. Nothing was changed.")
        parts_of(request).templates.put_back(desk.person, name, int(given), reason=text(form, "reason"))
    except Problem as problem:
        return _one(request, desk, name, problem=problem, at="put_back")
    return RedirectResponse(f"{HOME}/{name}", 303)


@router.post("/{name}/retire")
def retire(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    base = int(given) if (given := text(form, "base")).isdigit() else None
    try:
        parts_of(request).templates.retire(desk.person, name, reason=text(form, "reason"), base=base)
    except Problem as problem:
        return _one(request, desk, name, problem=problem, at="retire")
    return RedirectResponse(f"{HOME}/{name}", 303)


def _one(
    request: Request, desk: Desk, name: str, *, problem: Problem | None = None, at: str = ""
) -> HTMLResponse:
    """`at` is the form that `problem` is about."""
    templates = parts_of(request).templates
    found = templates.one(name)
    trial = templates.trial(desk.person, found.template)
    return manage_page(
        request,
        "manage_template.html",
        title=found.template.title,
        desk=desk,
        back=HOME,
        answer=409 if problem else 200,
        problems=told(problem),
        wrong_at=at,
        found=found,
        overdue=found.is_overdue(templates.today()) and not found.retired,
        wording=_wording(found.template),
        versions=templates.versions(name),
        trial=trial,
        posts=by_text(trial.proof.posts) if trial.proof else (),
        may_word=desk.may(Action.WORD),
        address=f"{HOME}/{name}",
    )


def _form(
    request: Request,
    desk: Desk,
    before: NoticeTemplate,
    *,
    held: Mapping[str, Any],
    base: int,
    reason: str = "",
    tried: NoticeTemplate | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    trial = parts_of(request).templates.trial(desk.person, tried) if tried else None
    wrong = problem.details or (problem.text,) if problem else trial.problems if trial else ()
    return manage_page(
        request,
        "manage_template_edit.html",
        title=f"Edit: {before.title}",
        desk=desk,
        back=f"{HOME}/{before.name}",
        answer=422 if problem else 200,
        problems=[_entry(each) for each in wrong],
        before=before,
        held=held,
        base=base,
        reason=reason,
        facts=FACTS,
        times=TIMES,
        overrides={name: [str(each) for each in kind] for name, kind in OVERRIDES.items()},
        channels=list(dict.fromkeys([*before.channels, *CHANNELS])),  # a form sends them in this order
        may_keep=MAY_KEEP,
        may_word=desk.may(Action.WORD),
        trial=trial,
        posts=by_text(trial.proof.posts) if trial and trial.proof else (),
    )


def _entry(problem: str) -> dict[str, str]:
    """As an error summary lists it: what begins with the name of a part leads to its field."""
    name, _, rest = problem.partition(": ")
    if rest and name in FACTS:
        return {"text": f"{FACTS[name]}: {rest}", "href": f"#wording-{name}"}
    if rest and name in {*HELD, "channels", "must_keep"}:
        label = {"review_by": "Read anew by", "help": "When to use it", "never": "What it never says"}
        return {"text": f"{label.get(name, name.replace('_', ' ').capitalize())}: {rest}", "href": f"#{name}"}
    if rest and name.isidentifier():
        return {"text": problem, "href": "#rest"}
    return {"text": problem, "href": "#reason"} if "reason" in problem else {"text": problem}


def _held(template: NoticeTemplate) -> dict[str, Any]:
    """What the form shows of a template."""
    return {
        **{name: str(getattr(template, name)) for name in HELD if name not in {"never", "rest"}},
        "never": "\n".join(template.never),
        "rest": tables_toml(template).strip(),
        "wording": {fact: template.wording.get(fact, "") for fact in FACTS},
        "channels": list(template.channels),
        "must_keep": list(template.must_keep),
    }


def _typed(form: FormData) -> dict[str, Any]:
    """What was typed, as it stands, to be shown again."""
    return {
        **{name: _lines(form, name) for name in HELD},
        "wording": {fact: _lines(form, f"wording-{fact}") for fact in FACTS},
        "channels": texts(form, "channels"),
        "must_keep": texts(form, "must_keep"),
    }


def _built(before: NoticeTemplate, form: FormData) -> NoticeTemplate:
    """The template that the form makes. Invalid, naming every part, where it is none."""
    held = _typed(form)
    content = {
        "name": before.name,
        "event": before.event,
        "language": before.language,
        "prepares": before.prepares,
        **{name: held[name].strip() for name in ("title", *OVERRIDES, "help", "review_by")},
        "never": [line.strip() for line in held["never"].split("\n") if line.strip()],
        "channels": held["channels"],
        "must_keep": held["must_keep"],
        "wording": {fact: said for fact, said in held["wording"].items() if said.strip()},
        **dict(_tables(held["rest"])),
    }
    return NoticeTemplate.from_json(content)


def _tables(given: str) -> Iterator[tuple[str, Any]]:
    try:
        found = tomllib.loads(given)
    except ValueError as error:
        raise Invalid(
            "The blanks cannot be read.", details=(f"rest: {error}. Each blank begins with [[blanks]]",)
        ) from error
    if more := sorted(found.keys() - {"blanks", "refused", "languages"}):
        raise Invalid(
            "The blanks cannot be read.",
            details=(f"rest: {', '.join(more)} does not belong here; only blanks, refused and languages do",),
        )
    yield "blanks", found.get("blanks", [])
    yield "refused", found.get("refused", [])
    yield "languages", found.get("languages", {})


def _lines(form: FormData, name: str) -> str:
    """Browsers send line breaks as two characters."""
    value = form.get(name, "")
    return value.replace("\r\n", "\n").strip("\n") if isinstance(value, str) else ""


def _wording(template: NoticeTemplate) -> list[tuple[str, str]]:
    return [(label, template.wording[fact]) for fact, label in FACTS.items() if fact in template.wording]
