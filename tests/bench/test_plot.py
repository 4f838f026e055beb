"""A picture that anybody can read."""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.bench.figures import Run
from tests.bench.made import MACHINE, run, whole
from tests.bench.page import page, picture
from tests.bench.plot import BOTTOM, HEAD, LEFT, RIGHT, Line, Panel, svg, ticks

SVG = "{http://www.w3.org/2000/svg}"


def drawn(runs):
    return ET.fromstring(picture(runs))


def test_the_picture_shows_every_run_and_tells_it_in_words():
    runs = whole().of(Run)
    root = drawn(runs)
    marks = [each for each in root.iter() if (each.get("class") or "").startswith("dot")]
    legend = 2 * 2
    assert len(marks) == 2 * 3 + 2 * 3 + legend
    desc = root.find(f"{SVG}desc").text
    for text in ("PostgreSQL", "SQLite", "1,000,000 in 76.9 s", "4: 13,000"):
        assert text in desc
        assert text in page(whole(), [], MACHINE)
    words = [each.text for each in root.iter(f"{SVG}text")]
    for word in (
        "recipients",
        "seconds",
        "worker processes",
        "recipients per second",
        "1,000,000",
        "in proportion",
    ):
        assert word in words
    assert re.findall(r"https?://[^\"' ]+", picture(runs)) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text


def test_nothing_of_the_picture_lies_outside():
    _, _, width, height = map(float, drawn(whole().of(Run)).get("viewBox").split())
    for panel in drawn(whole().of(Run)).iter(f"{SVG}g"):
        for each in panel.iter(f"{SVG}circle"):
            assert LEFT <= float(each.get("cx")) <= width / 2 - RIGHT
            assert 0 <= float(each.get("cy")) <= height - HEAD - BOTTOM


def test_ten_times_as_many_stand_one_step_further():
    """On a logarithmic axis; and what grows in proportion is a straight line."""
    points = [(1_000, 0.1), (10_000, 1), (100_000, 10)]
    panel = Panel(title="t", x="x", y="y", lines=[Line(name="one", points=points)])
    circles = list(ET.fromstring(svg(title="t", desc="d", panels=[panel])).iter(f"{SVG}circle"))[:3]
    for axis in ("cx", "cy"):
        first, second, third = (float(circle.get(axis)) for circle in circles)
        assert second - first == pytest.approx(third - second, abs=0.2)
        assert abs(second - first) > 50


def test_names_are_written_so_that_the_picture_stays_whole():
    panel = Panel(title="a < b", x="x & y", y="y", lines=[Line(name="<one>", points=[(1, 1), (2, 3)])])
    root = ET.fromstring(svg(title="a < b", desc="c & d", panels=[panel]))
    assert root.find(f"{SVG}title").text == "a < b"


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (0.3, 76, [0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]),
        (1, 10, [1, 2, 5, 10]),
        (5, 5, [5, 10]),
        (9_000, 14_000, [5_000, 10_000, 20_000]),
        (12_000, 12_001, [10_000, 20_000]),
    ],
)
def test_ticks_begin_below_and_end_above(least, most, expected):
    assert ticks(least, most) == pytest.approx(expected)


@pytest.mark.parametrize("runs", [[], [run()], [run(workers=4)]])
def test_growth_that_broke_off_is_drawn_as_far_as_it_came(runs):
    assert drawn(runs).find(f"{SVG}title") is not None


def test_one_run_alone_can_be_drawn_too():
    assert len(list(drawn([run(), run(workers=4)]).iter(f"{SVG}circle"))) == 1 + 2 + 2
