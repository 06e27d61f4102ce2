"""Show the candle that is being made.

python examples/klines_stream.py --symbol BTCUSDT --interval 1m --count 10
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime

from cryptotrader import Binance, Endpoint
from cryptotrader.config import endpoint_named
from cryptotrader.models.base_models import KlineInterval


async def print_candles(endpoint: Endpoint, symbol: str, interval: KlineInterval, count: int) -> None:
    """Print the next ``count`` states of the current candle."""
    async with Binance(endpoint) as binance:
        async for event in binance.market.klines(interval, symbol):
            bar = event.kline
            opened = datetime.fromtimestamp(bar.open_time / 1000, UTC)
            state = "closed" if bar.is_closed else "open"
            print(
                f"{opened:%H:%M:%S} {event.symbol} {bar.interval} {state}: open {bar.open} high {bar.high} "
                f"low {bar.low} close {bar.close} volume {bar.volume:f} ({bar.trade_count} trades)"
            )
            count -= 1
            if not count:
                return


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Show the candle that is being made.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    parser.add_argument("--interval", type=KlineInterval, default=KlineInterval.MINUTE_1, help="1s, 1m, 1h, 1d …")
    parser.add_argument("--count", type=int, default=10, help="how many updates")
    arguments = parser.parse_args()
    endpoint = endpoint_named(arguments.endpoint)
    asyncio.run(print_candles(endpoint, arguments.symbol, arguments.interval, arguments.count))


if __name__ == "__main__":
    main()
