"""`python -m channels.sandbox --port P --data DIR`: the stand-ins as a process of their own, on loopback only."""

import argparse
import ipaddress
import os
import signal
import socket
import sys
from pathlib import Path
from typing import cast

import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from channels.sandbox.app import Sandbox


class Protocol(HttpToolsProtocol):
    """Hands the connection to the application too, which can then reset it."""

    def on_headers_complete(self) -> None:
        cast("dict[str, object]", self.scope)["sandbox.transport"] = self.transport
        super().on_headers_complete()


class Server(uvicorn.Server):
    """Says when it is ready, and where: in a line, and in the data directory's file `port`."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, data_dir: Path) -> None:
        super().__init__(config)
        self._listener = listener
        self._data_dir = data_dir

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self._listener.getsockname()[:2]
        draft = self._data_dir / "port.new"
        draft.write_text(f"{port}\n", encoding="ascii")
        draft.replace(self._data_dir / "port")
        shown = f"[{host}]" if ":" in host else host
        print(f"ready http://{shown}:{port}", flush=True)  # noqa: T201


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.umask(0o077)  # the ledger holds whatever numbers and tokens were sent
    options.data.mkdir(parents=True, exist_ok=True)
    (options.data / "port").unlink(missing_ok=True)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.create_server((options.host, options.port), family=family, backlog=2048)
    config = uvicorn.Config(
        cast(
            "ASGI3Application",
            Sandbox(options.data, options.site_url, smpp_port=options.smpp_port, exercise=options.exercise),
        ),
        http=Protocol,
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    Server(config, listener, options.data).run(sockets=[listener])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m channels.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument(
        "--data", type=Path, required=True, help="directory for ledger.db, accounts.json and port"
    )
    parser.add_argument(
        "--host", type=_loopback, default="127.0.0.1", help="a loopback address; nothing else is taken"
    )
    parser.add_argument("--smpp-port", type=int, default=0, help="of the SMPP centre; 0 picks a free one")
    parser.add_argument("--site-url", default="", help="website whose alerts.json the wall shows")
    parser.add_argument("--exercise", action="store_true", help="the wall says that only exercises end here")
    return parser.parse_args()


def _loopback(host: str) -> str:
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(host)
    return host


if __name__ == "__main__":
    main()
