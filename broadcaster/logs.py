"""Logs of our processes: one line per event, keys and values, never message text, numbers, names or tokens.

Every line says which process it is from, and in which mode; every line about a broadcast says `broadcast`, `batch`,
`channel`, `group` and `attempt` where they are known. Libraries' warnings go through the same renderer.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from broadcaster.domain.errors import Problem, SendError

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
#: Errors of which libraries are shown with their words: they speak of servers and files, not of people. A library's
#: others may quote what they were given: requests' hold the whole address with number and text, drivers' the row.
SPEAKS_OF_SERVERS = {("psycopg", "OperationalError"), ("sqlite3", "OperationalError")}
MOST_ERRORS = 5  # of a chain of causes

_Error = tuple[type[BaseException], BaseException, TracebackType | None]


def about(**known: object) -> AbstractContextManager[Any]:
    """Binds these keys to every line that is logged inside, by whomever; None is left out. A pool's thread serves one
    broadcast after another: what was bound before is bound again afterwards, and nothing else."""
    bound = {key: value for key, value in known.items() if value is not None}
    return structlog.contextvars.bound_contextvars(**bound)


def configure(process: str = "", *, mode: str = "", form: str = "text", level_name: str = "info") -> None:
    """Everything to standard error. Called once by each process, before its first line.

    `process` and `mode` are no context variables: a thread that somebody else starts would not have them. `form` and
    `level_name` are those of the settings.
    """
    level = LEVELS[level_name]
    said_by = {key: value for key, value in {"process": process, "mode": mode}.items() if value}
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _said_by(said_by),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_traceback),
    ]
    renderer = _renderer(form)
    _configure_libraries(shared, renderer, level)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _renderer(form: str) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=repr)
    return structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event", "process"])


def _configure_libraries(shared: list[Processor], renderer: Processor, level: int) -> None:
    """From warnings on, whatever our own level: at DEBUG a client writes the request's headers, token included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_without_values)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("tweepy").setLevel(logging.INFO)


def _without_values(record: logging.LogRecord) -> bool:
    """Celery writes the words of a task's error into its own line, and some libraries format an error as an argument."""
    if isinstance(record.args, Mapping) and "exc" in record.args:
        kind = record.exc_info[0] if record.exc_info else None
        record.args = {**record.args, "exc": kind.__name__ if kind else "an error", "traceback": ""}
    elif isinstance(record.args, tuple):
        record.args = tuple(_words(a) if isinstance(a, BaseException) else a for a in record.args)
    return True


def _said_by(constant: dict[str, str]) -> Processor:
    def add(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {**constant, **event}

    return add


def _traceback(exc_info: _Error) -> str:
    """Where it happened, and of the error's own words only those that cannot quote a number, a text or a token."""
    parts: list[str] = []
    cause: BaseException | None = exc_info[1]
    while cause is not None and len(parts) < MOST_ERRORS:
        frames = "".join(traceback.format_tb(cause.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{_words(cause)}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n\ncaused by\n\n".join(parts)


def _words(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, Problem | SendError):
        return f"{name}: {getattr(error, 'text', '') or getattr(error, 'operator_text', '')}"
    if (kind.__module__.split(".")[0], kind.__name__) in SPEAKS_OF_SERVERS:
        return f"{name}: {error}".strip()
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    return name
