"""What forked processes do beside those that die or stop: the rest of an installation, and the same work twice at once."""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from broadcaster.bootstrap import Parts, build
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.queue import NoBells
from broadcaster.settings import Settings
from broadcaster.web.__main__ import main as web_main
from broadcaster.web.app import create_app as _ready  # noqa: F401 - what the web process imports, once for all
from channels.sandbox import __main__ as sandbox

Order = Mapping[str, Any]
SECOND_EVERY_S = 0.25
OFTEN_S = 0.05


def carry_on(order: Order) -> None:
    """What goes on while another worker stands still: a sweeper, a reader and a worker of both lanes."""
    parts = _built(order)
    while True:
        parts.sweep.sweep()
        parts.read_back.look(Mode.LIVE)
        for lane in Lane:
            parts.deliver.work(Mode.LIVE, lane, for_s=2)
        time.sleep(SECOND_EVERY_S)


def sweep_on(order: Order) -> None:
    """A sweeper that takes itself for the leader, whoever else does."""
    parts = _built(order)
    while True:
        parts.sweep.sweep()
        time.sleep(OFTEN_S)


def seal_on(order: Order) -> None:
    """A sealer that hardly pauses."""
    parts = _built(order)
    while True:
        parts.seal.seal()
        parts.anchor.lay_down()
        time.sleep(OFTEN_S)


def plan_at(order: Order) -> None:
    """Plans a broadcast at the same moment as others who were told the same."""
    parts = _built(order)
    time.sleep(max(0.0, order["at"] - time.time()))
    parts.plan.plan(order["broadcast_id"])


def web(order: Order) -> None:
    """The product's own web process: it takes the receipts."""
    os.environ.update(order["settings"])
    web_main()


def stand_in(order: Order) -> None:
    """The sandbox of platforms, on a free port that it writes into its folder."""
    sys.argv = ["sandbox", "--port", "0", "--data", order["folder"]]
    sandbox.main()


def _built(order: Order) -> Parts:
    return build(Settings.load(order["settings"]), mode=Mode.LIVE, bells=NoBells())
