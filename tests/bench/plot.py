"""Draws curves into an SVG file: two logarithmic axes to a panel, light and dark, and told in words for who cannot see it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 540, 420  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 92, 24, 112, 66  # its margins
HEAD = 56
STEPS = (1, 2, 5)
STYLE = """
  :root { --ink: #17212b; --soft: #55626f; --grid: #d5dde5; --page: #ffffff; --one: #1f5fa8; --two: #b3480c; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e9eef3; --soft: #aab6c2; --grid: #33404d; --page: #12181f; --one: #74b4f7; --two: #f5a15f; }
  }
  .page { fill: var(--page); }
  text { fill: var(--ink); font-size: 15px; }
  .head { font-size: 20px; font-weight: 650; }
  .name { font-size: 16px; font-weight: 650; }
  .tick { fill: var(--soft); font-size: 14px; }
  .mid { text-anchor: middle; } .end { text-anchor: end; }
  .grid { stroke: var(--grid); stroke-width: 1; }
  .axis { stroke: var(--soft); stroke-width: 1.5; fill: none; }
  .line0 { stroke: var(--one); stroke-width: 2.5; fill: none; }
  .line1 { stroke: var(--two); stroke-width: 2.5; fill: none; stroke-dasharray: 9 5; }
  .guide { stroke: var(--soft); stroke-width: 1.5; fill: none; stroke-dasharray: 2 5; }
  .dot0 { fill: var(--one); } .dot1 { fill: var(--two); }
"""

ABOUT = """role="img" aria-labelledby="title desc" font-family="system-ui, -apple-system, 'Segoe UI', Arial, sans-serif\""""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Line:
    name: str
    points: Points


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`x` and `y` name the axes, with their units. `guide` is what the lines would be like in proportion; with it, what it says."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    guide: Line | None = None


def svg(*, title: str, desc: str, panels: Sequence[Panel]) -> str:
    """At most two lines to a panel: told apart by dash and mark, not by colour alone."""
    width, height = WIDTH * len(panels), HEAD + HEIGHT
    drawn = [
        f'<g transform="translate({WIDTH * no} {HEAD})">\n' + "\n".join(_panel(panel)) + "\n</g>"
        for no, panel in enumerate(panels)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {ABOUT}>',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(desc)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}"/>',
            f'<text class="head" x="20" y="36">{escape(title)}</text>',
            *drawn,
            "</svg>\n",
        ]
    )


def ticks(least: float, most: float) -> list[float]:
    """1, 2, 5, 10, 20...: from the last that is not above the least value to the first that is not below the most."""
    found: list[float] = []
    power = math.floor(math.log10(least))
    while not found or found[-1] <= most:
        found += [step * 10.0**power for step in STEPS]
        power += 1
    low = max((value for value in found if value <= least), default=found[0])
    high = min(value for value in found if value >= most)
    if low == high:
        high = found[found.index(low) + 1]
    return [value for value in found if low <= value <= high]


def _panel(panel: Panel) -> Iterator[str]:
    every = [point for line in panel.lines for point in line.points]
    across = sorted({x for x, _ in every})
    up = ticks(min(y for _, y in every), max(y for _, y in every))
    place_x = _place(across[0], across[-1], LEFT + 20, WIDTH - RIGHT - 20)
    place_y = _place(up[0], up[-1], HEIGHT - BOTTOM, TOP)
    yield f'<text class="name" x="20" y="24">{escape(panel.title)}</text>'
    yield from _axes(panel, across, up, place_x, place_y)
    if panel.guide:
        inside = _between(panel.guide.points, up[0], up[-1])
        yield f'<path class="guide" d="{_path(inside, place_x, place_y)}"/>'
    for no, line in enumerate(panel.lines):
        yield f'<path class="line{no}" d="{_path(line.points, place_x, place_y)}"/>'
        yield from (_mark(no, place_x(x), place_y(y)) for x, y in line.points)
    yield from _legend(panel)


def _axes(
    panel: Panel,
    across: Sequence[float],
    up: Sequence[float],
    place_x: Callable[[float], float],
    place_y: Callable[[float], float],
) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in up:
        y = place_y(value)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>'
        yield f'<text class="tick end" x="{LEFT - 8}" y="{y + 5:.1f}">{_shown(value)}</text>'
    for value in across:
        x = place_x(value)
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>'
        yield f'<text class="tick mid" x="{x:.1f}" y="{bottom + 22}">{_shown(value)}</text>'
    yield f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>'
    yield f'<text class="mid" x="{(LEFT + right) / 2:.1f}" y="{HEIGHT - 16}">{escape(panel.x)}</text>'
    middle = (TOP + bottom) / 2
    yield f'<text class="mid" x="22" y="{middle}" transform="rotate(-90 22 {middle})">{escape(panel.y)}</text>'


def _shown(value: float) -> str:
    """Whole numbers whole: 1,000,000 and never 1e+06."""
    return f"{value:,.12g}"


def _legend(panel: Panel) -> Iterator[str]:
    x, named = LEFT, [(f"line{no}", no, line.name) for no, line in enumerate(panel.lines)]
    if panel.guide:
        named.append(("guide", -1, panel.guide.name))
    for style, no, name in named:
        yield f'<path class="{style}" d="M{x} 60h34"/>'
        if no >= 0:
            yield _mark(no, x + 17, 60)
        yield f'<text x="{x + 42}" y="65">{escape(name)}</text>'
        x += 60 + 9 * len(name)


def _mark(no: int, x: float, y: float) -> str:
    if no == 0:
        return f'<circle class="dot0" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    return f'<rect class="dot1" x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9"/>'


def _path(points: Points, place_x: Callable[[float], float], place_y: Callable[[float], float]) -> str:
    return "M" + "L".join(f"{place_x(x):.1f} {place_y(y):.1f}" for x, y in points)


def _between(points: Points, low: float, high: float) -> Points:
    """The part of a straight line, on these axes, that lies between two heights."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    slope = math.log(y1 / y0) / math.log(x1 / x0)
    cut = [min(max(y, low), high) for y in (y0, y1)]
    return [(x0 * (y / y0) ** (1 / slope), y) for y in cut]


def _place(least: float, most: float, start: float, end: float) -> Callable[[float], float]:
    """Where on the page a value stands; on a logarithmic axis. One value alone stands in the middle."""
    if least == most:
        return lambda _value: (start + end) / 2
    scale = (end - start) / math.log(most / least)
    return lambda value: start + scale * math.log(value / least)
