"""What has to hold: the rows of our design's table of speeds. One that is missed makes `make bench` end with 1."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.figures import (
    DATABASES,
    MANY,
    ONE,
    USUAL_S,
    Cell,
    Found,
    Posts,
    Run,
    Sealed,
    Verified,
    biggest_and_its_tenth,
    quantile,
)

SHARE = 0.6  # of the smaller of the two alone
RATES = {ONE: 12_000, MANY: 40_000}  # recipients a second
STUB_TIMES = 3  # as fast as the bar, alone: or the bar would be one for the stub
MEMORY_MB = 300
GROWTH = 12.0  # times as long for ten times as many
RELEASE_S = 2.0
FIRST_S, LAST_S = 1.0, 2.0
SEALED_RATE = 5_000
VERIFIED_S, VERIFIED_EVENTS = 20.0, 1_000_000


@dataclass(frozen=True, kw_only=True)
class Bar:
    name: str
    holds: bool
    figure: str


def bars(found: Found) -> list[Bar]:
    return [
        *_texts(found.of(Cell)),
        *_growth(found.of(Run)),
        *_posts(found.of(Posts)),
        *_audit(found.of(Sealed), found.of(Verified)),
        *_memory(found),
        *(Bar(name="measured to its end", holds=False, figure=what) for what in found.broken),
    ]


def _texts(cells: list[Cell]) -> Iterator[Bar]:
    for each in cells:
        if each.latency_s == USUAL_S:
            least = RATES[each.gateway]
            yield Bar(
                name=f"{_what(each)}: at least {least:,} recipients/s",
                holds=each.sent.rate >= least,
                figure=f"{each.sent.rate:,.0f}",
            )
    for each in cells:
        yield Bar(
            name=f"{_what(each)}: at least {SHARE:.0%} of the smaller alone",
            holds=each.ratio >= SHARE,
            figure=f"{each.ratio:.0%}",
        )


def _growth(runs: list[Run]) -> Iterator[Bar]:
    for kind in dict.fromkeys(run.database for run in runs):
        pair = biggest_and_its_tenth([run for run in runs if run.database == kind])
        if pair is None:
            continue
        biggest, tenth = pair
        what, times = f"{DATABASES[kind]}, {biggest.sent.recipients:,} recipients", _times(biggest, tenth)
        yield Bar(
            name=f"{what}: sent within {GROWTH:.0f} times what {tenth.sent.recipients:,} take",
            holds=times <= GROWTH,
            figure=f"{times:.1f} times",
        )
        yield Bar(
            name=f"{what}: approving answers within {RELEASE_S:.0f} s",
            holds=biggest.sent.approved_s <= RELEASE_S,
            figure=f"{biggest.sent.approved_s:.2f} s",
        )


def _times(biggest: Run, tenth: Run) -> float:
    return biggest.sent.sent_s / tenth.sent.sent_s


def _posts(rows: list[Posts]) -> Iterator[Bar]:
    for each in rows:
        what = f"{DATABASES[each.database]}, public posts {beside(each)}"
        for which, seconds, most in (
            ("the first", each.first_s, FIRST_S),
            ("all three", each.last_s, LAST_S),
        ):
            p95 = quantile(seconds, 0.95)
            yield Bar(
                name=f"{what}: {which} accepted within {most:.0f} s (p95)",
                holds=p95 <= most,
                figure=f"{p95:.2f} s",
            )


def beside(each: Posts) -> str:
    return f"beside {each.beside:,} texts" if each.beside else "alone"


def _audit(sealed: list[Sealed], verified: list[Verified]) -> Iterator[Bar]:
    for each in sealed:
        yield Bar(
            name=f"{DATABASES[each.database]}: at least {SEALED_RATE:,} events/s sealed",
            holds=each.rate >= SEALED_RATE,
            figure=f"{each.rate:,.0f}",
        )
    for check in verified:
        most = VERIFIED_S * check.events / VERIFIED_EVENTS
        yield Bar(
            name=f"an export of {check.events:,} events checked within {most:.3g} s",
            holds=check.seconds <= most,
            figure=f"{check.seconds:.1f} s",
        )


def _memory(found: Found) -> Iterator[Bar]:
    """Of any process at any size: workers, web, sealer; and of export and check."""
    peaks = [each.sent.memory_mb for kind in (Cell, Run) for each in found.of(kind)]
    peaks += [each.memory_mb for each in found.of(Sealed)]
    peaks += [most for each in found.of(Verified) for most in (each.export_mb, each.memory_mb)]
    if peaks:
        yield Bar(
            name=f"at most {MEMORY_MB} MB in any process",
            holds=max(peaks) <= MEMORY_MB,
            figure=f"{max(peaks)} MB",
        )


def _what(each: Cell) -> str:
    return f"{DATABASES[each.database]}, {each.gateway}, {each.latency_s * 1000:.0f} ms"
