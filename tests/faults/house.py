"""The installation that a row runs in: one of its own, or the one that small rows of a database share.

Ten processes take ten seconds of CPU to start: shared, they start once for all rows that fit into one.
"""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
import requests

from tests.faults.databases import fresh_database
from tests.faults.frame import Place
from tests.faults.own_broker import ForgetfulBroker, forgetful_broker
from tests.faults.own_server import own_server
from tests.faults.sending import all_started_again, killed
from tests.installation import Installation, installation
from tests.postgres import PostgresServer

SANDBOX_AS_NEW = {"dlr_delay_s": 0.3, "dlr_final": "delivered", "dlr_copies": 1, "x_posts_per_window": 10_000}
LISTENERS = 3  # workers that wait for a bell: one public, two bulk
DEAF_AFTER_S = 25
LISTENING_WITHIN_S = 60  # the longer a worker had no broker, the longer it waits before it tries again
#: Short enough for every small row: whoever waits for a lease to run out, or for a receipt, waits so long.
SHARED = {"receipt_wait_s": 4.0, "lease_s": 8.0, "lock_wait_s": 5.0}
SHARED_SITES = 3
MOST_CLIENTS = 60


@dataclass(kw_only=True)
class House:
    """`broker` and `server` are there where the test may kill them. `public` is how many posts everybody sees."""

    found: Installation
    public: int
    broker: ForgetfulBroker | None = None
    server: PostgresServer | None = None
    read_from: dict[Path, int] = field(default_factory=dict)

    @property
    def socket(self) -> Path:
        return self.broker.socket if self.broker else self.found.settings.broker_socket

    def make_ready(self, *, broker: bool = True) -> None:
        """For the next row: platforms as new, every process there, and listening where there is a broker."""
        sandbox = f"{self.found.sandbox}/_sandbox"
        for what in ("faults", "ledger"):
            requests.delete(f"{sandbox}/{what}", timeout=10).raise_for_status()
        requests.post(f"{sandbox}/settings", json=SANDBOX_AS_NEW, timeout=10).raise_for_status()
        all_started_again(self.found)
        if self.broker and broker:
            if not self.broker.runs:
                self.broker.start()
            self._have_all_listening()
        self.read_from = {path: path.stat().st_size for path in self._logs()}

    def listen_again_s(self, *, within_s: float = LISTENING_WITHIN_S) -> float:
        """After how many seconds every worker waits for a bell; without end where one does not in time."""
        started = time.monotonic()
        while listening(self.socket) < LISTENERS:
            if time.monotonic() - started > within_s:
                return math.inf
            time.sleep(0.2)
        return time.monotonic() - started

    def _have_all_listening(self) -> None:
        """One that died with its broker in the middle of a bell may stay deaf: a row that is not about that begins with
        new ones."""
        if self.listen_again_s(within_s=DEAF_AFTER_S) < math.inf:
            return
        for name, pid in self.found.processes().items():
            if name.startswith(("live-public", "live-bulk")):
                killed(pid)
        within_s = 3 * LISTENING_WITHIN_S  # they start anew, on a machine that may be busy
        assert self.listen_again_s(within_s=within_s) < math.inf, "the workers do not listen to the broker"

    def logged(self, event: str) -> int:
        """How often the installation's processes logged this since the row began."""
        return sum(self._said(path).count(event) for path in self._logs())

    def _said(self, path: Path) -> str:
        with path.open("rb") as log:
            log.seek(self.read_from.get(path, 0))
            return log.read().decode(errors="replace")

    def _logs(self) -> list[Path]:
        return sorted((self.found.settings.root / "logs").glob("*.log"))


@contextmanager
def house(
    place: Place, *, sites: int = 1, own_broker: bool = False, needs_broker: bool = True, **settings: object
) -> Iterator[House]:
    """The shared one where there is one, else one of these settings, with a broker that can be killed if asked for."""
    if place.shared:
        place.shared.make_ready(broker=needs_broker)
        yield place.shared
        return
    with ExitStack() as stack:
        broker = stack.enter_context(forgetful_broker()) if own_broker else None
        changes = {**settings, "broker_url": broker.url} if broker else settings
        made = installation(place.folder / "data", place.database_url, sites=sites, **changes)
        yield House(found=stack.enter_context(made), public=sites + 2, broker=broker)


@contextmanager
def house_with_server(place: Place, *options: str, **settings: object) -> Iterator[House]:
    """On a PostgreSQL that can be killed."""
    if place.shared:
        place.shared.make_ready()
        yield place.shared
        return
    with (
        own_server(*options) as (server, url),
        installation(place.folder / "data", url, **settings) as found,
    ):
        yield House(found=found, public=3, server=server)


@contextmanager
def shared_house(database: str, folder: Path, seed: int) -> Iterator[Place]:
    """Begun without a broker, as the first row wants it."""
    with ExitStack() as stack:
        broker, server = stack.enter_context(forgetful_broker(running=False)), None
        if database == "postgres":
            server, url = stack.enter_context(own_server("-c", f"max_connections={MOST_CLIENTS}"))
        else:
            url = stack.enter_context(fresh_database(database, folder, ""))
        made = installation(folder / "data", url, sites=SHARED_SITES, broker_url=broker.url, **SHARED)
        here = House(found=stack.enter_context(made), public=SHARED_SITES + 2, broker=broker, server=server)
        yield Place(database=database, database_url=url, folder=folder, seed=seed, shared=here)


def listening(socket: Path) -> int:
    """How many workers wait for a bell at this broker."""
    with redis.Redis(unix_socket_path=str(socket)) as client:
        return sum("b" in each["flags"] for each in client.client_list())
