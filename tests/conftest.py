"""What every test may ask for: a freshly migrated database, on SQLite and on PostgreSQL."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings

from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from channels.accounts import THIS_PROCESS
from tests.postgres import quick_folder, running_postgres
from tests.statements import share_compiled_statements

#: The files that take longest, in the order in which they begin: one that began last would keep one worker at work
#: while the others have nothing left to do.
SLOW_FIRST = (
    "test_small",
    "test_workers",
    "test_state_machine",
    "test_poison",
    "test_cli_messages",
    "test_containers",
    "test_reading_back",
)
EVERYTHING_ON_BOTH = os.environ.get("TEST_DATABASES") == "both"
WITH_POSTGRES = os.environ.get("TEST_POSTGRES") != "off"
BOTH = ("sqlite", "postgres")
_numbers = count(1)


def pytest_configure() -> None:
    """What tests write lies in memory: every commit waits for the disk, and that was most of their time. No property has
    a time by which it must hold: this machine may have other things to do."""
    share_compiled_statements()
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", quick_folder())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What asks for a database is run on both, or on those that its module names in DATABASES; with TEST_DATABASES=both in
    the environment, everything on both.

    Pages, commands and programs ask services, whose own tests run on both; so they need one. That PostgreSQL takes every
    statement behind them all the same is seen by the pages in the browser and by every act of a person, which run on it.
    """
    wanted = {"database_url", "empty_database_url"} & set(metafunc.fixturenames)
    said = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    for name in wanted - set(said):
        chosen = BOTH if EVERYTHING_ON_BOTH else getattr(metafunc.module, "DATABASES", BOTH)
        metafunc.parametrize(name, chosen, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: SLOW_FIRST.index(item.path.stem) if item.path.stem in SLOW_FIRST else len(SLOW_FIRST)
    )


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A test that configures logging, as every entry point does, leaves nothing of it to the next."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def a_process_of_no_mode() -> Iterator[None]:
    """Each test stands for processes of its own: the mode whose credentials it loads says nothing about the next one's."""
    THIS_PROCESS.mode = ""
    yield
    THIS_PROCESS.mode = ""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that each test copies."""
    file = tmp_path_factory.mktemp("template") / "broadcaster.db"
    database = Database(f"sqlite:///{file}")
    migrate(database)
    database.close()
    return file


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of the session's server, with `{}` for a database's name. Its `template` is migrated."""
    if not WITH_POSTGRES:
        pytest.skip("TEST_POSTGRES=off")
    with running_postgres() as address:
        run_on_server(address, "CREATE DATABASE template")
        database = Database(address.format("template"))
        migrate(database)
        database.close()
        yield address


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that holds nothing, not even tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'broadcaster.db'}"
    else:
        yield from postgres_database(request.getfixturevalue("postgres_server"), "template0")


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a freshly migrated database, good in other processes too."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        yield f"sqlite:///{shutil.copy(template, tmp_path / 'broadcaster.db')}"
    else:
        yield from postgres_database(request.getfixturevalue("postgres_server"), "template")


@pytest.fixture(scope="module")
def module_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a migrated database for all tests of a module: on PostgreSQL, which takes fewer statements than SQLite."""
    if WITH_POSTGRES:
        yield from postgres_database(request.getfixturevalue("postgres_server"), "template")
    else:
        file = tmp_path_factory.mktemp("database") / "broadcaster.db"
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), file)}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def run_on_server(address: str, statement: str) -> None:
    """One statement outside of any transaction, on the server's own database."""
    with psycopg.connect(address.format("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)


def postgres_database(address: str, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    run_on_server(address, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")  # half the work
    yield address.format(name)
    run_on_server(address, f"DROP DATABASE {name} WITH (FORCE)")
