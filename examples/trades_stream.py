"""Print trades as they happen, in order and without a hole.

python examples/trades_stream.py --symbols BTCUSDT ETHUSDT --count 20
"""

from __future__ import annotations

import argparse
import asyncio

from cryptotrader import Binance, Endpoint
from cryptotrader.config import endpoint_named


async def print_trades(endpoint: Endpoint, symbols: list[str], count: int) -> None:
    """Print the next ``count`` trades."""
    async with Binance(endpoint) as binance:
        async for trade in binance.market.trades(*symbols):
            side = "sell" if trade.is_buyer_maker else "buy"
            print(f"{trade.symbol} {trade.trade_id} {side} {trade.quantity} at {trade.price}")
            count -= 1
            if not count:
                return


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Print trades as they happen.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbols", nargs="+", default=["BTCUSDT", "ETHUSDT"], help="which symbols")
    parser.add_argument("--count", type=int, default=20, help="how many trades")
    arguments = parser.parse_args()
    asyncio.run(print_trades(endpoint_named(arguments.endpoint), arguments.symbols, arguments.count))


if __name__ == "__main__":
    main()
