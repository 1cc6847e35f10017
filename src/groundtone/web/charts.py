"""Small charts, drawn as elements: escaped like everything else, and told to screen readers."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from groundtone.web.elements import node

WIDE, HIGH = 640, 220
LEFT, BOTTOM, TOP, RIGHT = 52, 26, 12, 12


def lines(
    title: str,
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    *,
    x_name: str,
    unit: str = "",
    mark: float | None = None,
) -> ui.element:
    """Lines over a common axis.

    Args:
        title: said to screen readers, with the last value of each line.
        series: each a name and its (x, y) points in the order of x.
        unit: before each number of the upright axis.
        mark: an x where an upright line stands.
    """
    points = [point for _, one in series for point in one]
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    top = max((y for _, y in points), default=1.0) * 1.08 or 1.0
    span = (high - low) or 1.0

    def place(x: float, y: float) -> str:
        across = LEFT + (x - low) / span * (WIDE - LEFT - RIGHT)
        return f"{across:.1f},{_up(y, top):.1f}"

    told = ", ".join(f"{name} {unit}{one[-1][1]:.3g}" for name, one in series if one)
    figure = node("figure", classes="chart")
    with figure:
        with _drawing(f"{title}: {told}"):
            _grid(top, unit)
            _write(LEFT, HIGH - 6, f"{low:,.0f}", "start")
            _write(WIDE - RIGHT, HIGH - 6, f"{high:,.0f} {x_name}", "end")
            if mark is not None and low <= mark <= high:
                across = LEFT + (mark - low) / span * (WIDE - LEFT - RIGHT)
                node("line", classes="chart-mark", x1=across, x2=across, y1=TOP, y2=HIGH - BOTTOM)
            for number, (_, one) in enumerate(series):
                path = " ".join(place(x, y) for x, y in one)
                node("polyline", classes=f"chart-line line-{number}", points=path)
                if len(one) == 1:
                    x, y = place(*one[0]).split(",")
                    node("circle", classes=f"chart-dot line-{number}", cx=x, cy=y, r=3)
        with node("figcaption", classes="legend"):
            for number, (name, one) in enumerate(series):
                with node("span"):
                    node("span", classes=f"swatch line-{number}", aria_hidden="true")
                    last = f" {unit}{one[-1][1]:.3g}" if one else ""
                    node("span", f"{name}{last}")
    return figure


def bars(title: str, values: Sequence[tuple[str, float]], *, unit: str = "") -> ui.element:
    """Upright bars, each with a name below the first and the last."""
    top = max((value for _, value in values), default=1.0) * 1.08 or 1.0
    wide = (WIDE - LEFT - RIGHT) / max(len(values), 1)
    total = sum(value for _, value in values)
    figure = node("figure", classes="chart")
    with figure, _drawing(f"{title}: {unit}{total:,.4g} in all"):
        _grid(top, unit)
        for number, (name, value) in enumerate(values):
            up = _up(value, top)
            bar = node(
                "rect",
                classes="chart-bar",
                x=f"{LEFT + number * wide + wide * 0.15:.1f}",
                y=f"{up:.1f}",
                width=f"{wide * 0.7:.1f}",
                height=f"{max(HIGH - BOTTOM - up, 0):.1f}",
                rx=2,
            )
            with bar:
                node("title", f"{name}: {unit}{value:,.4g}")
        if values:
            _write(LEFT, HIGH - 6, values[0][0], "start")
            _write(WIDE - RIGHT, HIGH - 6, values[-1][0], "end")
    return figure


def _drawing(told: str) -> ui.element:
    return node("svg", viewBox=f"0 0 {WIDE} {HIGH}", role="img", aria_label=told)


def _up(value: float, top: float) -> float:
    return TOP + (1 - value / top) * (HIGH - TOP - BOTTOM)


def _grid(top: float, unit: str) -> None:
    for share in (0.0, 0.5, 1.0):
        value = top / 1.08 * share
        up = _up(value, top)
        node("line", classes="chart-grid", x1=LEFT, x2=WIDE - RIGHT, y1=up, y2=up)
        _write(LEFT - 8, up + 4, f"{unit}{value:,.3g}", "end")


def _write(x: float, y: float, text: str, anchor: str) -> None:
    node("text", text, "chart-text", x=x, y=y, text_anchor=anchor)
