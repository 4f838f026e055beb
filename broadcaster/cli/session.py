"""Opens the parts for one command, as the user whose token is in BROADCASTER_TOKEN, or who has signed in."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from broadcaster.bootstrap import Parts, build
from broadcaster.cli import token_file
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.db.schema import check_schema
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Action, require
from broadcaster.settings import Settings
from broadcaster.tracing import tracing

TOKEN = "BROADCASTER_TOKEN"  # noqa: S105 - the variable's name
EXPLAINED = {
    "bell_not_rung": "The broker does not answer, so the workers were not woken. The broadcaster finds the work by "
    "itself within seconds if it is running. If it is not, start it: broadcaster up"
}


@dataclass(frozen=True, kw_only=True)
class Session:
    """Who acts, with what."""

    parts: Parts
    actor: Person


@contextmanager
def opened(*, channels: bool = False, mode: Mode | None = None) -> Iterator[Parts]:
    """The parts over a migrated database, for nobody in particular.

    Without `channels` no account is read: what looks at the past or stops something works with broken accounts too. With
    `mode` this process holds the credentials of that mode, and of no other.
    """
    _log_to_people()
    settings = Settings.load()
    database = Database(settings.database, lock_wait_s=settings.lock_wait_s)
    try:
        check_schema(database)
        with tracing("command line", settings.traces_url):
            yield build(settings, mode=mode, database=database, channels=None if channels or mode else {})
    finally:
        database.close()


@contextmanager
def signed_in(
    action: Action | None = None, *, channels: bool = False, mode: Mode | None = None
) -> Iterator[Session]:
    """As the user whose token is given. NotAllowed where that is nobody, or one who may not do `action`.

    `action` is for what only reads; whatever changes something is checked by its service.
    """
    with opened(channels=channels, mode=mode) as parts:
        actor = parts.people.who(given_token(parts.settings))
        if action:
            require(actor.name, actor.roles, action)
        yield Session(parts=parts, actor=actor)


def asking(parts: Parts) -> Person | None:
    """The user who asks, or None where no token is given."""
    token = given_token(parts.settings)
    return parts.people.who(token) if token else None


def given_token(settings: Settings) -> str:
    """Of the environment, or else of `broadcaster login`; empty where there is none."""
    return os.environ.get(TOKEN) or token_file.read(settings)


def _log_to_people() -> None:
    """Warnings of the parts as sentences on standard error, each once: standard output holds the answer only."""
    said: set[str] = set()

    def once(_logger: object, _name: str, event: structlog.typing.EventDict) -> str:
        text = EXPLAINED.get(event["event"], str(event["event"]))
        if text in said:
            raise structlog.DropEvent
        said.add(text)
        return text

    structlog.configure(
        processors=[once],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
