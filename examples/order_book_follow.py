"""Follow an order book: it is in step with the exchange, or says that it is not.

python examples/order_book_follow.py --symbol BTCUSDT --count 20
"""

from __future__ import annotations

import argparse
import asyncio

from cryptotrader import Binance, Endpoint, LiveOrderBook
from cryptotrader.config import endpoint_named

LEVELS = 10


async def follow(endpoint: Endpoint, symbol: str, count: int, every: float) -> None:
    """Print the state of the book ``count`` times, at least ``every`` seconds apart, each time that it has changed."""
    async with Binance(endpoint) as binance:
        book = await binance.market.order_book(symbol)  # returns once the book is in step
        shown = None
        while count:
            if book.update_id != shown:
                print(state_of(book))
                shown = book.update_id
                count -= 1
            await asyncio.sleep(every)
        await book.close()


def state_of(book: LiveOrderBook) -> str:
    """One line: best prices, their distance, and what stands in the best levels of each side."""
    bid, ask = book.best_bid, book.best_ask
    if bid is None or ask is None:  # out of step after a loss, or one side is empty
        return f"{book.symbol} is not in step"
    bids, asks = book.levels(LEVELS)
    wanted, offered = sum(level.quantity for level in bids), sum(level.quantity for level in asks)
    return (
        f"{book.symbol} update {book.update_id}: {bid.price} / {ask.price}, spread {ask.price - bid.price}, "
        f"best {LEVELS} levels {wanted} / {offered}"
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Follow an order book.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    parser.add_argument("--count", type=int, default=20, help="how many lines")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two lines")
    arguments = parser.parse_args()
    endpoint = endpoint_named(arguments.endpoint)
    asyncio.run(follow(endpoint, arguments.symbol, arguments.count, arguments.every))


if __name__ == "__main__":
    main()
