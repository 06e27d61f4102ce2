"""Receive events by callback, the way with the least cost: called in the event loop, so it must not block.

python examples/callback_receive.py --symbols BTCUSDT ETHUSDT --seconds 10
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from cryptotrader import Binance, Endpoint
from cryptotrader.config import endpoint_named
from cryptotrader.models.market_models import BookTickerEvent


class SpreadWatch:
    """The widest spread of each symbol."""

    def __init__(self) -> None:
        self.widest: dict[str, Decimal] = {}
        self.changes = 0

    def take(self, event: BookTickerEvent, _received_ns: int) -> None:
        """Take one change of the best prices."""
        spread = event.ask_price - event.bid_price
        if spread > self.widest.get(event.symbol, Decimal(-1)):
            self.widest[event.symbol] = spread
        self.changes += 1


async def watch_spreads(endpoint: Endpoint, symbols: list[str], seconds: float) -> None:
    """Watch for ``seconds`` and print what was seen."""
    watch = SpreadWatch()
    async with Binance(endpoint) as binance:
        subscription = binance.market.book_tickers(
            *symbols, callback=watch.take, on_error=lambda error: print(f"error: {error}")
        )
        await subscription.confirmed()
        await asyncio.sleep(seconds)
    print(f"{watch.changes} changes of the best prices")
    for symbol, spread in sorted(watch.widest.items()):
        print(f"{symbol} widest spread {spread}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Receive events by callback.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbols", nargs="+", default=["BTCUSDT", "ETHUSDT"], help="which symbols")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long")
    arguments = parser.parse_args()
    asyncio.run(watch_spreads(endpoint_named(arguments.endpoint), arguments.symbols, arguments.seconds))


if __name__ == "__main__":
    main()
