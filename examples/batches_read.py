"""Read trades in batches: cheaper than one by one when there are many, and never later than the loop comes round.

python examples/batches_read.py --symbols BTCUSDT ETHUSDT --count 1000
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from decimal import Decimal

from cryptotrader import Binance, Endpoint
from cryptotrader.config import endpoint_named


async def sum_trades(endpoint: Endpoint, symbols: list[str], count: int) -> None:
    """Sum up what is traded, until there are at least ``count`` trades."""
    turnover: dict[str, Decimal] = defaultdict(Decimal)
    trades = batches = largest = 0
    async with Binance(endpoint) as binance:
        subscription = binance.market.trades(*symbols)
        async for batch in subscription.batches(size=1024):
            for trade in batch:
                turnover[trade.symbol] += trade.price * trade.quantity
            trades += len(batch)
            batches += 1
            largest = max(largest, len(batch))
            if trades >= count:
                break
    print(f"{trades} trades in {batches} batches, the largest of {largest}")
    for symbol, amount in sorted(turnover.items()):
        print(f"{symbol} turnover {amount:f}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Read trades in batches.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbols", nargs="+", default=["BTCUSDT", "ETHUSDT"], help="which symbols")
    parser.add_argument("--count", type=int, default=1000, help="how many trades, at least")
    arguments = parser.parse_args()
    asyncio.run(sum_trades(endpoint_named(arguments.endpoint), arguments.symbols, arguments.count))


if __name__ == "__main__":
    main()
