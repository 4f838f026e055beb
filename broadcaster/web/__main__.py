"""Starts the web process: `python -m broadcaster.web`."""

import uvicorn

from broadcaster.domain.errors import Problem
from broadcaster.logs import configure
from broadcaster.settings import Settings
from broadcaster.tracing import tracing


def main() -> None:
    try:
        settings = Settings.load()
        configure("web", form=settings.log_format, level_name=settings.log_level)
        with tracing("web", settings.traces_url):
            _serve(settings)
    except Problem as problem:
        raise SystemExit(str(problem)) from problem


def _serve(settings: Settings) -> None:
    uvicorn.run(
        "broadcaster.web.app:create",
        factory=True,
        host=settings.web_host,
        port=settings.web_port,
        log_config=None,  # its warnings go through our renderer, like every library's
        access_log=False,  # callback addresses carry keys; they stay out of logs
    )


if __name__ == "__main__":
    main()
