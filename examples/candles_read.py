"""Compute candles from captured trades and compare them with those of the exchange.

python examples/candles_read.py --table iceberg://trades --symbol BTCUSDT --interval 1m
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from cryptotrader import Binance, Endpoint
from cryptotrader.config import endpoint_named
from cryptotrader.ingestion.iceberg import Candle, folder_of, read_candles
from cryptotrader.models.base_models import KlineInterval
from cryptotrader.models.market_models import Kline
from cryptotrader.requests import KlinesRequest

MOST = 1000
"""Candles that one request asks for, and may."""

SHOWN = 5
"""Candles that are printed."""


async def compare(endpoint: Endpoint, table: str, symbol: str, interval: KlineInterval) -> bool:
    """Print the newest candles of the table; whether all equal those of the exchange."""
    ours = list(read_candles(folder_of(table), interval, symbol=symbol))[1:-1]  # capture began and ended within one
    if not ours:
        print(f"no whole {interval} interval was captured: capture for longer, or take a shorter interval")
        return False
    request = KlinesRequest(symbol=symbol, interval=interval, end_time=open_ms(ours[-1]), limit=MOST)
    async with Binance(endpoint) as binance:
        klines = await binance.call(request)
    theirs = {kline.open_time: kline for kline in klines}
    compared = [candle for candle in ours if open_ms(candle) >= klines[0].open_time]
    for candle in compared[-SHOWN:]:
        print(f"{candle.open_time:%H:%M:%S} {candle.open} {candle.high} {candle.low} {candle.close} {candle.volume}")
    equal = sum(is_equal(candle, theirs.get(open_ms(candle))) for candle in compared)
    print(f"{equal} of {len(compared)} candles equal the exchange's")
    return equal == len(compared)


def open_ms(candle: Candle) -> int:
    """Start of the candle in milliseconds of Unix time."""
    return int(candle.open_time.timestamp()) * 1000


def is_equal(ours: Candle, theirs: Kline | None) -> bool:
    """Whether two candles tell the same."""
    return theirs is not None and (ours.open, ours.high, ours.low, ours.close, ours.volume, ours.trade_count) == (
        theirs.open,
        theirs.high,
        theirs.low,
        theirs.close,
        theirs.volume,
        theirs.trade_count,
    )


def main() -> None:
    """Read the arguments and run; the exit code is 1 when a candle differs."""
    parser = argparse.ArgumentParser(description="Compute candles from captured trades.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--table", default="iceberg://trades", help="where from: iceberg://DIR")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    parser.add_argument("--interval", type=KlineInterval, default=KlineInterval.MINUTE_1, help="1s, 1m, 1h, 1d …")
    arguments = parser.parse_args()
    endpoint = endpoint_named(arguments.endpoint)
    same = asyncio.run(compare(endpoint, arguments.table, arguments.symbol, arguments.interval))
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
