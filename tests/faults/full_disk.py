"""T11: a volume is full in mid-send: the one with the database, the one with spilled outcomes, the one with the logs."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from broadcaster.domain.errors import Unavailable
from broadcaster.settings import Settings
from tests.faults.databases import migrate_at
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import House
from tests.faults.own_server import DURABLE
from tests.faults.sending import Brake, judge, taken, wait_until_over
from tests.faults.volumes import Limited, Volume, can_mount, mounted
from tests.installation import Installation, installation, wait_for
from tests.postgres import NOBODY, PostgresServer, own_postgres

MB = {"database": 64, "spill": 2, "logs": 4}
GOES_ON_WITHIN_S = 30.0
OVER_WITHIN_S = 240
REFUSAL = "The disk with the database is full."
#: A database has room for a few rows in pages that are there (SQLite in those of its log, too): then it is sent as well.
IN_THE_GAPS = "it was approved"


@dataclass(kw_only=True)
class _Full:
    """`volumes` are full together. `server` is there where the database is PostgreSQL."""

    found: Installation
    volumes: Sequence[Volume]
    server: PostgresServer | None


def full_disk(
    place: Place, figures: Figures, *, volume: str, texts: int, full_s: float, lease_s: float
) -> None:
    with _on_small_volumes(place, volume, lease_s) as here:
        found = here.found
        found.import_numbers(texts)
        waiting = found.submit(audience="", channels=("website",))
        brake = Brake(found, texts)
        brake.last_for(full_s + 6)
        ref = found.release()
        wait_for(lambda: taken(found) > 0)
        brake.last_for(full_s + 6)
        for each in here.volumes:
            each.fill()
        began = time.monotonic()
        refusal = "" if volume == "logs" else _refused(found, waiting)
        bound = {} if refusal == IN_THE_GAPS else {"equals": "" if volume == "logs" else REFUSAL}
        figures.add("refused_with", refusal, **bound)
        time.sleep(max(0.0, full_s - (time.monotonic() - began)))
        figures.add("supervisor", "alive" if found.supervisor.poll() is None else "dead", equals="alive")
        before = taken(found)
        figures.add("sent_when_space_returned", before, at_most=texts - 1)
        for each in here.volumes:
            each.free()
        freed = time.monotonic()
        wait_for(lambda: taken(found) > before, within_s=2 * GOES_ON_WITHIN_S)
        figures.add("goes_on_s", time.monotonic() - freed, at_most=GOES_ON_WITHIN_S)
        found.clear_faults()
        figures.add("drain_s", wait_until_over(found, ref, within_s=OVER_WITHIN_S))
        house = House(found=found, public=3)
        figures.add("spilled", house.logged("outcomes_spilled"))
        judge(found, ref, figures, planned=texts + 3, sent=False)
        if refusal == REFUSAL:
            found.approve(waiting)
        if refusal:
            wait_until_over(found, waiting.ref, within_s=60)
            figures.add("the_other_one_sent", found.status(waiting.ref).over, equals=True)


def _refused(found: Installation, waiting: object) -> str:
    """The first sentence that an approver reads."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            found.approve(waiting)
        except Unavailable as refusal:
            return f"{refusal.text.partition('. ')[0]}."
        return IN_THE_GAPS
    return "nothing"


@contextmanager
def _on_small_volumes(place: Place, volume: str, lease_s: float) -> Iterator[_Full]:
    """Where the volume with spilled outcomes is full, so is the one with the database: else nothing is ever spilled."""
    folder = place.folder / "data"
    full = ["database", "spill"] if volume == "spill" else [volume]
    with ExitStack() as stack:
        volumes: dict[str, Volume] = {}
        server, url = None, place.database_url
        if can_mount() and "database" in full:
            small = place.folder / "small"
            if place.database == "postgres":
                server = stack.enter_context(own_postgres(*DURABLE))
                small = Path(f"/tmp/volume-{place.folder.name}")
                stack.callback(shutil.rmtree, small, ignore_errors=True)
            owner = NOBODY if server else None
            volumes["database"] = stack.enter_context(mounted(small, mb=MB["database"], owner=owner))
            url = _in_tablespace(server, small) if server else f"sqlite:///{small / 'broadcaster.db'}"
            migrate_at(url)

        def prepare(settings: Settings) -> None:
            for name in full:
                if can_mount() and name != "database":
                    volumes[name] = stack.enter_context(mounted(settings.root / name, mb=MB[name]))

        made = installation(folder, url, prepare=prepare, lease_s=lease_s)
        with made as found:
            if not can_mount():
                volumes["all"] = Limited(lambda: [found.supervisor.pid, *found.processes().values()])
            yield _Full(found=found, volumes=list(volumes.values()), server=server)


def _in_tablespace(server: PostgresServer, folder: Path) -> str:
    """A database on the small volume. The server's log of changes is elsewhere, as it should be."""
    with psycopg.connect(server.address.format("postgres").replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        admin.execute("CREATE DATABASE faults TABLESPACE small")
    return server.address.format("faults")


SCENARIOS = [
    Scenario(
        test="T11",
        title=f"the volume with {what} is full in mid-send",
        run=full_disk,
        small={"volume": volume, "texts": 800, "full_s": 4.0, "lease_s": 8},
        full={"volume": volume, "texts": 20_000, "full_s": 30.0, "lease_s": 20},
        n="texts",
        pushed=False,
    )
    for volume, what in (
        ("database", "the database"),
        ("spill", "the database and the spilled outcomes"),
        ("logs", "the logs"),
    )
]
