"""Candles drawn with characters; needs the extra ``plot``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import plotext

from cryptotrader.ingestion.iceberg.plot import Drawing

_RISE, _FALL, _LINE = "green", "red", "blue"
_LINES_A_PRICE = 3
_COLUMNS_A_TIME = 18
_WIDEST_DISTANCE = 12  # between candles
_FINEST = 1e-12  # of a number, that a float still tells apart with certainty


def picture(drawing: Drawing, width: int, height: int, *, has_color: bool) -> str:
    """Price above volume, ``width`` characters wide and ``height`` lines high."""
    volume_height = height * 3 // 8
    prices = _ticks(min(drawing.lows), max(drawing.highs), (height - volume_height) // _LINES_A_PRICE)
    volumes = _ticks(0.0, max(drawing.volumes), 3)
    margin = max(map(len, (*_labels(prices), *_labels(volumes))))
    places = _places(drawing, width - margin - 2)
    plotext.terminal.limit(width=False, height=False)  # the caller knows how much room there is
    figure = plotext.figure.clear().plot_size(width, height)
    figure.subplots(2, 1)
    above, below = figure.subplot(1, 1), figure.subplot(2, 1)
    for panel, lines, ticks in ((above, height - volume_height, prices), (below, volume_height, volumes)):
        panel.plot_size(width, lines).theme("colorless")
        panel.ruler("y").ticks(ticks, [label.rjust(margin) for label in _labels(ticks)])
        panel.ruler("x").lim(0, width - margin - 3)
    above.title(drawing.title)
    below.title("volume")
    above.ruler("y").lim(min(drawing.lows), max(drawing.highs))
    above.ruler("x").ticks([], [])
    below.ruler("y").lim(0, max(drawing.volumes))
    below.ruler("x").ticks(*_time_ticks(drawing, places))
    if places.are_apart:
        _draw_candles(drawing, places, above, below, has_color=has_color)
    else:
        _draw_line(drawing, places, above, below)
    text: str = figure.build().string(colorless=not has_color)
    figure.clear()
    return text.rstrip("\n")


@dataclass(frozen=True)
class _Places:
    """Where candles stand.

    Attributes:
        columns: The column of each candle's middle.
        half: Columns on each side of it that belong to the candle as well.
        are_apart: Whether each has columns of its own.
    """

    columns: list[int]
    half: int
    are_apart: bool


def _places(drawing: Drawing, width: int) -> _Places:
    """Candles at equal distances over ``width`` columns; on top of each other where there are too many."""
    last = drawing.slots[-1]
    if last >= width:
        return _Places([slot * (width - 1) // last for slot in drawing.slots], 0, are_apart=False)
    distance = min(_WIDEST_DISTANCE, width // (last + 1))
    half = (distance - 1) // 3
    return _Places([half + slot * distance for slot in drawing.slots], half, are_apart=True)


def _draw_candles(drawing: Drawing, places: _Places, above: Any, below: Any, *, has_color: bool) -> None:
    for index, column in enumerate(places.columns):
        rises = drawing.rises(index)
        color = _RISE if rises else _FALL
        body = plotext.marker("█" if rises or has_color else "░", pixel=color)
        sides = (column - places.half, column + places.half)
        wick = plotext.marker("│", pixel=color)
        above.draw(above.segment((column, column), (drawing.lows[index], drawing.highs[index]), marker=wick))
        above.draw(above.rectangle(sides, (drawing.opens[index], drawing.closes[index]), marker=body))
        below.draw(below.rectangle(sides, (0, drawing.volumes[index]), marker=plotext.marker("█", pixel=color)))


def _draw_line(drawing: Drawing, places: _Places, above: Any, below: Any) -> None:
    closes = above.signal(places.columns, drawing.closes, marker=plotext.marker("braille", pixel=_LINE))
    closes.lines()
    above.draw(closes)
    volumes: dict[int, float] = {}  # the highest of the candles that share a column
    for column, volume in zip(places.columns, drawing.volumes, strict=True):
        volumes[column] = max(volume, volumes.get(column, 0.0))
    bar = plotext.marker("█", pixel=_LINE)
    for column, volume in volumes.items():
        below.draw(below.rectangle((column, column), (0, volume), marker=bar))


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two others, at most so many and at least one."""
    span = high - low
    if span <= abs(high) * _FINEST * most:  # as good as flat: floats this close have no round numbers between them
        span = abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span / most))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= most)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)] or [low]


def _labels(ticks: list[float]) -> list[str]:
    """The ticks as texts, all with the places after the point that their distance asks for."""
    distance = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) / 1000 or 1.0
    places = max(0, -math.floor(math.log10(distance) + 1e-9))
    return [f"{tick:,.{places}f}" for tick in ticks]


def _time_ticks(drawing: Drawing, places: _Places) -> tuple[list[int], list[str]]:
    """Times of some candles, so far apart that their texts do not touch."""
    times = drawing.times
    if drawing.length >= timedelta(days=1):
        form = "%Y-%m-%d"
    elif times[0].date() != times[-1].date():
        form = "%m-%d %H:%M"
    else:
        form = "%H:%M" if drawing.length >= timedelta(minutes=1) else "%H:%M:%S"
    ticks: list[int] = []
    labels: list[str] = []
    for time, column in zip(times, places.columns, strict=True):
        if not ticks or column - ticks[-1] >= _COLUMNS_A_TIME:
            ticks.append(column)
            labels.append(f"{time:{form}}")
    return ticks, labels
