"""How far the live board is behind the database, where a hundred broadcasts and a million deliveries lie in it.

`python -m tests.bench.board`: minutes, on this machine alone, with nothing sent to anybody. A server answers over loopback;
somebody watches the board of a broadcast while its deliveries are settled one by one, and each time it is measured how long
after the commit the new figure had come in over the wire. Exit code 1 where that ever took longer than the bar; the machine
should have nothing else to do.
"""

import json
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests
from sqlalchemy import select

from broadcaster.db.tables import delivery
from broadcaster.web.console.guard import COOKIE
from tests.bench.house import database
from tests.bench.pages import ROLES, arguments, fill, say
from tests.browser.scene import served
from tests.builders import World, a_world
from tests.installation import free_port, wait_for
from tests.integration.visitor import visitor

BAR_S = 1.0
TEXTS = re.compile(r"([\d,]+) of [\d,]+ texts accepted")


def main() -> int:
    given = arguments(__doc__, times=100)
    missed = False
    for kind in given.database:
        with (
            tempfile.TemporaryDirectory() as folder,
            database(kind, Path(folder)) as url,
            a_world(url, Path(folder), web_port=free_port()) as world,
        ):
            refs = fill(world, given.broadcasts, given.recipients)
            behind = sorted(_measured(world, refs, given.times))
        p95, worst = statistics.quantiles(behind, n=20, method="inclusive")[-1], behind[-1]
        say(f"{kind}: p95 {p95:.2f} s, worst {worst:.2f} s of {len(behind)}")
        missed = missed or worst > BAR_S
    return 1 if missed else 0


def _measured(world: World, refs: Mapping[str, str], times: int) -> Iterator[float]:
    """Seconds from a commit to the moment at which whoever watches has the new figure."""
    ada, ref = visitor(world, "ada", *ROLES), refs["sending"]
    with served(world.parts):
        seen: dict[int, float] = {}
        live = f"http://127.0.0.1:{world.parts.settings.web_port}/messages/{ref}/live"
        stream = requests.get(live, cookies={COOKIE: ada.cookie}, stream=True, timeout=30)
        watching = threading.Thread(target=_watch, args=(stream, seen, times))
        watching.start()
        wait_for(lambda: seen)
        for settled, delivery_id in enumerate(_open(world, ref, times), 1):
            time.sleep(random.uniform(0.0, 1.0))  # anywhere between two looks
            world.change(delivery, {"state": "accepted", "settled_at": world.now()}, id=delivery_id)
            committed = time.monotonic()
            wait_for(lambda wanted=settled: wanted in seen)
            yield seen[settled] - committed
        watching.join()
        stream.close()


def _watch(stream: requests.Response, seen: dict[int, float], last: int) -> None:
    """When each number of accepted texts came in, up to the last."""
    lines = stream.iter_lines()
    while last not in seen:
        line = next(lines)
        if line.startswith(b'data: {"html"'):
            told = TEXTS.search(json.loads(line[6:])["summary"])
            seen.setdefault(int(told[1].replace(",", "")) if told else 0, time.monotonic())


def _open(world: World, ref: str, times: int) -> list[int]:
    rows = select(delivery.c.id).where(
        delivery.c.broadcast_id == world.broadcast_id(ref), delivery.c.state == "pending"
    )
    with world.database.read() as tx:
        return list(tx.execute(rows.order_by(delivery.c.id.desc()).limit(times)).scalars())


if __name__ == "__main__":
    sys.exit(main())
