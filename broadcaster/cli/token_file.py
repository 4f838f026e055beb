"""Where `broadcaster login` keeps a token: a file of its own for each installation, readable by its owner only."""

import hashlib
import os
from pathlib import Path

from broadcaster.domain.errors import Unavailable
from broadcaster.settings import Settings


def path_of(settings: Settings) -> Path:
    """Named after the database: the token of one installation is never shown to another."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(given) if given else Path("~/.config").expanduser()
    return home / "broadcaster" / f"token-{hashlib.sha256(settings.database.encode()).hexdigest()[:12]}"


def read(settings: Settings) -> str:
    try:
        return path_of(settings).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def write(settings: Settings, token: str) -> Path:
    """Readable by its owner only from the first byte on."""
    path = path_of(settings)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
        draft.replace(path)
    except OSError as error:
        raise Unavailable(
            f"The token cannot be kept in {path} ({error.strerror}). You are not signed in."
        ) from error
    return path


def remove(settings: Settings) -> None:
    path_of(settings).unlink(missing_ok=True)
