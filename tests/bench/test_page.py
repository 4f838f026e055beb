"""What is made of the figures: bars that can be missed, and a page that says everything."""

import re
from dataclasses import replace

import pytest

from tests.bench.__main__ import measured
from tests.bench.bars import bars
from tests.bench.figures import MANY, Alone, Asked, Found, quantile
from tests.bench.lines import line
from tests.bench.made import MACHINE, cell, posts, run, sealed, sent, verified, whole
from tests.bench.page import page


def missed(*rows):
    return [bar.name for bar in bars(Found(rows=list(rows))) if not bar.holds]


def test_every_bar_holds_where_the_figures_are_good():
    judged = bars(whole())
    assert [bar.name for bar in judged if not bar.holds] == []
    assert len({bar.name for bar in judged}) == len(judged) == 16


@pytest.mark.parametrize(
    ("row", "bar"),
    [
        (cell(sent=sent(sent_s=100_000 / 11_999), records=12_000.0), "at least 12,000 recipients/s"),
        (
            cell(gateway=MANY, sent=sent(sent_s=100_000 / 39_999), records=40_000.0),
            "at least 40,000 recipients/s",
        ),
        (cell(latency_s=0.2, client=100_000.0, records=21_700.0), "at least 60% of the smaller alone"),
        (posts(first_s=[0.2] * 37 + [1.01] * 3), "the first accepted within 1 s"),
        (posts(last_s=[0.2] * 37 + [2.01] * 3), "all three accepted within 2 s"),
        (sealed(seconds=41), "at least 5,000 events/s sealed"),
        (verified(seconds=20.1), "1,000,000 events checked within 20 s"),
        (verified(events=100_000, seconds=2.1), "100,000 events checked within 2 s"),
        (cell(sent=sent(memory_mb=301)), "at most 300 MB"),
        (run(memory_mb=301), "at most 300 MB"),
        (sealed(memory_mb=301), "at most 300 MB"),
        (verified(memory_mb=301), "at most 300 MB"),
        (verified(export_mb=301), "at most 300 MB"),
    ],
)
def test_a_figure_beyond_its_bar_misses_that_bar_alone(row, bar):
    [name] = missed(row)
    assert bar in name


@pytest.mark.parametrize(
    ("changes", "bar"),
    [
        ({"sent_s": 120.1}, "within 12 times what 100,000 take"),
        ({"approved_s": 2.1}, "approving answers within 2 s"),
    ],
)
def test_a_release_that_grows_too_slow_misses(changes, bar):
    tenth = run(sent_s=10.0)
    assert missed(tenth, run(1_000_000, sent_s=119.9)) == []
    [name] = missed(tenth, run(1_000_000, **{"sent_s": 100.0, **changes}))
    assert bar in name


def test_the_absolute_bars_are_for_the_usual_latency():
    slow = cell(latency_s=0.2, sent=sent(sent_s=25.0), client=4_500.0)
    assert missed(slow) == []


def test_what_breaks_off_is_missed_and_keeps_what_was_measured_before():
    def section(_asked):
        yield sealed()
        raise TimeoutError("nobody\nsealed")

    told = []
    asked = Asked(recipients=1, workers=1, in_flight=1, databases=(), latencies_s=(), tell=told.append)
    found = measured({"audit": section, "growth": lambda _asked: iter([run()])}, asked)
    assert found.rows == [sealed(), run()]
    assert [bar.figure for bar in bars(found) if not bar.holds] == ["audit: TimeoutError: nobody sealed"]
    assert told == ["BROKEN OFF audit: TimeoutError: nobody sealed"]


def test_nothing_measured_is_no_bar():
    assert bars(Found()) == []
    assert "No bar applies" in page(Found(), [], MACHINE)


def test_quantiles_are_values_that_were_measured():
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile(range(1, 41), 0.95) == 38
    assert quantile([7], 0.95) == 7


def test_the_page_says_every_row_and_every_bar():
    found = whole()
    judged = [replace(bar, holds=no > 0) for no, bar in enumerate(bars(found))]
    text = page(found, judged, MACHINE)
    for row in found.rows:
        assert line(row) in text or isinstance(row, Alone), row
    assert "| stub, no latency | one recipient a request | 50,000 | 4.2 times |" in text
    for bar in judged:
        assert f"| {bar.name} | {bar.figure} | {'holds' if bar.holds else '**missed**'} |" in text
    assert "15 of 16 bars hold." in text
    assert "2026-11-30, in 55 min: 2 cores" in text


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            cell(),
            "| PostgreSQL | one recipient a request | 5 ms | 100,000 | 2 | 500 | 20,000 | 16,000 | 13,000 | 81% | 0.30 s | 180 MB |",
        ),
        (run(), "| PostgreSQL | 100,000 | 2 | 0.30 s | 2.0 s | 7.7 s | 13,000 | 9.0 s | 180 MB |"),
        (
            posts(first_s=[0.1] * 20 + [0.2] * 20, last_s=[0.5] * 39 + [0.9]),
            "| SQLite | beside 100,000 texts | 40 | 39 | 0.10 s | 0.20 s | 0.50 s | 0.50 s | 0.90 s |",
        ),
        (sealed(), "| PostgreSQL | 200,000 | 20.0 | 10,000 | 110 MB |"),
        (verified(), "| 1,000,000 | 310 MB | 25.0 s | 120 MB | 12.0 s | 30 MB |"),
    ],
)
def test_a_row_says_all_of_its_figures(row, expected):
    assert line(row) == expected


def test_every_table_of_the_page_is_even():
    widths = {}
    for block in page(whole(), bars(whole()), MACHINE).split("\n\n"):
        rows = [row.count("|") for row in block.splitlines() if row.startswith("|")]
        assert len(set(rows)) <= 1, block
        widths[block] = rows
    assert sum(bool(rows) for rows in widths.values()) == 7


def test_a_section_that_was_not_measured_is_not_on_the_page():
    text = page(Found(rows=[sealed()]), bars(Found(rows=[sealed()])), MACHINE)
    assert re.findall("^## (.+)$", text, re.MULTILINE) == ["Bars", "How it is measured", "The signed log"]
