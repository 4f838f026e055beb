"""Writing a message: choose a notice template, fill in a few fields, and see what every channel would say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.domain.errors import Problem
from broadcaster.domain.message import Mode
from broadcaster.domain.notice import OVERRIDES, NoticeTemplate
from broadcaster.domain.tongues import named
from broadcaster.service.follow_up import Begun
from broadcaster.service.media import Attached
from broadcaster.service.report import Written
from broadcaster.web.console.chosen import Chosen
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.in_languages import beside, labels_of, languages_asked
from broadcaster.web.console.pages import fragment, page, problems_at
from broadcaster.web.console.texts import by_text
from broadcaster.web.console.uploads import attached
from channels.base import Channel

router = APIRouter(prefix="/messages")

MOST_INCIDENTS = 50  # of the newest: a longer list is no help at night


@router.get("/new")
def choose(request: Request, desk: SignedIn) -> HTMLResponse:
    """What happened: one of the notice templates."""
    in_force = parts_of(request).templates.all().values()
    templates = sorted((each.template for each in in_force), key=lambda t: t.title)
    return page(request, "choose.html", title="What happened?", desk=desk, templates=templates, back="/")


@router.get("/new/{name}")
def blank(
    request: Request, desk: SignedIn, name: str, sheet: str = "", mode: Mode = Mode.LIVE, incident: str = ""
) -> HTMLResponse:
    """The form, empty or as it was left; with `mode` and `incident` from a drill's page."""
    parts = parts_of(request)
    template = parts.templates.current(name)
    names = ("source", "phone", *(f"source.{code}" for code in template.languages))
    known = parts.report.said_last(desk.person, names)
    if parts.settings.names_its_organisation:
        known = {"source": f"Duty officer, {parts.settings.organisation}", **known}
    chosen = Chosen.begun(template, zone=parts.settings.zone, known=known)
    chosen = replace(chosen, mode=mode, incident=incident)
    if sheet:
        chosen = Chosen.kept(parts.worksheets.find(desk.person, sheet))
    return _form(request, desk, template, chosen=chosen)


@router.post("/new/{name}")
def draft(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    """Keep it as a draft and show every channel's text; or the form again, with all that was typed and what to mend."""
    parts = parts_of(request)
    template = parts.templates.current(name)
    chosen = Chosen.of(form, template)
    try:
        made = parts.compose.draft(
            desk.person,
            template=template,
            values=chosen.values,
            channels=chosen.channels,
            audience=chosen.audience,
            mode=chosen.mode,
            incident=chosen.incident,
            images=attached(form),
            languages=chosen.languages,
            later=chosen.later,
        )
    except Problem as problem:
        return _form(request, desk, template, chosen=chosen, problem=problem)
    parts.feed_warnings.written(desk.person, chosen.sheet, made.ref)
    parts.worksheets.discard(desk.person, chosen.sheet)
    return RedirectResponse(f"/messages/{made.ref}", 303)


@router.post("/new/{name}/look")
def look(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    template = parts_of(request).templates.current(name)
    return _look(request, desk, Chosen.of(form, template), template)


@router.get("/{ref}/edit")
def edit(request: Request, desk: SignedIn, ref: str, sheet: str = "") -> HTMLResponse:
    parts = parts_of(request)
    written, base = parts.report.written(ref), parts.compose.preview(ref).version
    if sheet:
        kept = parts.worksheets.find(desk.person, sheet)
        chosen = replace(Chosen.kept(kept), base=kept.base)
    else:
        chosen = _as_written(parts, written, base)
    return _form(request, desk, written.template, chosen=chosen, ref=ref)


@router.post("/{ref}/edit")
def change(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    parts = parts_of(request)
    template = parts.report.written(ref).template
    chosen = Chosen.of(form, template)
    images: Sequence[Attached] | None = attached(form) or (() if form.get("no_images") else None)
    try:
        parts.compose.edit(
            desk.person,
            ref,
            template=template,
            values=chosen.values,
            channels=chosen.channels,
            audience=chosen.audience,
            images=images,
            base=chosen.base,
            languages=chosen.languages,
            later=chosen.later,
        )
    except Problem as problem:
        now = parts.compose.preview(ref).version
        return _form(request, desk, template, chosen=replace(chosen, base=now), problem=problem, ref=ref)
    parts.worksheets.discard(desk.person, chosen.sheet)
    return RedirectResponse(f"/messages/{ref}", 303)


@router.post("/{ref}/look")
def look_again(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    template = parts_of(request).report.written(ref).template
    return _look(request, desk, Chosen.of(form, template), template, ref=ref)


@router.post("/worksheets/{uid}/discard")
def discard(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:  # noqa: ARG001 - checked
    parts_of(request).worksheets.discard(desk.person, uid)
    return RedirectResponse("/", 303)


def _look(
    request: Request, desk: Desk, chosen: Chosen, template: NoticeTemplate, *, ref: str = ""
) -> Response:
    """What was typed is kept, and how every channel would say it: for a page that asks while somebody types."""
    parts, proof = parts_of(request), None
    wrong: Sequence[str] = ()
    kept = parts.worksheets.keep(
        desk.person,
        chosen.sheet,
        template=template.name,
        content=chosen.to_json(),
        ref=ref,
        base=chosen.base,
    )
    try:
        proof = parts.compose.look(
            desk.person,
            template=template,
            values=chosen.values,
            channels=chosen.channels,
            audience=chosen.audience,
            mode=chosen.mode,
            ref=ref,
            follows=parts.follow_ups.meant(chosen.follows, chosen.purpose),
            languages=chosen.languages,
            later=chosen.later,
        )
    except Problem as problem:
        wrong = problem.details or (problem.text,)
    shown = fragment(
        request,
        "look.html",
        proof=proof,
        texts=by_text(proof.posts) if proof else (),
        missing=problems_at(wrong, labels_of(template)),
        others=kept.others,
        cover=parts.pre_authorise.beforehand(
            template, values=chosen.values, channels=chosen.channels, audience=chosen.audience
        )
        if proof
        else None,
    )
    return JSONResponse(
        {"sheet": kept.uid, "saved_at": kept.changed_at.isoformat(), "shown": shown},
        headers={"Cache-Control": "no-store"},
    )


def _as_written(parts: Parts, written: Written, base: int) -> Chosen:
    configured = parts.channels.get(Mode(written.mode), {})
    channels = dict.fromkeys(configured[a].name for a in written.accounts if a in configured)
    return Chosen(
        values=dict(written.values),
        channels=tuple(channels),
        audience=written.audience,
        mode=Mode(written.mode),
        base=base,
        languages=written.spoken.order,
        later=next(iter(written.spoken.later.values()), "")[:16],
    )


def _form(
    request: Request,
    desk: Desk,
    template: NoticeTemplate,
    *,
    chosen: Chosen,
    problem: Problem | None = None,
    ref: str = "",
    begun: Begun | None = None,
) -> HTMLResponse:
    parts = parts_of(request)
    labels = labels_of(template)
    spoken = languages_asked(parts.compose.policy, template, chosen.languages)
    said = problem.details or (problem.text,) if problem else ()
    return page(
        request,
        "write.html",
        title=template.title,
        desk=desk,
        answer=422 if problem else 200,
        back=_back(ref, begun),
        begun=begun,
        template=template,
        exercise=chosen.mode is Mode.EXERCISE,
        chosen=chosen,
        asked=beside(template, spoken, [b for b in template.blanks if b.required and not b.default]),
        more=beside(template, spoken, [b for b in template.blanks if not b.required or b.default]),
        spoken=spoken,
        main=named(template.language),
        overrides={name: [str(each) for each in kind] for name, kind in OVERRIDES.items()},
        channels=_channels(parts.channels.get(chosen.mode, {})),
        audiences=parts.audiences.list(),
        modes=[begun.mode] if begun else [mode for mode in Mode if parts.channels.get(mode)],
        authorised=parts.pre_authorise.in_force(template),
        problems=problems_at(said, labels),
        wrong=_wrong(said, labels),
        ref=ref,
        incidents=[] if ref or begun else parts.incidents.listed(desk.person)[:MOST_INCIDENTS],
        others=parts.worksheets.others(desk.person, ref) if ref else (),
    )


def _back(ref: str, begun: Begun | None) -> str:
    followed = ref or (begun.ref if begun else "")
    return f"/messages/{followed}" if followed else "/messages/new"


def _channels(configured: Mapping[str, Channel]) -> list[str]:
    """Those that an account is set up for, in the order of the accounts."""
    return list(dict.fromkeys(channel.name for channel in configured.values()))


def _wrong(problems: Sequence[str], labels: Mapping[str, str]) -> dict[str, str]:
    """What to say beside a field."""
    found: dict[str, str] = {}
    for problem in problems:
        name, _, rest = problem.partition(": ")
        if name in labels and rest:
            found.setdefault(name, f"{labels[name]} {rest}")
    return found


#: For what else is written on this page.
form_page, look_page = _form, _look
