"""One row of the page for each figure, and its heads."""

from tests.bench.bars import beside
from tests.bench.figures import DATABASES, Alone, Cell, Posts, Run, Sealed, Verified, quantile


def line(row: object) -> str:
    """One row as it is told while the others are still measured."""
    lines = {
        Cell: text_line,
        Run: run_line,
        Posts: posts_line,
        Sealed: sealed_line,
        Verified: verified_line,
        Alone: alone_line,
    }
    return lines[type(row)](row)


def text_line(each: Cell) -> str:
    sent = each.sent
    return cells(
        DATABASES[each.database],
        each.gateway,
        f"{each.latency_s * 1000:.0f} ms",
        f"{each.recipients:,}",
        each.workers,
        each.in_flight,
        f"{each.client:,.0f}",
        f"{each.records:,.0f}",
        f"{sent.rate:,.0f}",
        f"{each.ratio:.0%}",
        f"{sent.approved_s:.2f} s",
        f"{sent.memory_mb} MB",
    )


def run_line(each: Run) -> str:
    sent = each.sent
    return cells(
        DATABASES[each.database],
        f"{sent.recipients:,}",
        each.workers,
        f"{sent.approved_s:.2f} s",
        f"{sent.planned_s:.1f} s",
        f"{sent.sent_s:.1f} s",
        f"{sent.rate:,.0f}",
        f"{sent.sealed_s:.1f} s",
        f"{sent.memory_mb} MB",
    )


def posts_line(each: Posts) -> str:
    figures = [quantile(seconds, share) for seconds in (each.first_s, each.last_s) for share in (0.5, 0.95)]
    shown = (f"{value:.2f} s" for value in (*figures, max(each.last_s)))
    return cells(
        DATABASES[each.database], beside(each), len(each.first_s), each.within if each.beside else "", *shown
    )


def sealed_line(each: Sealed) -> str:
    return cells(
        DATABASES[each.database],
        f"{each.events:,}",
        f"{each.seconds:.1f}",
        f"{each.rate:,.0f}",
        f"{each.memory_mb} MB",
    )


def verified_line(each: Verified) -> str:
    return cells(
        f"{each.events:,}",
        f"{each.file_mb:,} MB",
        f"{each.export_s:.1f} s",
        f"{each.export_mb} MB",
        f"{each.seconds:.1f} s",
        f"{each.memory_mb} MB",
    )


def alone_line(each: Alone) -> str:
    return cells(who(each), each.gateway, f"{each.rate:,.0f}")


def who(each: Alone) -> str:
    return "stub, no latency" if each.who == "stub" else f"client: {each.who}"


def table(*heads: str) -> tuple[str, str]:
    return cells(*heads), "|" + "---|" * len(heads)


def cells(*values: object) -> str:
    return f"| {' | '.join(str(value) for value in values)} |"
