"""One sandbox process for all contract tests; each test finds it empty. And servers that answer as a test says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.website import Website
from tests.contract.facebook_pictures import PUBLISHED, Graph
from tests.contract.read_back_places import OnFacebook, OnX, Scripted
from tests.contract.sandbox_process import SandboxProcess
from tests.contract.website_site import Clock, account
from tests.contract.x_pictures import Script


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    yield process
    process.stop()


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    sandbox_process.start_afresh()
    return sandbox_process


@pytest.fixture
def script() -> Iterator[Script]:
    with Script() as script:
        yield script


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph() as graph:
        graph.answer = PUBLISHED
        yield graph


@pytest.fixture(params=[OnFacebook, OnX], ids=["facebook", "x"])
def on(request: pytest.FixtureRequest) -> type[OnFacebook | OnX]:
    """Each platform that can be read back."""
    return request.param


@pytest.fixture
def platform() -> Iterator[Scripted]:
    with Scripted() as platform:
        yield platform


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def website(site: Path, clock: Clock) -> Website:
    return Website(account(site), now=clock)
