"""``cryptotrader candles``: candles computed from a table of trades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from cryptotrader.cli.output import (
    FileOption,
    LimitRowsOption,
    Output,
    OutputOption,
    output_file,
    print_table,
    write_rows,
)
from cryptotrader.cli.running import exit_on_signals
from cryptotrader.cli.sinks import table_folder
from cryptotrader.models.base_models import KlineInterval

if TYPE_CHECKING:
    from cryptotrader.ingestion.iceberg import QueryResult

_SHOWN = ("open", "high", "low", "close", "volume", "trade_count")

SymbolOption = Annotated[str, typer.Option(help="A symbol of the table, such as BTCUSDT.")]
IntervalOption = Annotated[
    KlineInterval, typer.Option(help="Length of a candle; borders are those of UTC, weeks begin on Monday.")
]


def candles(
    table: Annotated[str, typer.Argument(help="iceberg://DIR")],
    symbol: SymbolOption,
    interval: IntervalOption = KlineInterval.MINUTE_1,
    output: OutputOption = Output.TABLE,
    file: FileOption = None,
    limit_rows: LimitRowsOption = 40,
) -> None:
    """Compute candles from the stored trades, exactly; intervals without trades have none.

    A table shows prices, volume and trades; the other outputs have all columns.

    Examples:

      cryptotrader candles iceberg://data --symbol BTCUSDT --interval 5m

      cryptotrader candles iceberg://data --symbol BTCUSDT --interval 1d --output csv --file days.csv
    """
    exit_on_signals()
    folder = table_folder(table)
    from cryptotrader.ingestion.iceberg import StoredTrades, candle_rows  # noqa: PLC0415 - needs the extra "iceberg"

    with output_file(output, file) as target, StoredTrades(folder) as stored:
        rows = candle_rows(stored, interval, symbol=symbol.upper())
        if output is Output.TABLE:
            _print_candles(rows, f"{symbol.upper()} {interval}, UTC", interval, target, limit_rows)
        else:
            write_rows(rows, output, target, limit_rows=limit_rows)


def _print_candles(result: QueryResult, title: str, interval: KlineInterval, file: BinaryIO, limit_rows: int) -> None:
    """The columns that fit eighty characters."""
    form = "%Y-%m-%d %H:%M:%S" if interval is KlineInterval.SECOND_1 else "%Y-%m-%d %H:%M"
    time = result.schema.names.index("open_time")
    places = [result.schema.names.index(name) for name in _SHOWN]
    rows = ([row[time].strftime(form), *(row[place] for place in places)] for row in result.rows())
    names = ["open time", *_SHOWN[:-1], "trades"]
    print_table(names, rows, file, limit_rows=limit_rows, title=title)
