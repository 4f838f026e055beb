"""`make bench`: how fast the product is beside what it is made of, all in one run. Exits 1 where a bar is missed.

Rates depend on the machine, and are told; what is judged is a ratio to the same client and the same database work alone.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.rows import Cell, cell, client_alone

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SHARE = 0.6  # of the smaller of the two alone
MEMORY_MB = 300
LATENCIES_S = (0, 0.005, 0.05, 0.2)


@dataclass(frozen=True, kw_only=True)
class Bar:
    name: str
    holds: bool
    figure: str


def main() -> int:
    given = _arguments()
    size = given.recipients
    clients = {
        name: client_alone(0.005, recipients=size, workers=1, in_flight=50, client=name)
        for name in ("product", "aiohttp")
    }
    cells = [_told(measure()) for measure in _cells(given, size)]
    bars = list(_bars(cells))
    page = "\n".join(_page(clients, cells, bars))
    if given.write:
        PAGE.write_text(page)
    _say(page)
    return 0 if all(bar.holds for bar in bars) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--recipients", type=int, default=100_000, help="of each measurement")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--in-flight", type=int, default=500, help="deliveries under way in one process")
    parser.add_argument(
        "--database", nargs="+", choices=["postgres", "sqlite"], default=["postgres", "sqlite"]
    )
    parser.add_argument(
        "--latency", nargs="+", type=float, default=LATENCIES_S, help="of the gateway, in seconds"
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


def _cells(given: argparse.Namespace, size: int) -> Iterator[Callable[[], Cell]]:
    for kind in given.database:
        for many in (False, True):
            for latency_s in given.latency if not many else (0.005,):
                yield lambda kind=kind, latency_s=latency_s, many=many: cell(
                    kind,
                    latency_s=latency_s,
                    recipients=size,
                    workers=given.workers,
                    in_flight=given.in_flight,
                    many=many,
                )


def _bars(cells: Sequence[Cell]) -> Iterator[Bar]:
    for each in cells:
        what = f"{each.database}, {each.gateway}, {each.latency_s * 1000:.0f} ms"
        yield Bar(
            name=f"{what}: at least {SHARE:.0%} of the smaller alone",
            holds=each.ratio >= SHARE,
            figure=f"{each.ratio:.0%}",
        )
    most = max(each.sent.memory_mb for each in cells)
    yield Bar(name=f"at most {MEMORY_MB} MB in any process", holds=most <= MEMORY_MB, figure=f"{most} MB")


def _page(clients: dict[str, float], cells: Sequence[Cell], bars: Sequence[Bar]) -> Iterator[str]:
    yield "# Benchmarks\n"
    yield (
        f"Measured by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores that the gateway, the database and the "
        f"product share, {platform.system()}, Python {platform.python_version()}. Rates are those of this machine; what is judged "
        "is each ratio, since its parts were measured in the same run.\n"
    )
    yield "## The client\n"
    yield "One process, one core, 50 requests under way, 5 ms: requests per second.\n"
    yield "| client | rate |\n|---|---|"
    yield from (f"| {name} | {rate:,.0f} |" for name, rate in clients.items())
    yield "\n## A broadcast of texts\n"
    yield (
        "Everything recorded, audited and sealed, on a database whose commits survive a crash. `client` and `records` are the two "
        "that the product is made of, each alone: its client at the same gateway, and its database work with a gateway that takes "
        "everything at once. Recipients per second, from approving to the last outcome, planning included.\n"
    )
    yield "| database | gateway | latency | recipients | workers | under way each | client | records | product | of the smaller | approve | memory |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    yield from (_line(each) for each in cells)
    yield "\n## Bars\n"
    yield "| bar | figure | |\n|---|---|---|"
    yield from (f"| {bar.name} | {bar.figure} | {'holds' if bar.holds else '**missed**'} |" for bar in bars)
    yield ""


def _line(each: Cell) -> str:
    sent = each.sent
    return (
        f"| {each.database} | {each.gateway} | {each.latency_s * 1000:.0f} ms | {each.recipients:,} | {each.workers} | "
        f"{each.in_flight} | {each.client:,.0f} | {each.records:,.0f} | {sent.rate:,.0f} | {each.ratio:.0%} | "
        f"{sent.approved_s:.2f} s | {sent.memory_mb} MB |"
    )


def _told(each: Cell) -> Cell:
    _say(_line(each))
    return each


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
