"""Logs of our processes: one line per event, keys and values, never message text, numbers, names or tokens."""

import logging
import sys

import structlog


def configure(level: int = logging.INFO) -> None:
    """Everything to standard error, through structlog's processors, libraries included from warnings on."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", force=True
    )
    # at DEBUG it writes the request's headers, token included
    logging.getLogger("tweepy").setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
