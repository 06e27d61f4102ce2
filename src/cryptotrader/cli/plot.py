"""``cryptotrader plot``: price and volume in the terminal or as a PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cryptotrader.cli.candles import IntervalOption, SymbolOption
from cryptotrader.cli.output import whole_file
from cryptotrader.cli.running import exit_on_signals
from cryptotrader.cli.sinks import table_folder
from cryptotrader.errors import ConfigurationError
from cryptotrader.models.base_models import KlineInterval

_LEAST_HEIGHT = 16


def plot(
    table: Annotated[str, typer.Argument(help="iceberg://DIR")],
    symbol: SymbolOption,
    interval: IntervalOption = KlineInterval.MINUTE_1,
    png: Annotated[Path | None, typer.Option(help="Write a picture here instead of drawing in the terminal.")] = None,
) -> None:
    """Draw price and volume: candles where they fit, and otherwise the line of closes.

    Examples:

      cryptotrader plot iceberg://data --symbol BTCUSDT --interval 5m

      cryptotrader plot iceberg://data --symbol BTCUSDT --png btcusdt.png
    """
    exit_on_signals()
    folder = table_folder(table)
    try:
        from cryptotrader.cli.picture import picture  # noqa: PLC0415 - needs the extra "plot"
        from cryptotrader.ingestion.iceberg.plot import read_drawing, write_png  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"plots need {error.name}: pip install 'cryptotrader[all]'") from error
    drawing = read_drawing(folder, symbol.upper(), interval)
    if png is None:
        console = Console()
        height = max(_LEAST_HEIGHT, min(console.height - 1, console.width // 3))
        has_color = console.is_terminal and not console.no_color
        typer.echo(picture(drawing, console.width, height, has_color=has_color), color=has_color)
    else:
        with whole_file(png) as file:
            write_png(drawing, file)
        typer.echo(f"{png}: {drawing.title}", err=True)
