"""Candles of any of Binance's intervals, computed from the stored trades.

Sums are exact. The view ``trades`` has prices and quantities at eight places after the point, and products at sixteen;
they are integers of 128 bits to DuckDB, which checks every operation for overflow. A trade with more places, or sums of
more than 38 digits (10^22 units of the quote asset), end the query with an error and are not rounded.

First and last trade are told by id, and a trade that is stored twice counts once (the row received first), so neither
the order of arrival nor the cut into commits and files matters. An interval without trades has no candle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cryptotrader.errors import UnknownSymbol
from cryptotrader.ingestion.iceberg.query import MEMORY_LIMIT, QueryResult, StoredTrades
from cryptotrader.models.base_models import KlineInterval

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "M": timedelta(days=28),
}
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_TO_MONDAY = timedelta(days=4) // _MICROSECOND  # 1970-01-05 was the first Monday


@dataclass(frozen=True, slots=True)
class Candle:
    """Trades of one symbol and interval; the fields are the columns of ``candle_rows``.

    Attributes:
        symbol: Which one.
        open_time: Start of the interval, UTC.
        open: Price of the trade with the lowest id.
        high: Highest price.
        low: Lowest price.
        close: Price of the trade with the highest id.
        volume: Sum of quantities, in the base asset.
        quote_volume: Sum of prices times quantities, in the quote asset.
        trade_count: How many trades.
        taker_buy_volume: The part of the volume whose buyer was the taker.
        taker_buy_quote_volume: The part of the quote volume whose buyer was the taker.
        first_trade_id: Lowest id.
        last_trade_id: Highest id.
    """

    symbol: str
    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trade_count: int
    taker_buy_volume: Decimal
    taker_buy_quote_volume: Decimal
    first_trade_id: int
    last_trade_id: int


def read_candles(
    folder: Path, interval: KlineInterval, *, symbol: str | None = None, memory_limit: int = MEMORY_LIMIT
) -> Iterator[Candle]:
    """The candles of a table, by symbol and time.

    Args:
        folder: The table's folder.
        interval: Their length; borders are those of UTC.
        symbol: Only this one.
        memory_limit: Bytes that DuckDB may hold.

    Raises:
        SinkFailed: There is no table, or it cannot be read.
        QueryFailed: A file cannot be read, the memory limit is reached, or a number cannot be held exactly.
        UnknownSymbol: The table has no trade of this symbol.
    """
    with StoredTrades(folder, memory_limit=memory_limit) as stored:
        for batch in candle_rows(stored, interval, symbol=symbol):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield Candle(*row)


def candle_rows(stored: StoredTrades, interval: KlineInterval, *, symbol: str | None = None) -> QueryResult:
    """The same as columns, for output.

    Raises:
        QueryFailed: A file cannot be read.
        UnknownSymbol: The table has no trade of this symbol.
    """
    if symbol is None:
        return stored.query(_candle_query(interval, "true"))
    known = stored.symbols()
    if symbol not in known:  # which also means that the text below is a plain name
        raise UnknownSymbol(symbol, f"not in this table, which holds {', '.join(known) or 'no trades'}")
    return stored.query(_candle_query(interval, f"symbol = '{symbol}'"))


def interval_length(interval: KlineInterval) -> timedelta:
    """How long a candle is; for months how long at least."""
    return int(interval[:-1]) * _UNITS[interval[-1]]


def _candle_query(interval: KlineInterval, condition: str) -> str:
    return f"""
        WITH stored AS (
            SELECT symbol, source_sequence AS id, ingestion_timestamp, epoch_us(timestamp) AS time,
                   price, quantity, side = 'BUY' AS is_taker_buy
            FROM trades WHERE {condition}
        ), once AS (
            SELECT unnest(arg_min(stored, ingestion_timestamp)) FROM stored GROUP BY symbol, id
        ), summed AS (
            SELECT symbol, {_start(interval)} AS start,
                   arg_min(price, id) AS open, max(price) AS high, min(price) AS low, arg_max(price, id) AS close,
                   sum(quantity) AS volume, sum(price * quantity) AS quote_volume, count(*) AS trade_count,
                   coalesce(sum(quantity) FILTER (is_taker_buy), 0) AS taker_buy_volume,
                   coalesce(sum(price * quantity) FILTER (is_taker_buy), 0) AS taker_buy_quote_volume,
                   min(id) AS first_trade_id, max(id) AS last_trade_id
            FROM once GROUP BY symbol, start
        )
        SELECT symbol, make_timestamp(start)::TIMESTAMPTZ AS open_time, * EXCLUDE (symbol, start)
        FROM summed ORDER BY symbol, start
    """  # noqa: S608 - the condition names a stored symbol, everything else is written here


def _start(interval: KlineInterval) -> str:
    """SQL for the start of the interval around ``time``; both are microseconds of Unix time.

    Weeks begin on Monday, months on the first; other intervals are counted from 1970-01-01.
    """
    if interval is KlineInterval.MONTH_1:
        return "epoch_us(date_trunc('month', make_timestamp(time)))"
    length = interval_length(interval) // _MICROSECOND
    shift = _EPOCH_TO_MONDAY if interval is KlineInterval.WEEK_1 else 0
    return f"(time - {shift}) // {length} * {length} + {shift}"
