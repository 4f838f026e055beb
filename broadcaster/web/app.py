"""The web process: health, callbacks from platforms, the public pages, the audit log's checkpoints, the console and the API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from broadcaster.bootstrap import Parts, build
from broadcaster.settings import Settings
from broadcaster.web import health, hooks, log, metrics
from broadcaster.web.api.app import PREFIX, api_over, of_http
from broadcaster.web.console.app import add_console
from broadcaster.web.console.went_wrong import page_of_http
from broadcaster.web.hooks import Intake
from broadcaster.web.site import PublicSite
from channels.base import Holds


def create_app(parts: Parts) -> FastAPI:
    """The app over these parts. Connections are made when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(parts.receipts.prepare)
        await asyncio.to_thread(parts.uploads.sweep)  # of a web process that was killed
        app.state.intake, app.state.ear = Intake(parts.receipts), Intake(parts.hearing)
        yield
        await app.state.intake.close()
        await app.state.ear.close()
        parts.database.close()

    app = FastAPI(
        title="Crisis broadcaster", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.parts = parts
    app.state.figures = metrics.Fresh(parts.figures.look)
    app.include_router(health.router)
    app.router.routes[:0] = hooks.routes()  # first: they are asked for most
    app.include_router(log.router)
    app.include_router(metrics.router)
    site = parts.settings.site_dir
    site.mkdir(parents=True, exist_ok=True)
    add_console(app)
    app.mount(PREFIX, api_over(parts), name="api")
    app.add_exception_handler(HTTPException, _of_http)  # type: ignore[arg-type]  # Starlette types handlers by Exception
    app.mount("/site", PublicSite(directory=site, html=True), name="site")
    drill_site = parts.settings.exercise_site_dir
    if drill_site.is_dir():  # of a sandbox alone: elsewhere exercises have a web server of their own
        app.mount("/site-exercise", PublicSite(directory=drill_site, html=True), name="site-exercise")
    return app


def _of_http(request: Request, error: HTTPException) -> Response:
    """A mounted app is never asked for a path with a line break in it (Starlette 1.10): a program is answered all the same."""
    if request.url.path.startswith(PREFIX):
        return of_http(request, error)
    return page_of_http(request, error)


def create() -> FastAPI:
    """The app for the settings in the environment: what uvicorn starts."""
    return create_app(build(Settings.load(), holds=Holds.CALLBACKS))
