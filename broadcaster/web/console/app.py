"""Puts the console into the web process: its pages, its files, and what a browser sees when something is refused."""

from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from broadcaster.web.console import (
    alone,
    approval,
    audit,
    audit_seal,
    board,
    by_hand,
    drills,
    follow_ups,
    guide,
    home,
    incidents,
    lines,
    manage,
    manage_accounts,
    manage_audiences,
    manage_clock,
    manage_delegations,
    manage_feeds,
    manage_person,
    manage_records,
    manage_rota,
    manage_templates,
    manage_tokens,
    manage_webhooks,
    me,
    me_factors,
    me_tokens,
    mending,
    message,
    packs,
    pictures,
    policy,
    schedule_write,
    schedules,
    sign_in,
    sign_in_sso,
    storm,
    warnings,
    write,
)
from broadcaster.web.console.pages import STATIC
from broadcaster.web.console.went_wrong import add_answers

ROUTERS = (
    sign_in.router,
    sign_in_sso.router,
    me.router,
    me_factors.router,
    me_tokens.router,
    manage.front,
    manage.router,
    manage_tokens.router,
    manage_templates.router,
    manage_records.router,
    manage_records.of_messages,
    manage_accounts.router,
    manage_audiences.router,
    manage_delegations.router,
    manage_person.router,
    manage_feeds.router,
    manage_webhooks.router,
    manage_rota.router,
    manage_clock.authorised,
    manage_clock.authorising,
    manage_clock.elections,
    home.router,
    alone.router,
    alone.paging,
    alone.pages,
    alone.reviews,
    alone.reviewing,
    follow_ups.router,
    write.router,
    message.router,
    approval.router,
    board.router,
    storm.router,
    drills.router,
    lines.router,
    schedule_write.router,  # before the others: /schedules/new is no reference
    schedules.router,
    schedules.feed,
    incidents.router,
    incidents.of_messages,
    warnings.router,
    audit.router,
    audit.of_messages,
    audit_seal.router,
    packs.router,
    mending.router,
    by_hand.router,
    pictures.router,
    policy.router,
    policy.writing,
    guide.router,
)


def add_console(app: FastAPI) -> None:
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)
    app.mount(STATIC, Files(packages=[("broadcaster.web.console", "static")]), name="console")
    add_answers(app)


class Files(StaticFiles):
    """Our own files. A page asks for them with their content's digest, so that a browser may keep what it has."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        fresh = "public, max-age=31536000, immutable" if scope.get("query_string") else "no-cache"
        response.headers["Cache-Control"] = fresh
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
