"""Pictures of stored trades: what a drawing needs of candles, and the drawing as a PNG.

This is the only place where prices and quantities become floats: a picture has no more than a few thousand dots in
either direction, and what is drawn is never computed with again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from cryptotrader.errors import QueryFailed
from cryptotrader.ingestion.iceberg.candles import interval_length, read_candles
from cryptotrader.models.base_models import KlineInterval

MOST_CANDLES = 20_000
"""A picture of more would take long and show nothing more."""

_MOST_BODIES = 300  # above, a candle's body is too narrow to be told from its wick
_SIZE_INCHES, _DOTS_AN_INCH = (12.0, 7.0), 120
_RISE, _FALL, _LINE, _GRID = "#1a9850", "#d73027", "#2b5c8a", "#d9d9d9"


@dataclass(frozen=True)
class Drawing:
    """Candles ready to be drawn; all sequences are of one length, the number of candles, which is not zero.

    Attributes:
        title: Symbol, interval and time range.
        times: Starts of the candles, UTC.
        slots: The same counted in intervals from the first one, so that intervals without trades stay empty.
        length: Length of a candle, 28 days for months.
        opens: First prices.
        highs: Highest prices.
        lows: Lowest prices.
        closes: Last prices.
        volumes: Volumes in the base asset.
    """

    title: str
    times: list[datetime]
    slots: list[int]
    length: timedelta
    opens: list[float]
    highs: list[float]
    lows: list[float]
    closes: list[float]
    volumes: list[float]

    def rises(self, index: int) -> bool:
        """Whether a candle does not fall."""
        return self.closes[index] >= self.opens[index]


def read_drawing(folder: Path, symbol: str, interval: KlineInterval) -> Drawing:
    """Read the candles of a symbol for drawing.

    Raises:
        SinkFailed: There is no table, or it cannot be read.
        UnknownSymbol: The table has no trade of this symbol.
        QueryFailed: The candles cannot be computed, or are more than ``MOST_CANDLES``.
    """
    candles = list(islice(read_candles(folder, interval, symbol=symbol), MOST_CANDLES + 1))
    if len(candles) > MOST_CANDLES:
        raise QueryFailed(f"more than {MOST_CANDLES} candles of {interval} for one picture: choose a longer interval")
    times = [candle.open_time for candle in candles]
    return Drawing(
        title=f"{symbol} {interval} · {_range(times[0], times[-1], interval)} UTC",
        times=times,
        slots=_slots(times, interval),
        length=interval_length(interval),
        opens=[float(candle.open) for candle in candles],
        highs=[float(candle.high) for candle in candles],
        lows=[float(candle.low) for candle in candles],
        closes=[float(candle.close) for candle in candles],
        volumes=[float(candle.volume) for candle in candles],
    )


def write_png(drawing: Drawing, file: BinaryIO) -> None:
    """Write price and volume as a PNG: candles, or a line of closes where there are too many."""
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_AN_INCH, layout="constrained")
    price, volume = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    if len(drawing.times) <= _MOST_BODIES:
        _draw_candles(drawing, price, volume)
    else:
        _draw_line(drawing, price, volume)
    price.set_title(drawing.title, loc="left", fontweight="bold")
    price.set_ylabel("price")
    volume.set_ylabel("volume")
    volume.set_ylim(bottom=0)
    for axes in (price, volume):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number_text(value)))
        axes.grid(color=_GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    locator = AutoDateLocator()
    volume.xaxis.set_major_locator(locator)
    volume.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    FigureCanvasAgg(figure).print_png(file)


def number_text(value: float) -> str:
    """A number on an axis, with as many places as it needs."""
    return f"{value:,.8f}".rstrip("0").rstrip(".")


def _draw_candles(drawing: Drawing, price: Axes, volume: Axes) -> None:
    times = date2num(drawing.times)
    width = drawing.length / timedelta(days=1) * 0.7
    colors = [_RISE if drawing.rises(index) else _FALL for index in range(len(drawing.times))]
    pairs = list(zip(drawing.opens, drawing.closes, strict=True))
    heights, bottoms = [abs(close - first) for first, close in pairs], [min(pair) for pair in pairs]
    price.vlines(times, drawing.lows, drawing.highs, colors=colors, linewidth=1)
    # with an edge, a body of no height is still a line
    price.bar(times, heights, bottom=bottoms, width=width, color=colors, edgecolor=colors, linewidth=0.8)
    volume.bar(times, drawing.volumes, width=width, color=colors)


def _draw_line(drawing: Drawing, price: Axes, volume: Axes) -> None:
    times = date2num(drawing.times)
    price.plot(times, drawing.closes, color=_LINE, linewidth=1)
    volume.vlines(times, 0, drawing.volumes, colors=_LINE, linewidth=0.6)


def _slots(times: list[datetime], interval: KlineInterval) -> list[int]:
    first = times[0]
    if interval is KlineInterval.MONTH_1:
        return [(time.year - first.year) * 12 + time.month - first.month for time in times]
    length = interval_length(interval)
    return [(time - first) // length for time in times]


def _range(first: datetime, last: datetime, interval: KlineInterval) -> str:
    """From the first to the last candle's start, with no more than what tells them apart."""
    if interval_length(interval) >= timedelta(days=1):
        form = end_form = "%Y-%m-%d"
    else:
        time_form = "%H:%M:%S" if interval is KlineInterval.SECOND_1 else "%H:%M"
        form = f"%Y-%m-%d {time_form}"
        end_form = time_form if first.date() == last.date() else form
    return f"{first:{form}}" if first == last else f"{first:{form}} to {last:{end_form}}"
