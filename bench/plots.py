"""A plot of what bench/fanout.py has measured, as SVG by hand: two logarithmic axes and a line for each server."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 840, 420, 80, 60, 50, 270
COLOURS = {
    "plenary": "#d6336c",
    "strawberry": "#868e96",
    "websockets_broadcast": "#1c7ed6",
    "bare_transport": "#2b8a3e",
}
NAMES = {"strawberry": "plain Strawberry", "websockets_broadcast": "websockets.broadcast()", "plenary": "Plenary"}
STYLE = "font-family: system-ui, sans-serif; font-size: 13px; fill: #343a40"


def deliveries(sizes: Sequence[dict[str, Any]]) -> str:
    """Deliveries a second over subscribers, of each server."""
    counts = [sized["subscribers"] for sized in sizes]
    lines = {name: [sized["servers"][name]["deliveries_per_s"] for sized in sizes] for name in COLOURS}
    return _drawn(counts, lines)


def _drawn(counts: Sequence[int], lines: dict[str, list[float]]) -> str:
    every = [value for line in lines.values() for value in line]
    across = Axis(min(counts), max(counts), LEFT, WIDTH - RIGHT)
    up = Axis(10 ** math.floor(math.log10(min(every))), 10 ** math.ceil(math.log10(max(every))), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" style="{STYLE}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 26, "Deliveries per second on one core", size=16, weight=600),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, "subscribers", anchor="middle"),
        *_grid(across, up, counts),
        *_lines(across, up, counts, lines),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class Axis:
    """Logarithmic, from one value at one place to another at another."""

    def __init__(self, least: float, most: float, begin: float, end: float) -> None:
        self.least, self.most, self.begin, self.end = least, most, begin, end

    def at(self, value: float) -> float:
        span = math.log(self.most / self.least) or 1.0
        return self.begin + (self.end - self.begin) * math.log(value / self.least) / span

    def powers(self) -> Iterator[int]:
        value = int(self.least)
        while value <= self.most:
            yield value
            value *= 10


def _grid(across: Axis, up: Axis, counts: Sequence[int]) -> Iterator[str]:
    for value in up.powers():
        y = up.at(value)
        yield f'<path d="M{across.begin} {y:.1f}H{across.end}" stroke="#dee2e6"/>'
        yield _text(across.begin - 10, y + 4, f"{value:,}", anchor="end")
    for count in counts:
        yield _text(across.at(count), up.begin + 22, f"{count:,}", anchor="middle")


def _lines(across: Axis, up: Axis, counts: Sequence[int], lines: dict[str, list[float]]) -> Iterator[str]:
    below = -math.inf
    for name, line in sorted(lines.items(), key=lambda one: -one[1][-1]):
        places = [(across.at(count), up.at(value)) for count, value in zip(counts, line, strict=True)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        colour, width = COLOURS[name], 3 if name == "plenary" else 2
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width + 1}" fill="{colour}"/>' for x, y in places)
        below = max(places[-1][1], below + 18)  # names must not lie on each other
        yield _text(
            places[-1][0] + 12,
            below + 4,
            f"{NAMES.get(name, name.replace('_', ' '))} {line[-1]:,.0f}",
            colour=colour,
            weight=600,
        )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#343a40", size: int = 13, weight: int = 400
) -> str:
    form = f'text-anchor="{anchor}" fill="{colour}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {form}>{text}</text>'
