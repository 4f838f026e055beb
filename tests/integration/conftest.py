"""The installation on which most of these tests run, on both databases."""

import pytest

from broadcaster.db import people
from broadcaster.service.audiences import Audiences
from tests.builders import a_world
from tests.integration.audience_files import VAULT
from tests.integration.desk import Desk


@pytest.fixture
def world_settings():
    """What this file's installation is given beside the defaults; a file with other wishes has a fixture of its own."""
    return {}


@pytest.fixture
def world(database_url, tmp_path, world_settings):
    with a_world(database_url, tmp_path, **world_settings) as world:
        yield world


@pytest.fixture
def bare(tmp_path, database_url) -> Desk:
    """Migrated, and nothing else."""
    return Desk(tmp_path, database_url)


@pytest.fixture
def desk(bare) -> Desk:
    bare.add_users()
    bare.add_accounts()
    return bare


@pytest.fixture
def ann(database):
    """An officer who imports audiences."""
    with database.write() as tx:
        return people.insert(tx, name="ann", roles=frozenset({"officer"}))


@pytest.fixture
def import_csv(database, ann):
    def run(path, **changes):
        return Audiences(database, VAULT).import_csv(
            **{"actor": ann, "name": "residents", "path": path, **changes}
        )

    return run
