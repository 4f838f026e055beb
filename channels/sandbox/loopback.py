"""Which addresses are on this machine: the stand-ins call nothing else."""

from functools import lru_cache
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_loopback(address: str) -> bool:
    """Whether this is an http address on this machine: receipts go nowhere else."""
    try:
        parts = urlsplit(address)
        return _is_loopback(parts.scheme, parts.netloc)
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _is_loopback(scheme: str, netloc: str) -> bool:
    return scheme in ("http", "https") and urlsplit(f"//{netloc}").hostname in LOOPBACK
