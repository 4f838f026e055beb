"""Starts the web process: `python -m broadcaster.web`."""

import uvicorn

from broadcaster.logs import configure
from broadcaster.settings import Settings


def main() -> None:
    configure()
    settings = Settings.load()
    uvicorn.run(
        "broadcaster.web.app:create",
        factory=True,
        host=settings.web_host,
        port=settings.web_port,
        log_level="warning",
        access_log=False,  # callback addresses carry keys; they stay out of logs
    )


if __name__ == "__main__":
    main()
