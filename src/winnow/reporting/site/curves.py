"""The data of the ratio curves: every measure by keep ratio, a line a scorer."""

from collections.abc import Sequence
from typing import Any

from winnow.reporting.results import CONTROLS
from winnow.reporting.site.board import Board, measure, value_of
from winnow.reporting.site.rows import Rows, figure
from winnow.reporting.site.samples import main_first

FLAT = ("none", "pretrained")  # do not depend on a ratio: a level line


def curves(found: Sequence[Board]) -> list[dict[str, Any]]:
    """A chart for each board and caption set in which something was measured at a keep ratio:
    `lines` of [ratio, value, low, high], `levels` of [value, low, high]. What is struck out is left
    out."""
    charts = []
    for board in found:
        for captions in main_first(row["captions"] for row in board.rows):
            own = (row for row in board.rows if row["captions"] == captions)
            rows = [row for row in own if figure(row, "leaks") is None]
            chart = _chart(board, captions, rows)
            if chart["lines"]:
                charts.append(chart)
    return charts


def _chart(board: Board, captions: str, rows: Rows) -> dict[str, Any]:
    lines: dict[str, list[list[float]]] = {}
    levels: dict[str, list[float]] = {}
    for row in rows:
        value, ratio = value_of(row), figure(row, "kept")
        if value is not None and row["scorer"] in FLAT:
            levels[row["scorer"]] = list(value)
        elif value is not None and ratio is not None and ratio < 1:
            lines.setdefault(row["scorer"], []).append([ratio, *value])
    return {
        "label": board.label,
        "axis": measure(board.metric),
        "unit": board.unit,
        "captions": captions,
        "lines": [
            {"scorer": name, "control": name in CONTROLS, "points": sorted(points)}
            for name, points in lines.items()
        ],
        "levels": [{"scorer": n, "value": levels[n]} for n in FLAT if n in levels],
    }
