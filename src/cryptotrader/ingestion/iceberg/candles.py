"""One-minute candles read back from the table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from cryptotrader.ingestion.iceberg.table import open_table, stored_rows

ROWS_AT_A_TIME = 65_536
_MINUTE_US = 60_000_000


@dataclass(slots=True)
class Candle:
    """Trades of one symbol and minute; first and last are told by id, so the order of the rows does not matter."""

    symbol: str
    minute_us: int
    first_id: int
    last_id: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int

    def add(self, number: int, price: Decimal, quantity: Decimal) -> None:
        """Count one trade."""
        if number < self.first_id:
            self.first_id, self.open = number, price
        if number > self.last_id:
            self.last_id, self.close = number, price
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.volume += quantity
        self.trades += 1


def one_minute_candles(folder: Path) -> list[Candle]:
    """All candles of the table, by symbol and time.

    Raises:
        SinkFailed: There is no table, or a file of it cannot be read.
    """
    candles: dict[tuple[str, int], Candle] = {}
    columns = ["symbol", "timestamp", "source_sequence", "price", "quantity"]
    for rows in stored_rows(open_table(folder), columns, ROWS_AT_A_TIME):
        for row in zip(*(rows.column(name).to_pylist() for name in columns), strict=True):
            _count(candles, row)
    return [candles[key] for key in sorted(candles)]


def _count(candles: dict[tuple[str, int], Candle], row: tuple[str, datetime, int, Decimal, Decimal]) -> None:
    symbol, time, number, price, quantity = row
    minute_us = int(time.timestamp()) * 1_000_000 // _MINUTE_US * _MINUTE_US
    candle = candles.get((symbol, minute_us))
    if candle is None:
        candles[symbol, minute_us] = Candle(symbol, minute_us, number, number, price, price, price, price, quantity, 1)
    else:
        candle.add(number, price, quantity)
