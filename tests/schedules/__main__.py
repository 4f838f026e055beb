"""`make schedules`: two years of schedules in five time zones, two sweepers, random kills and downtime; and the judgement.

Exit code 1 where a due run did not become exactly one of sent, refused, missed or left out, or anything went out twice.
"""

import argparse
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from broadcaster.db.tables import schedule_run, schedule_version
from tests.builders import World, a_world
from tests.conftest import run_on_server
from tests.integration.planning import submit
from tests.postgres import running_postgres
from tests.schedules.due import due
from tests.schedules.judging import faults
from tests.schedules.sweeper import sweep

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Auckland")
#: Local times around which clocks change somewhere, and others.
TIMES = (clock_time(1, 30), clock_time(2, 15), clock_time(2, 30), clock_time(9, 0), clock_time(0, 0))
FIRST = date(2026, 12, 14)
GRACE = timedelta(minutes=60)
WAITS_S = 600.0  # of real time, for one step: on a loaded machine a process takes a minute to begin


class Simulation:
    def __init__(self, world: World, clock: Path, seed: int) -> None:
        self.world, self.clock, self.chance = world, clock, random.Random(seed)
        self.processes = multiprocessing.get_context(
            "forkserver"
        )  # which has read the program once, for all of them
        self.processes.set_forkserver_preload(["tests.schedules.sweeper"])
        self.children: list[multiprocessing.process.BaseProcess] = []
        self.kills = self.outages = 0
        self.now = datetime.combine(FIRST - timedelta(days=1), clock_time(0), UTC)

    def set(self, at: datetime) -> None:
        self.now = at
        part = self.clock.with_suffix(".new")
        part.write_text(str(at.timestamp()))
        part.replace(self.clock)  # read whole by the sweepers, whenever they look

    def sweepers(self, number: int) -> None:
        while len(self.children) < number:
            child = self.processes.Process(
                target=sweep, args=(self.world.database.url, self.world.folder, self.clock), daemon=True
            )
            child.start()
            self.children.append(child)

    def kill(self, number: int) -> None:
        for child in self.children[:number]:
            child.kill()
            child.join()
            self.kills += 1
        self.children = self.children[number:]

    def settle(self) -> None:
        """Until the sweepers have nothing left to do at this moment."""
        until = time.monotonic() + WAITS_S
        while time.monotonic() < until:
            rows = self.world.rows(schedule_version)
            if not any(row.next_at and row.next_at <= self.now for row in rows):
                return
            time.sleep(0.02)
        raise TimeoutError(f"runs are still undecided at {self.now}")

    def step(self) -> None:
        """To the next run, or some minutes after it. Now and then a sweeper is killed in the middle, or there is none for a while."""
        luck = self.chance.random()
        if luck < 0.03:  # everything is down
            self.kill(2)
            self.outages += 1
            self.set(self.now + timedelta(hours=self.chance.choice((1, 5, 30, 80))))
        ahead = [row.next_at for row in self.world.rows(schedule_version) if row.next_at]
        late = timedelta(minutes=self.chance.choice((0, 0, 0, 5, 45, 75)))
        self.set(max(self.now + timedelta(minutes=1), min([*ahead, self.now + timedelta(hours=12)]) + late))
        self.sweepers(2)
        if luck > 0.93:
            time.sleep(self.chance.random() * 0.3)
            self.kill(1)
            self.sweepers(2)
        self.settle()


def plan(world: World, days: int) -> dict[str, list[datetime]]:
    """Schedules in each zone, approved; and when they are due."""
    expected = {}
    for zone in ZONES:
        for at in TIMES:
            name = f"{zone} {at:%H:%M}"
            starts, last = datetime.combine(FIRST, at), FIRST + timedelta(days=days)
            without = (FIRST + timedelta(days=11),)
            ref, digest = submit(
                world,
                name=name,
                starts=starts,
                zone=zone,
                last=last,
                rule="FREQ=WEEKLY;BYDAY=SU,WE",
                without=tuple(day.isoformat() for day in without),
                grace_minutes=GRACE // timedelta(minutes=1),
                values={"expires": "=date +2 18:00"},
            )
            world.parts.schedule_approval.approve(world.approver, ref, digest)
            expected[name] = list(due(FIRST, last, at, zone, weekdays=(2, 6), without=without))
    return expected


def simulate(database_url: str, folder: Path, *, days: int, seed: int) -> list[str]:
    with a_world(database_url, folder) as world:
        world.clock.advance(
            (datetime.combine(FIRST - timedelta(days=1), clock_time(0), UTC) - world.now()).total_seconds()
        )
        expected = plan(world, days)
        simulation = Simulation(world, folder / "clock", seed)
        simulation.set(simulation.now)
        end = datetime.combine(FIRST + timedelta(days=days + 2), clock_time(0), UTC)
        try:
            while simulation.now < end:
                month = simulation.now.month
                simulation.step()
                if simulation.now.month != month:
                    print(f"{simulation.now:%B %Y}: {simulation.kills} kills so far", flush=True)  # noqa: T201 - it takes long
        finally:
            simulation.kill(2)
        states = Counter(row.state for row in world.rows(schedule_run))
        total = sum(len(each) for each in expected.values())
        print(  # noqa: T201 - what the command is for
            f"{total} due runs in {len(ZONES)} zones over {days} days: {dict(states)}; "
            f"{simulation.kills} kills, {simulation.outages} outages"
        )
        return faults(world, expected, simulation.now)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=730)
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--database", choices=("sqlite", "postgres"), default="")
    given = options.parse_args()
    print(f"seed {given.seed}")  # noqa: T201 - to see it again
    wrong: list[str] = []
    for kind in [given.database] if given.database else ["sqlite", "postgres"]:
        folder = Path(tempfile.mkdtemp(prefix="schedules-"))
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            url = f"sqlite:///{folder / 'broadcaster.db'}"
            if kind == "postgres":
                address = stack.enter_context(running_postgres())
                run_on_server(address, "CREATE DATABASE schedules")
                url = address.format("schedules")
            database = Database(url)
            migrate(database)
            database.close()
            wrong += [f"{kind}: {each}" for each in simulate(url, folder, days=given.days, seed=given.seed)]
    for each in wrong:
        print(each)  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
