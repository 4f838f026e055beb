"""Works off a broadcast through the product's own code, with a gateway that takes everything at once and sends nothing:
what the database alone allows. Reads the installation's settings from the environment. Prints how many it did, and in how many seconds."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from broadcaster.bootstrap import build
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import SendError
from broadcaster.domain.message import Mode
from broadcaster.domain.post import Post
from broadcaster.queue import NoBells
from broadcaster.settings import Settings
from channels.accounts import load_accounts
from channels.base import Parcel, Receipt, Sending
from channels.sms import Sms

TAKEN = Receipt(platform_id="")


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
    parts = build(settings, modes=(Mode.LIVE,), channels=channels, bells=NoBells())
    began = time.monotonic()
    done = parts.deliver.work(Mode.LIVE, Lane.BULK, for_s=600)
    print(done, time.monotonic() - began)  # noqa: T201
    parts.database.close()


if __name__ == "__main__":
    main()
