"""A whole installation under measurement: real workers, broker, sealer and sweeper, a durable database, a stub gateway."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from broadcaster.bootstrap import build
from broadcaster.cli.sandbox_setup import MARK, ensure_people, prepare_sandbox
from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from broadcaster.db.tables import audit_event, batch, delivery, target
from broadcaster.domain.broadcast import BatchState
from broadcaster.queue import NoBells
from broadcaster.settings import Settings
from tests.bench.figures import Sent
from tests.bench.peers import Stub
from tests.installation import Installation, free_port, installation
from tests.postgres import own_postgres

#: As a server is run whose commits survive a crash of the machine: the tests' own are not.
DURABLE = (
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=256MB",
    "max_wal_size=4GB",
)
LONG_S = 900.0
#: Beside the recipients' gateway, what an account's file says.
KANNEL = {"gateway": "kannel", "username": "wyre", "password": "secret", "sender": "WyreCouncil"}
SINCH = {"gateway": "sinch", "service_plan_id": "plan", "api_token": "token", "sender": "WyreCouncil"}


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The address of a fresh durable database on the disk."""
    if kind == "sqlite":
        yield _migrated(f"sqlite:///{folder / 'broadcaster.db'}")
        return
    options = [word for each in DURABLE for word in ("-c", each)]
    with own_postgres(*options, data_in=tempfile.gettempdir()) as server:
        yield _migrated(server.address.format("postgres"))


def _migrated(url: str) -> str:
    opened = Database(url)
    migrate(opened)
    opened.close()
    return url


@contextmanager
def released(
    folder: Path, url: str, stub: Stub, recipients: int, *, max_in_flight: int, many: bool
) -> Iterator[Mapping[str, str]]:
    """The environment of processes that find a message released, and nobody at work on it."""
    settings = Settings(data_dir=folder, database_url=url, max_in_flight=max_in_flight)
    settings = prepare_sandbox(settings, port=free_port())
    texts(stub, many=many)(settings)
    parts = build(settings, bells=NoBells())
    try:
        desk = Installation(
            settings=settings,
            parts=parts,
            sandbox="",
            web="",
            people=ensure_people(parts),
            supervisor=None,  # type: ignore[arg-type]  # nothing runs
        )
        desk.import_numbers(recipients)
        desk.approve(desk.submit(channels=("sms",)))
        yield settings.environment()
    finally:
        parts.database.close()


def texts(stub: Stub, *, many: bool) -> Callable[[Settings], None]:
    """Writes the account for text messages: at the stub."""

    def prepare(settings: Settings) -> None:
        account = {"channel": "sms", **(SINCH if many else KANNEL), "base_url": stub.url}
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in account.items()]
        (settings.credentials / "live" / "sms.toml").write_text(MARK + "".join(lines))

    return prepare


@contextmanager
def house(
    kind: str, stub: Stub, *, workers: int, max_in_flight: int, many: bool = False
) -> Iterator[Installation]:
    """One that sends its texts to the stub; `many` is the gateway that takes many recipients in one request."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        database(kind, Path(name)) as url,
        installation(
            Path(name) / "data",
            url,
            prepare=texts(stub, many=many),
            bulk_workers=workers,
            max_in_flight=max_in_flight,
        ) as found,
    ):
        yield found


def send(found: Installation, recipients: int, *, audience: str) -> Sent:
    """Approve a message to this audience, and wait until every recipient has an outcome and every event its seal."""
    submitted = found.submit(template="severe-weather", channels=("sms",), audience=audience)
    began = time.monotonic()
    found.approve(submitted)
    approved_s = time.monotonic() - began
    planned_s = _until(found, began, planned)
    sent_s = _until(found, began, nothing_open)
    sealed_s = _until(found, began, _sealed)
    return Sent(
        recipients=recipients,
        approved_s=approved_s,
        planned_s=planned_s,
        sent_s=sent_s,
        sealed_s=sealed_s,
        memory_mb=max(peak_memory_mb(pid) for pid in found.processes().values()),
    )


def states(found: Installation) -> dict[str, int]:
    with found.parts.database.read() as tx:
        return dict(tx.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state)).all())


def peak_memory_mb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


def _until(found: Installation, began: float, true: Callable[[Installation], bool]) -> float:
    while time.monotonic() - began < LONG_S:
        if true(found):
            return time.monotonic() - began
        time.sleep(0.1)
    raise TimeoutError(json.dumps(states(found)))


def planned(found: Installation) -> bool:
    with found.parts.database.read() as tx:
        query = select(func.count()).where(target.c.planned < target.c.planned_total)
        return tx.execute(query).scalar_one() == 0


def nothing_open(found: Installation) -> bool:
    with found.parts.database.read() as tx:
        query = select(batch.c.id).where(batch.c.state != BatchState.DONE).limit(1)
        return tx.execute(query).first() is None


def _sealed(found: Installation) -> bool:
    with found.parts.database.read() as tx:
        return tx.execute(select(audit_event.c.id).where(audit_event.c.no.is_(None)).limit(1)).first() is None
