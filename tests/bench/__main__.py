"""`make bench`: how fast the product is beside what it is made of, all in one run. Exits 1 where a bar is missed.

Rates depend on the machine; with them the page says what the same client, the same database work and the stub gateway do
alone. At full size about an hour on two cores with nothing else to do; --recipients makes everything smaller for a try.
"""

import argparse
import logging
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import structlog

from tests.bench import audit, first_post, growth, texts
from tests.bench.bars import bars
from tests.bench.figures import Asked, Found, Run
from tests.bench.lines import line
from tests.bench.page import PICTURE, Machine, page, picture

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "benchmarks.md"
LATENCIES_S = (0, 0.005, 0.05, 0.2)
Section = Callable[[Asked], Iterator[object]]
SECTIONS: Mapping[str, Section] = {
    "texts": texts.measure,
    "growth": growth.measure,
    "first-post": first_post.measure,
    "audit": audit.measure,
}
FULL = 100_000
INTERRUPTED = 130
MOST_SAID = 300
ENDS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    given = _arguments()
    for number in ENDS:
        signal.signal(number, _break_off)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    began = time.monotonic()
    try:
        found = measured({name: SECTIONS[name] for name in given.only}, _asked(given, began))
    except KeyboardInterrupt:
        print("Broken off; nothing was written, and everything that was started has ended.", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    judged = bars(found)
    text = page(found, judged, _machine(time.monotonic() - began))
    _say(text)
    if given.write:
        (DOCS / PAGE).write_text(text)
        (DOCS / PICTURE).write_text(picture(found.of(Run)))
    return 0 if judged and all(bar.holds for bar in judged) else 1


def measured(sections: Mapping[str, Section], asked: Asked) -> Found:
    """What breaks off in one section leaves the others, and what was measured before, as they are."""
    found = Found()
    for name, measure in sections.items():
        try:
            for row in measure(asked):
                found.rows.append(row)
                _say(line(row))
        except Exception as error:  # noqa: BLE001 - an hour's figures must not be lost with one of them
            found.broken.append(" ".join(f"{name}: {type(error).__name__}: {error}".split())[:MOST_SAID])
            asked.tell(f"BROKEN OFF {found.broken[-1]}")
            traceback.print_exc()
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="only these sections"
    )
    parser.add_argument(
        "--recipients", type=int, default=FULL, help="of each measurement; everything else grows with it"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--in-flight", type=int, default=500, help="deliveries under way in one process")
    parser.add_argument(
        "--database", nargs="+", choices=["postgres", "sqlite"], default=["postgres", "sqlite"]
    )
    parser.add_argument(
        "--latency", nargs="+", type=float, default=LATENCIES_S, help="of the gateway, in seconds"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write docs/{PAGE} and docs/{PICTURE}, of a whole run"
    )
    given = parser.parse_args()
    if given.write and set(given.only) != set(SECTIONS):
        parser.error("--write makes the whole page, of one run: leave --only out.")
    if given.recipients < 100:
        parser.error("--recipients is at least 100: a hundredth of it is measured too.")
    return given


def _asked(given: argparse.Namespace, began: float) -> Asked:
    def tell(what: str) -> None:
        passed = int(time.monotonic() - began)
        print(f"[{passed // 60:3}:{passed % 60:02}] {what}", file=sys.stderr, flush=True)  # noqa: T201

    return Asked(
        recipients=given.recipients,
        workers=given.workers,
        in_flight=given.in_flight,
        databases=given.database,
        latencies_s=given.latency,
        tell=tell,
    )


def _machine(took_s: float) -> Machine:
    return Machine(
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        cores=os.cpu_count() or 1,
        system=platform.system(),
        python=platform.python_version(),
        took_s=took_s,
    )


def _break_off(*_signal: object) -> None:
    """All that was started ends first, and a second Ctrl-C does not break that off. It takes some seconds."""
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
