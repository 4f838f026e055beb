"""What a setting may be. Each gives the value back, or raises ValueError that says what it must be like."""

import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from broadcaster.domain.tongues import TONGUES

SHORTEST_TOKEN = 16
QUIET = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
MAILBOX = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")


def time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f'"{value}" is not a time zone; give one like Europe/London') from error
    return value


def spoken(value: str) -> str:
    codes = value.lower().split()
    unknown = [code for code in codes if code not in TONGUES]
    if unknown or len(set(codes)) != len(codes):
        raise ValueError(f"give each once, out of {', '.join(TONGUES)}")
    return " ".join(codes)


def database(value: str) -> str:
    """SQLAlchemy's own complaint about another driver is that some module cannot be imported."""
    if value and not value.startswith(("postgresql+psycopg://", "sqlite:///")):
        raise ValueError("it must begin with postgresql+psycopg:// or with sqlite:///")
    return value


def mail_server(value: str) -> str:
    if value and not _is_address(value, "smtp", "smtps"):
        raise ValueError("it must be like smtp://user:password@host:587 or smtps://user:password@host")
    return value


def authority(value: str) -> str:
    if value and not _is_address(value, "http", "https"):
        raise ValueError("it must be the address of a time stamp authority, like https://tsa.example.org/tsr")
    return value


def collector(value: str) -> str:
    if value and not _is_address(value, "http", "https"):
        raise ValueError("it must be the address of a collector, like http://127.0.0.1:4318/v1/traces")
    return value


def console(value: str) -> str:
    """A passkey is bound to a name, and browsers make none for a bare address or without TLS."""
    if not value:
        return value
    parts = urlsplit(value) if _is_address(value, "http", "https") else None
    host = (parts.hostname or "") if parts else ""
    bare = host.replace(".", "").isdigit() or ":" in host
    if not parts or parts.path.strip("/") or parts.query or bare:
        raise ValueError("it must be an address with a name and no path, like https://alerts.wyre.gov.uk")
    if parts.scheme == "http" and host != "localhost":
        raise ValueError("it must begin with https:// (http:// for localhost only)")
    return value.rstrip("/")


def issuer(value: str) -> str:
    """It is compared to the letter with what the provider calls itself, so nothing is taken off it."""
    parts = urlsplit(value) if _is_address(value, "http", "https") else None
    if value and (parts is None or parts.query or parts.fragment):
        raise ValueError("it must be an address like https://login.example.org/realms/staff")
    if parts and parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1"}:
        raise ValueError("it must begin with https:// (http:// for this machine only)")
    return value


def hard_to_guess(value: str) -> str:
    if value and (len(value) < SHORTEST_TOKEN or not value.isascii() or value.split() != [value]):
        raise ValueError(
            f"it must have {SHORTEST_TOKEN} plain characters or more and no spaces; make one: openssl rand -hex 32"
        )
    return value


def mailbox(value: str) -> str:
    if len(mailboxes(value).split()) > 1:
        raise ValueError("only one address can be the sender")
    return value


def mailboxes(value: str) -> str:
    if wrong := [each for each in value.split() if not MAILBOX.fullmatch(each)]:
        raise ValueError(
            f"{wrong[0]} is no mail address; write name@example.org, with spaces between several"
        )
    return value


def quiet_hours(value: str) -> str:
    if value and not QUIET.fullmatch(value):
        raise ValueError("it must be two times of the day, like 21:00-08:00")
    return value


def _is_address(url: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False
