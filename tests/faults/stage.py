"""One run's installation without its supervisor: a database, accounts, people and numbers of its own; who works on it is
up to the test, one process at a time."""

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self

import requests
from sqlalchemy import Select
from sqlalchemy.engine import make_url

from broadcaster.bootstrap import Parts, build
from broadcaster.cli.sandbox_setup import ensure_people, prepare_sandbox
from broadcaster.db.engine import Database
from broadcaster.domain.message import Mode
from broadcaster.queue import NoBells
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.service.approve import Released
from broadcaster.service.compose import Submitted
from broadcaster.settings import Settings
from channels.sandbox.accounts import sandbox_accounts
from tests.builders import LIFE_SAFETY, NO_HURRY
from tests.conftest import run_on_server
from tests.fakes import FakeClock
from tests.faults.children import Children
from tests.faults.frame import Place
from tests.installation import answers, free_port, wait_for

PATIENCE_S = 20.0
UNUSED_PORT = 1


class StandIns:
    """A forked sandbox of platforms, with nothing in its ledger."""

    def __init__(self, children: Children, folder: Path, accounts: Path) -> None:
        folder.mkdir(parents=True)
        shutil.copy(accounts, folder / "accounts.json")
        self._process = children.start("stand_in", folder=str(folder))
        wait_for((folder / "port").exists, within_s=PATIENCE_S)
        self.port = int((folder / "port").read_text())
        self.url = f"http://127.0.0.1:{self.port}"
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._process.end()

    def forget(self) -> None:
        """An empty ledger, and no fault."""
        for what in ("faults", "ledger"):
            self._ask("DELETE", what)
        self._ask("POST", "settings", json={"dlr_delay_s": 0.02})

    def order(self, faults: Sequence[Mapping[str, Any]]) -> None:
        for fault in faults:
            self._ask("POST", "faults", json=fault)

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def took(self, platform: str) -> list[dict[str, Any]]:
        return self._ask("GET", "ledger", params={"platform": platform, "accepted": 1}).json()

    def wait_for_receipts(self) -> None:
        """Until every delivery receipt so far was brought, or given up."""
        deadline = time.monotonic() + PATIENCE_S
        quiet = 0
        while quiet < 2:
            counts = self._ask("GET", "receipts").json()
            settled = counts["sent"] + counts["given_up"] == counts["expected"]
            quiet = quiet + 1 if settled else 0
            assert time.monotonic() < deadline, f"receipts: {counts}"
            time.sleep(0.03)

    def _ask(self, method: str, what: str, **options: Any) -> requests.Response:
        answer = self._http.request(method, f"{self.url}/_sandbox/{what}", timeout=PATIENCE_S, **options)
        assert answer.ok, answer.text
        return answer


@dataclass(kw_only=True)
class Stage:
    """`parts` are those of the test's own process, and of whoever mends what was left; its clock can jump."""

    settings: Settings
    parts: Parts
    clock: FakeClock
    stand_ins: StandIns
    tokens: Mapping[str, str]

    @property
    def root(self) -> Path:
        return self.settings.root

    @property
    def web(self) -> str:
        return f"http://{self.settings.web_host}:{self.settings.web_port}"

    def submit(self, *, channels: Sequence[str], audience: str, life_safety: bool) -> Submitted:
        officer = self.parts.people.who(self.tokens["officer"])
        draft = self.parts.compose.draft(
            officer,
            template=shipped_notice("severe-weather"),
            values={**shipped_example("severe-weather"), **(LIFE_SAFETY if life_safety else NO_HURRY)},
            channels=channels,
            audience=audience,
        )
        return self.parts.compose.submit(officer, draft.ref)

    def approve(self, submitted: Submitted) -> Released:
        approver = self.parts.people.who(self.tokens["approver"])
        return self.parts.approve.approve(approver, submitted.ref, submitted.manifest_sha256)

    def rows(self, query: Select) -> list[Any]:
        with self.parts.database.read() as tx:
            return list(tx.execute(query))


class Ground:
    """Where stages are copied from: people and audiences made once. An audience is called by its size."""

    def __init__(self, place: Place, sizes: Sequence[int]) -> None:
        self._place = place
        self._url = make_url(place.database_url)
        self._numbers = count(1)
        self._root = place.folder / "ground"
        settings = prepare_sandbox(
            Settings(data_dir=self._root, database_url=place.database_url), port=UNUSED_PORT
        )
        parts = build(settings, mode=Mode.LIVE, bells=NoBells())
        try:
            self.tokens = ensure_people(parts)
            for size in sizes:
                _import(parts, self.tokens["officer"], size)
        finally:
            parts.database.close()
        sandbox_accounts(self._root / "sandbox")
        self.accounts = self._root / "sandbox" / "accounts.json"

    @contextmanager
    def stage(self, stand_ins: StandIns, **settings: Any) -> Iterator[Stage]:
        """A copy. Its folder stays where the block was left by an error."""
        number = next(self._numbers)
        root = self._place.folder / f"run-{number}"
        for kept in ("keys", "sandbox"):
            shutil.copytree(self._root / kept, root / kept)
        with self._database(root, number) as url:
            given = Settings(data_dir=root, database_url=url, web_port=free_port(), **settings)
            made = prepare_sandbox(given, port=stand_ins.port)
            clock = FakeClock()
            database = Database(url, clock=clock)
            parts = build(made, mode=Mode.LIVE, database=database, bells=NoBells())
            try:
                yield Stage(settings=made, parts=parts, clock=clock, stand_ins=stand_ins, tokens=self.tokens)
            finally:
                for channel in parts.channels[Mode.LIVE].values():
                    if hasattr(channel, "close"):
                        channel.close()
                database.close()
        shutil.rmtree(root)

    @contextmanager
    def _database(self, root: Path, number: int) -> Iterator[str]:
        if self._place.database == "sqlite":
            yield f"sqlite:///{shutil.copy(self._url.database, root / 'broadcaster.db')}"
            return
        name = f"{self._url.database}_{number}"
        server = self._url.set(database="postgres").render_as_string(hide_password=False)
        run_on_server(server, f"CREATE DATABASE {name} TEMPLATE {self._url.database}")
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def _import(parts: Parts, token: str, size: int) -> None:
    path = parts.settings.root / f"{size}.csv"
    path.write_text("mobile\n" + "".join(f"060{i:08d}\n" for i in range(size)))
    parts.audiences.import_csv(actor=parts.people.who(token), name=audience(size), path=path)


def audience(size: int) -> str:
    return f"residents-{size}"


@contextmanager
def web_process(children: Children, stage: Stage) -> Iterator[None]:
    """The product's own, which takes delivery receipts."""
    child = children.start("web", settings=stage.settings.environment())
    try:
        wait_for(lambda: answers(f"{stage.web}/health"), within_s=PATIENCE_S)
        yield
    finally:
        child.end()


def notes(path: Path) -> list[dict[str, Any]]:
    """What a process left in its note before it died, or when it woke up."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
