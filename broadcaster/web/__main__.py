"""Starts the web process: `python -m broadcaster.web`."""

import uvicorn

from broadcaster.domain.errors import Problem
from broadcaster.logs import configure
from broadcaster.settings import Settings


def main() -> None:
    try:
        settings = Settings.load()
    except Problem as problem:
        raise SystemExit(str(problem)) from problem
    configure("web", form=settings.log_format, level_name=settings.log_level)
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
