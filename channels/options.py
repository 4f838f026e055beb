"""Reading an account's options: what its file says, or the option's default. No input or output."""

import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

from broadcaster.domain.errors import Invalid, NotSent
from channels.base import Account, Holds, Option

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def option(account: Account, options: Iterable[Option], name: str) -> str:
    """The option's text without blanks around it. Invalid where it is required and missing, or on several lines."""
    declared = next(o for o in options if o.name == name)
    value = account.options.get(name, "").strip() or declared.default
    if declared.required and not value:
        raise Invalid(f'The account "{account.name}" lacks {name}: {declared.help}')
    if any(unicodedata.category(char) == "Cc" for char in value):  # a line break would forge a header
        raise Invalid(f'The account "{account.name}": {name} has a line break or a control character in it.')
    return value


def secret(account: Account, name: str) -> str:
    """The secret's text, or nothing where it is not given or not held here. Invalid where it is on several lines."""
    value = account.secrets[name].reveal() if name in account.secrets else ""
    if any(unicodedata.category(char) == "Cc" for char in value):
        raise Invalid(f'The account "{account.name}": {name} has a line break or a control character in it.')
    return value


def require_secrets(account: Account, options: Iterable[Option]) -> None:
    """Invalid where a required secret is missing. A description of an account has none."""
    if account.holds is not Holds.ALL:
        return
    for declared in options:
        if declared.secret and declared.required and not secret(account, declared.name):
            raise Invalid(f'The account "{account.name}" lacks {declared.name}: {declared.help}')


def require_held(account: Account) -> None:
    """NotSent where this process only describes the account. Before any byte leaves, and before any file is written."""
    if account.holds is not Holds.ALL:
        raise NotSent(
            "no_credentials",
            f'This process holds no credentials of the {account.mode} account "{account.name}". Nothing was sent.',
        )


def address(account: Account, options: Iterable[Option], name: str, *, plain_http: bool = False) -> str:
    """A web address without a slash at its end. Plain http only towards this machine, unless `plain_http`."""
    value = option(account, options, name).rstrip("/")
    if value and not is_web_address(value, plain_http=plain_http):
        kind = "http:// or https://" if plain_http else "https://"
        raise Invalid(f'The account "{account.name}": {name} must be an address that begins with {kind}.')
    return value


def is_web_address(value: str, *, plain_http: bool = False) -> bool:
    """Whether this is an https address, or http to this very machine (or anywhere, with `plain_http`)."""
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.scheme not in {"http", "https"}:
        return False
    return parts.scheme == "https" or plain_http or host in LOOPBACK
