"""A PostgreSQL that a row may kill, stop or fill up."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import run_on_server
from tests.faults.databases import migrate_at
from tests.postgres import PostgresServer, own_postgres

DURABLE = ("-c", "synchronous_commit=on", "-c", "full_page_writes=on")


@contextmanager
def own_server(*options: str) -> Iterator[tuple[PostgresServer, str]]:
    """A server that can be killed, as durable as in production, and a freshly migrated database on it."""
    with own_postgres(*DURABLE, *options) as server:
        run_on_server(server.address, "CREATE DATABASE faults")
        url = server.address.format("faults")
        migrate_at(url)
        yield server, url
