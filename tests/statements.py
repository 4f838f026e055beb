"""Statements are compiled once per test process instead of once per test: an engine of its own, which every test has, would
compile each again, and that was two thirds of what a test of the services cost.
"""

from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event

_compiled: dict[Any, Any] = {}
_dialects: dict[str, Dialect] = {}


def share_compiled_statements() -> None:
    """From now on, between all engines of this process for the same kind of database."""
    if not event.contains(Engine, "engine_connect", _share):
        event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    """SQLAlchemy finds a compiled statement by the dialect too: the first engine's serves them all. It is asked for
    after its first connection was made, so it knows the server."""
    connection.dialect = _dialects.setdefault(connection.dialect.name, connection.dialect)
    connection.execution_options(compiled_cache=_compiled)
