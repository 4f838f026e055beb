"""The database goes away in mid-send (T10): killed, away for long, too many clients; locked by somebody else."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import MOST_CLIENTS, House, house, house_with_server
from tests.faults.sending import (
    Brake,
    all_started_again,
    judge,
    spilled_bytes,
    taken,
    wait_until_over,
)
from tests.installation import Installation, wait_for
from tests.postgres import PostgresServer

OVER_WITHIN_S = 240


def killed(place: Place, figures: Figures, *, texts: int, kills: int, every_s: float, lease_s: float) -> None:
    """With all of its processes, and started again on the same data at once."""
    with house_with_server(place, lease_s=lease_s) as here:
        found, server = here.found, here.server
        ref, brake = in_mid_send(found, texts, lasts_s=kills * every_s)
        for left in range(kills, 0, -1):
            brake.last_for(left * every_s)
            time.sleep(every_s)
            server.kill()
            server.start()
        conclude(place, here, ref, figures, texts)
        figures.add("kills", kills)


def away(place: Place, figures: Figures, *, texts: int, away_s: float, lease_s: float) -> None:
    """Stopped in order, and started again after a while. What was under way is answered meanwhile: it is spilled."""
    with house_with_server(place, lease_s=lease_s) as here:
        found, server = here.found, here.server
        ref, _ = in_mid_send(found, texts, lasts_s=4)
        server.stop()
        time.sleep(away_s)
        figures.add("spilled_bytes", spilled_bytes(found), at_least=1)
        figures.add("supervisor", "alive" if found.supervisor.poll() is None else "dead", equals="alive")
        server.start()
        conclude(place, here, ref, figures, texts)


def too_many_clients(place: Place, figures: Figures, *, texts: int, for_s: float, lease_s: float) -> None:
    with house_with_server(place, "-c", f"max_connections={MOST_CLIENTS}", lease_s=lease_s) as here:
        found, server = here.found, here.server
        ref, _ = in_mid_send(found, texts, lasts_s=for_s + 4)
        turned_away = take_every_place(server, for_s)
        figures.add("turned_away", turned_away, at_least=1)  # else the product noticed nothing
        conclude(place, here, ref, figures, texts)


def locked(
    place: Place,
    figures: Figures,
    *,
    texts: int,
    locked_s: float,
    lock_wait_s: float,
    lease_s: float,
    spills: bool,
) -> None:
    """Twice: by somebody who keeps to our queue of writers, and by somebody who does not."""
    path = Path(str(make_url(place.database_url).database))
    with house(place, lock_wait_s=lock_wait_s, lease_s=lease_s) as here:
        found = here.found
        ref, brake = in_mid_send(found, texts, lasts_s=2 * locked_s + 4)
        for left, lock in ((2, writers_queue), (1, exclusively)):
            with lock(path):
                time.sleep(locked_s)
            brake.last_for(left * 2)
            before = taken(found)
            wait_for(lambda before=before: taken(found) > before, within_s=60)
        conclude(place, here, ref, figures, texts)
        if spills:
            figures.add("spilled", figures.values["spilled"], at_least=1)


def in_mid_send(found: Installation, texts: int, *, lasts_s: float) -> tuple[str, Brake]:
    found.import_numbers(texts)
    brake = Brake(found, texts)
    brake.last_for(lasts_s)
    ref = found.release()
    wait_for(lambda: taken(found) > 0)
    brake.last_for(lasts_s)
    return ref, brake


def conclude(place: Place, here: House, ref: str, figures: Figures, texts: int) -> None:
    """Nobody was killed but the database, so nothing may stay unknown, and nothing may have gone out twice."""
    found = here.found
    figures.add("sent_at_last_fault", taken(found), at_most=texts - 1)
    found.clear_faults()
    figures.add("drain_s", wait_until_over(found, ref, within_s=OVER_WITHIN_S))
    all_started_again(found)
    figures.add("spilled", here.logged("outcomes_spilled"))
    figures.add("brought_in", here.logged("spilled_outcomes_brought_in"), at_least=figures.values["spilled"])
    figures.add("spill_left", spilled_bytes(found), equals=0)
    judge(found, ref, figures, planned=texts + here.public, in_process=bool(place.shared))
    for name in ("unknown", "duplicated_after_unknown"):
        figures.add(name, figures.values[name], equals=0)


def take_every_place(server: PostgresServer, for_s: float) -> int:
    """Idle connections take every place as soon as it is free. How often the product was turned away meanwhile."""
    held, refused = [server.connect()], 0
    deadline = time.monotonic() + for_s
    try:
        while time.monotonic() < deadline:
            refused += take_what_is_free(server, held)
            mine = [c.info.backend_pid for c in held]
            held[0].execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> ALL(%s)",
                [mine],
            )
            refused += take_what_is_free(server, held)
            time.sleep(0.2)
    finally:
        for connection in held:
            connection.close()
    return server.log.count("too many clients already") - refused


def take_what_is_free(server: PostgresServer, held: list[psycopg.Connection]) -> int:
    """Always one refusal: the one that says that nothing is free."""
    while True:
        try:
            held.append(server.connect())
        except psycopg.OperationalError as error:
            return str(error).count("too many clients")


@contextmanager
def writers_queue(path: Path) -> Iterator[None]:
    """The file lock for which every writer of the product waits."""
    descriptor = os.open(f"{path}.writer", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """SQLite's own lock, as a backup program or a shell takes it."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


SCENARIOS = [
    Scenario(
        test="T10",
        title="PostgreSQL is killed in mid-send",
        run=killed,
        small={"texts": 600, "kills": 2, "every_s": 1.0, "lease_s": 8},
        full={"texts": 20_000, "kills": 10, "every_s": 5.0, "lease_s": 20},
        n="texts",
        turn=9,
        databases=("postgres",),
    ),
    Scenario(
        test="T10",
        title="PostgreSQL is away for a while",
        pushed=False,
        run=away,
        small={"texts": 600, "away_s": 4.0, "lease_s": 8},
        full={"texts": 20_000, "away_s": 120.0, "lease_s": 20},
        n="texts",
        turn=10,
        databases=("postgres",),
    ),
    Scenario(
        test="T10",
        title="PostgreSQL has too many clients",
        pushed=False,
        run=too_many_clients,
        small={"texts": 600, "for_s": 3.0, "lease_s": 8},
        full={"texts": 20_000, "for_s": 30.0, "lease_s": 20},
        n="texts",
        turn=11,
        databases=("postgres",),
    ),
    Scenario(
        test="T10",
        title="SQLite is locked, and writers wait for it",
        pushed=False,
        run=locked,
        small={"texts": 600, "locked_s": 2.0, "lock_wait_s": 5, "spills": False, "lease_s": 8},
        full={"texts": 20_000, "locked_s": 30.0, "lock_wait_s": 30, "spills": False, "lease_s": 20},
        n="texts",
        turn=9,
        databases=("sqlite",),
    ),
    Scenario(
        test="T10",
        title="SQLite is locked for longer than writers wait",
        run=locked,
        small={"texts": 600, "locked_s": 7.0, "lock_wait_s": 5, "spills": True, "lease_s": 8},
        full={"texts": 20_000, "locked_s": 30.0, "lock_wait_s": 5, "spills": True, "lease_s": 20},
        n="texts",
        turn=10,
        databases=("sqlite",),
    ),
]
