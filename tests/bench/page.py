"""docs/benchmarks.md, whole, and the picture in it: made of figures alone, so that the same run says the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench import bars as held
from tests.bench.bars import Bar
from tests.bench.figures import (
    DATABASES,
    Alone,
    Cell,
    Found,
    Posts,
    Run,
    Sealed,
    Verified,
    biggest_and_its_tenth,
)
from tests.bench.lines import cells, line, table, who
from tests.bench.plot import Line, Panel, svg

PICTURE = "benchmarks.svg"
TITLE = "How sending grows"
BY_SIZE = 2  # workers of the table by size


@dataclass(frozen=True, kw_only=True)
class Machine:
    day: str
    cores: int
    system: str
    python: str
    took_s: float


def page(found: Found, bars: Sequence[Bar], machine: Machine) -> str:
    sections = [_head(bars, machine), _bars(bars), _how(found)]
    for kind, section in ((Cell, _texts), (Run, _growth), (Posts, _posts), (Sealed, _audit)):
        if found.of(kind):
            sections.append(section(found))
    return "\n".join(line for section in sections for line in section)


def picture(runs: Sequence[Run]) -> str:
    by_size = [run for run in runs if run.workers == BY_SIZE]
    panels = [
        _panel(
            by_size,
            title="Seconds until the last recipient",
            x="recipients",
            y="seconds",
            of=lambda run: (run.sent.recipients, run.sent.sent_s),
        ),
        _panel(
            _by_workers(runs),
            title="Recipients per second by workers",
            x="worker processes",
            y="recipients per second",
            of=lambda run: (run.workers, run.sent.rate),
        ),
    ]
    return svg(title=TITLE, desc=told(runs), panels=[panel for panel in panels if panel.lines])


def told(runs: Sequence[Run]) -> str:
    """The picture in words."""
    parts = []
    for kind, mine in _by_database(runs).items():
        sizes = sorted((run for run in mine if run.workers == BY_SIZE), key=lambda run: run.sent.recipients)
        seconds = ", ".join(f"{run.sent.recipients:,} in {run.sent.sent_s:.1f} s" for run in sizes)
        rates = ", ".join(f"{run.workers}: {run.sent.rate:,.0f}" for run in _by_workers(mine))
        parts.append(
            f"{DATABASES[kind]}, {BY_SIZE} workers: {seconds}. Recipients per second by number of workers: {rates}."
        )
    return " ".join(parts)


# --- sections -----------------------------------------------------------------------------------------------


def _head(bars: Sequence[Bar], machine: Machine) -> Iterator[str]:
    missed = sum(not bar.holds for bar in bars)
    yield "# Benchmarks\n"
    yield (
        "How fast messages go out, how that changes with the number of recipients, and what it takes in memory. Measured "
        f"by `make bench` on {machine.day}, in {machine.took_s / 60:.0f} min: {machine.cores} cores that the product, its "
        f"database and the stand-in gateway share, {machine.system}, Python {machine.python}. This page is what it wrote.\n"
    )
    yield (
        f"{len(bars) - missed} of {len(bars)} bars hold."
        if missed
        else f"All {len(bars)} bars hold."
        if bars
        else "No bar applies to what was measured."
    )
    yield (
        "\nNo text left the machine: a stub gateway on the same machine answers in place of a provider's. **In life your provider "
        "is the limit**: ask what it takes from you per second, and divide your number of recipients by that.\n"
    )


def _bars(bars: Sequence[Bar]) -> Iterator[str]:
    yield "## Bars\n"
    yield "What has to hold. `make bench` ends with exit code 1 where one is missed.\n"
    yield from table("bar", "measured", "")
    yield from (cells(bar.name, bar.figure, "holds" if bar.holds else "**missed**") for bar in bars)
    yield ""


def _how(found: Found) -> Iterator[str]:
    yield "## How it is measured\n"
    yield (
        "- Each row is an installation of its own, on an empty database: workers, broker, pump, sweeper, sealer and web as "
        "`broadcaster up` starts them. PostgreSQL and SQLite write so that a commit survives a crash of the machine.\n"
        "- A broadcast is timed from the call of the approval to the last recorded outcome. Planning, the record of every attempt "
        "and the events of the log are in it. The stub counts who was sent to: a run that lost or doubled one recipient is no row.\n"
        "- Recipients per second depend on the machine. What can be compared between machines are the shares: the product beside "
        "its own client and its own database work, each alone, measured in the same run.\n"
        "- p95: 95 of 100 were as fast or faster. Memory: the largest peak of any process of the installation.\n"
    )
    if alone := found.of(Alone):
        yield (
            "The parts alone, one process each. The stub must be a good deal faster than the bars "
            f"({held.STUB_TIMES} times), or they would judge the stub.\n"
        )
        yield from table("alone", "gateway", "recipients/s", "beside the bar")
        for each in alone:
            times = f"{each.rate / held.RATES[each.gateway]:.1f} times" if each.who == "stub" else ""
            yield cells(who(each), each.gateway, f"{each.rate:,.0f}", times)
        yield "\n`product` and `aiohttp` are clients with 50 requests under way at 5 ms: ours, and the one it was chosen over.\n"


def _texts(found: Found) -> Iterator[str]:
    yield "## A broadcast of texts\n"
    yield (
        "`client` is the product's client at the same gateway and does nothing else; `records` is the product's database work, planning and all, with "
        "a gateway that takes everything at once. The product cannot be faster than the smaller of the two; `share` is how near it "
        "comes. `under way` is how many texts a worker has at the gateway at once (`BROADCASTER_MAX_IN_FLIGHT`): with a slow "
        "gateway that is the limit, workers x under way / latency. Recipients per second.\n"
    )
    yield from table(
        "database", "gateway", "latency", "recipients", "workers", "under way", "client", "records", "product",
        "share", "approve", "memory",
    )  # fmt: skip
    yield from (line(each) for each in found.of(Cell))
    yield ""


def _growth(found: Found) -> Iterator[str]:
    runs = found.of(Run)
    yield "## Growth\n"
    yield (
        "The same message to more and more people, and by more and more workers; one recipient a request, the gateway answers after "
        "5 ms. `approve` is how long the approver waits; `planned` is when every delivery had its row, `sent` when the last had its "
        "outcome, `sealed` when the last event stood in the signed log; all from the call of the approval.\n"
    )
    yield f"![{TITLE}. {told(runs)}]({PICTURE})\n"
    yield from table(
        "database", "recipients", "workers", "approve", "planned", "sent", "recipients/s", "sealed", "memory"
    )
    yield from (line(each) for each in runs)
    yield ""
    for kind, mine in _by_database(runs).items():
        if pair := biggest_and_its_tenth(mine):
            biggest, tenth = pair
            times = biggest.sent.sent_s / tenth.sent.sent_s
            yield (
                f"{DATABASES[kind]}: ten times the recipients took {times:.1f} times as long; the largest process "
                f"had {biggest.sent.memory_mb} MB, and {tenth.sent.memory_mb} MB with a tenth of them.\n"
            )
    yield (
        "More workers help until the cores are used up. With more cores, or the database on a machine of its own, set "
        "`BROADCASTER_BULK_WORKERS` higher (docs: [settings](settings.md)).\n"
    )


def _posts(found: Found) -> Iterator[str]:
    yield "## How soon the public sees it\n"
    yield (
        "Messages to the website, Facebook and X, one after the other; stand-ins for Facebook and X answer over HTTP, 5 ms late. "
        "From the call of the approval to the record that the post was accepted: the first of the three posts, which is mostly the "
        "website's, and the last. Beside texts, each began while a broadcast of texts was going out, and `within` of them "
        "were over before it was. A real Facebook or X takes "
        "its own time on top.\n"
    )
    yield from table(
        "database",
        "",
        "messages",
        "within",
        "first p50",
        "first p95",
        "all three p50",
        "all three p95",
        "slowest",
    )
    yield from (line(each) for each in found.of(Posts))
    yield ""


def _audit(found: Found) -> Iterator[str]:
    yield "## The signed log\n"
    yield (
        "Events that waited in the log, given their places in the signed tree by one sealer with nothing else going on. A broadcast writes one "
        "event for each group of texts, not for each text, so the sealer stays ahead.\n"
    )
    yield from table("database", "events", "seconds", "events/s", "memory")
    yield from (line(each) for each in found.of(Sealed))
    if checks := found.of(Verified):
        yield (
            "\nWhat an auditor waits for: `broadcaster audit export`, and `verify_audit.py` on the file, which needs nothing but Python "
            "and checks every event, every hash and every signed checkpoint.\n"
        )
        yield from table("events", "file", "export", "its memory", "check", "its memory")
        yield from (line(each) for each in checks)
    yield ""


# --- parts --------------------------------------------------------------------------------------------------


def _by_database(runs: Sequence[Run]) -> dict[str, list[Run]]:
    return {
        kind: [run for run in runs if run.database == kind]
        for kind in dict.fromkeys(run.database for run in runs)
    }


def _by_workers(runs: Sequence[Run]) -> list[Run]:
    """Those of one size by different numbers of workers."""
    sizes = {run.sent.recipients for run in runs if run.workers != BY_SIZE}
    return sorted((run for run in runs if run.sent.recipients in sizes), key=lambda run: run.workers)


def _panel(
    runs: Sequence[Run], *, title: str, x: str, y: str, of: Callable[[Run], tuple[float, float]]
) -> Panel:
    """The guide goes through the first line's first point that is not all start-up: its second from the end, or the first."""
    lines = [
        Line(name=DATABASES[kind], points=[of(run) for run in mine])
        for kind, mine in _by_database(runs).items()
    ]
    if not lines:  # what would be in it broke off
        return Panel(title=title, x=x, y=y, lines=[])
    points = lines[0].points
    x0, y0 = points[max(0, len(points) - 2)] if len(points) > 3 else points[0]
    ends = (points[0][0], points[-1][0])
    guide = Line(name="in proportion", points=[(end, y0 * end / x0) for end in ends])
    return Panel(title=title, x=x, y=y, lines=lines, guide=guide if ends[0] < ends[1] else None)
