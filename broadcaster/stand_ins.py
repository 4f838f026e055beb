"""Whether an installation is a sandbox: every live account is a stand-in on this machine, so that nothing can leave it.

Told from the account files themselves, each time, and from nothing that somebody sets: who adds one real account, or changes
a stand-in's address, has a real installation from that moment on.
"""

import ipaddress
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

MARK = "# Written by `broadcaster up --sandbox`: a stand-in, not a real account.\n"


def only_stand_ins(folder: Path) -> bool:
    """False where there is no account at all, or one that cannot be read."""
    files = sorted(folder.glob("*.toml"))
    return bool(files) and all(_is_stand_in(file) for file in files)


def _is_stand_in(file: Path) -> bool:
    try:
        text = file.read_text("utf-8")
        options = tomllib.loads(text)
    except (OSError, ValueError):
        return False
    addresses = [value for value in options.values() if isinstance(value, str) and "://" in value]
    return text.startswith(MARK) and "base_url" in options and all(_is_here(each) for each in addresses)


def _is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(urlsplit(address).hostname or "").is_loopback
    except ValueError:
        return False
