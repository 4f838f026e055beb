"""How long the server takes for the console's main pages, where a hundred broadcasts and a million deliveries lie in the database.

`python -m tests.bench.pages`: minutes, on this machine alone, with nothing sent to anybody. The pages are asked for one after
the other in this process, as a server would hand the requests to the app: no network and no browser is in the figures. Exit
code 1 where a page's 95th percentile is above the bar; the machine should have nothing else to do.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import update

from broadcaster.db.tables import batch, delivery
from tests.bench.house import database
from tests.builders import World, a_world
from tests.integration.visitor import Visitor, visitor

BAR_S = 0.100
ROLES = ("officer", "approver", "auditor", "data-keeper", "administrator")
PAGES = {
    "sign-in": "/sign-in",
    "home": "/",
    "messages": "/messages",
    "write": "/messages/new/severe-weather",
    "message": "/messages/{sent}",
    "approve": "/messages/{waiting}/approve",
    "board, sent": "/messages/{sent}/board",
    "board, being sent": "/messages/{sending}/board",
    "stop": "/messages/{sending}/stop",
    "timeline": "/messages/{sent}/timeline",
    "audit": "/audit",
    "audit, one message": "/audit?about={sent}",
    "seal": "/audit/seal",
    "audiences": "/manage/audiences",
    "people": "/manage",
}


def main() -> int:
    given = arguments(__doc__, times=40)
    missed = False
    for kind in given.database:
        with tempfile.TemporaryDirectory() as given_folder:
            folder = Path(given_folder)
            with database(kind, folder) as url, a_world(url, folder) as world:
                refs = fill(world, given.broadcasts, given.recipients)
                found = dict(_measured(visitor(world, "ada", *ROLES), refs, given.times))
        say(kind, *(f"{name}: {took}" for name, took in found.items()))
        missed = missed or any(took.p95_s > BAR_S for took in found.values())
    return 1 if missed else 0


def arguments(description: str | None, *, times: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"]
    )
    parser.add_argument("--broadcasts", type=int, default=100)
    parser.add_argument("--recipients", type=int, default=10_000, help="of each broadcast")
    parser.add_argument("--times", type=int, default=times, help="so often it is measured")
    return parser.parse_args()


def fill(world: World, broadcasts: int, recipients: int) -> Mapping[str, str]:
    """References of one that was sent, one that is being sent and one that waits."""
    world.add_audience("residents", recipients)
    given: dict[str, Any] = {"channels": ("website", "facebook", "x", "sms"), "audience": "residents"}
    began = time.monotonic()
    for _ in range(broadcasts):
        sent = world.release(**given).ref
        world.parts.plan.plan(world.broadcast_id(sent))
    world.work_public()
    with world.database.write() as tx:
        now = tx.now()
        tx.execute(
            update(delivery).where(delivery.c.state == "pending").values(state="accepted", settled_at=now)
        )
        tx.execute(update(batch).where(batch.c.state != "done").values(state="done"))
    world.parts.sweep.end_what_is_over()
    sending = world.release(**given).ref
    world.parts.plan.plan(world.broadcast_id(sending))
    say(f"{broadcasts:,} broadcasts to {recipients:,} were made in {time.monotonic() - began:.0f} s")
    return {"sent": sent, "sending": sending, "waiting": world.submit(**given).ref}


@dataclass(frozen=True, kw_only=True)
class Took:
    """The 95th percentile, and the median of what this process computed for it: what is left where a machine is busy."""

    p95_s: float
    computed_s: float

    def __str__(self) -> str:
        return f"{self.p95_s * 1000:.0f} ms, {self.computed_s * 1000:.0f} ms of it computing here"


def say(*lines: str) -> None:
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


def _measured(ada: Visitor, refs: Mapping[str, str], times: int) -> Iterator[tuple[str, Took]]:
    """Each page. The first look, which fills caches, is left out."""
    for name, page in PAGES.items():
        path = page.format(**refs)
        assert ada.ask("GET", path).status == 200, path
        took, computed = [], []
        for _ in range(times):
            began, busy = time.perf_counter(), time.process_time()
            ada.ask("GET", path)
            took.append(time.perf_counter() - began)
            computed.append(time.process_time() - busy)
        yield name, Took(p95_s=statistics.quantiles(took, n=20)[-1], computed_s=statistics.median(computed))


if __name__ == "__main__":
    sys.exit(main())
