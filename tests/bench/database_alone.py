"""Plans a broadcast, or works it off, through the product's own code and with a gateway that takes everything at once and sends
nothing: what the database alone allows. Reads the installation's settings from the environment.

Prints `ready`, waits for a line, and prints how many it did and in how many seconds.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from broadcaster.bootstrap import Parts, build
from broadcaster.db import broadcasts
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import SendError
from broadcaster.domain.message import Mode
from broadcaster.domain.post import Post
from broadcaster.queue import NoBells
from broadcaster.settings import Settings
from channels.accounts import load_accounts
from channels.base import Parcel, Receipt, Sending
from channels.sms import Sms
from tests.bench.peers import WITHIN_S

TAKEN = Receipt(platform_id="")
LOOK_EVERY_S = 0.02


class TakesAll:
    def __init__(self) -> None:
        self._taken: list[tuple[str, Receipt | SendError]] = []

    def put(self, parcels: Sequence[Parcel]) -> None:
        self._taken += [(parcel.key, TAKEN) for parcel in parcels]

    def take(self, within_s: float) -> list[tuple[str, Receipt | SendError]]:
        taken, self._taken = self._taken, []
        return taken


class NoGateway(Sms):
    @contextmanager
    def sending(self, post: Post) -> Iterator[Sending]:
        yield TakesAll()


def main() -> None:
    settings = Settings.load()
    accounts = load_accounts(settings.credentials, Mode.LIVE, settings.hosts)
    channels = {Mode.LIVE: {a.name: NoGateway(a) for a in accounts.values() if a.channel == "sms"}}
    parts = build(settings, mode=Mode.LIVE, channels=channels, bells=NoBells())
    do = {"plan": plan, "send": send}[sys.argv[1]]
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    began = time.monotonic()
    print(do(parts), time.monotonic() - began)  # noqa: T201
    parts.database.close()


def plan(parts: Parts) -> int:
    with parts.database.read() as tx:
        unplanned = broadcasts.unplanned(tx)
    for broadcast_id in unplanned:
        parts.plan.plan(broadcast_id)
    return 0


def send(parts: Parts) -> int:
    """Until everything is planned, and nothing of it is left."""
    done = 0
    while True:
        with parts.database.read() as tx:
            planned = not broadcasts.unplanned(tx)
        took = parts.deliver.work(Mode.LIVE, Lane.BULK, for_s=WITHIN_S)
        done += took
        if planned and not took:
            return done
        if not took:
            time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    main()
