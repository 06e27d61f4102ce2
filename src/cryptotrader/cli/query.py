"""``cryptotrader query``: SQL over a table of trades."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from cryptotrader.cli.output import FileOption, LimitRowsOption, Output, OutputOption, output_file, write_rows
from cryptotrader.cli.running import exit_on_signals
from cryptotrader.cli.sinks import table_folder
from cryptotrader.errors import ConfigurationError

_SIZE = re.compile(r"(\d+)(KB|MB|GB|KiB|MiB|GiB)")
_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT over the view trades, in DuckDB's SQL.")],
    table: Annotated[str, typer.Argument(help="iceberg://DIR")],
    output: OutputOption = Output.TABLE,
    file: FileOption = None,
    memory: Annotated[str, typer.Option(help="What DuckDB may hold in memory; more is spilled to disk.")] = "512MB",
    limit_rows: LimitRowsOption = 40,
) -> None:
    """Query the stored trades with SQL. Nothing is written but the output, and no other file is read.

    Examples:

      cryptotrader query "SELECT symbol, count(*), max(price) FROM trades GROUP BY symbol" iceberg://data

      cryptotrader query "SELECT * FROM trades WHERE symbol = 'BTCUSDT'" iceberg://data --output csv --file btc.csv

      cryptotrader query "SELECT timestamp, price, quantity FROM trades" iceberg://data -o parquet > trades.parquet
    """
    exit_on_signals()
    folder, memory_limit = table_folder(table), size_in_bytes(memory)
    from cryptotrader.ingestion.iceberg import StoredTrades  # noqa: PLC0415 - needs the extra "iceberg"

    with output_file(output, file) as target, StoredTrades(folder, memory_limit=memory_limit) as stored:
        write_rows(stored.query(sql), output, target, limit_rows=limit_rows)


def size_in_bytes(text: str) -> int:
    """The bytes of a size such as ``512MB`` or ``2GiB``.

    Raises:
        ConfigurationError: It is no such size.
    """
    match = _SIZE.fullmatch(text.replace(" ", ""))
    if match is None or not int(match[1]):
        raise ConfigurationError(f"{text!r} is not a size such as 512MB, 2GB or 2GiB")
    return int(match[1]) * _BYTES[match[2]]
