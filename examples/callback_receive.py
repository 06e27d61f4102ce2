"""Receive events by callback, the way with the least cost: called in the event loop, so it must not block.

python examples/callback_receive.py --symbols BTCUSDT ETHUSDT --count 1000
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from cryptotrader import Binance, Endpoint
from cryptotrader.config import endpoint_named
from cryptotrader.models.market_models import BookTickerEvent


class SpreadWatch:
    """The widest spread of each symbol, of the first ``count`` changes."""

    def __init__(self, count: int) -> None:
        self.widest: dict[str, Decimal] = {}
        self.left = count
        self.done = asyncio.Event()

    def take(self, event: BookTickerEvent, _received_ns: int) -> None:
        """Take one change of the best prices."""
        if not self.left:
            return
        spread = event.ask_price - event.bid_price
        if spread > self.widest.get(event.symbol, Decimal(-1)):
            self.widest[event.symbol] = spread
        self.left -= 1
        if not self.left:
            self.done.set()


async def watch_spreads(endpoint: Endpoint, symbols: list[str], count: int) -> None:
    """Watch ``count`` changes and print what was seen."""
    watch = SpreadWatch(count)
    async with Binance(endpoint) as binance:
        binance.market.book_tickers(*symbols, callback=watch.take, on_error=lambda error: print(f"error: {error}"))
        await watch.done.wait()
    print(f"{count} changes of the best prices")
    for symbol, spread in sorted(watch.widest.items()):
        print(f"{symbol} widest spread {spread}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Receive events by callback.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbols", nargs="+", default=["BTCUSDT", "ETHUSDT"], help="which symbols")
    parser.add_argument("--count", type=int, default=1000, help="how many changes")
    arguments = parser.parse_args()
    asyncio.run(watch_spreads(endpoint_named(arguments.endpoint), arguments.symbols, arguments.count))


if __name__ == "__main__":
    main()
