"""A small bot: it says when the price crosses its own average. ``bot_test.py`` tests it without a network.

python examples/bot_run.py --symbol BTCUSDT --window 50 --count 1000
"""

from __future__ import annotations

import argparse
import asyncio
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from cryptotrader import Binance, Endpoint, GapUnfilled
from cryptotrader.config import endpoint_named
from cryptotrader.models.market_models import TradeEvent


@dataclass(frozen=True)
class Signal:
    """The price crossed its average.

    Attributes:
        trade_id: With this trade.
        is_up: From below.
        price: The price of the trade.
        average: The average of the last trades.
    """

    trade_id: int
    is_up: bool
    price: Decimal
    average: Decimal


@dataclass
class CrossingBot:
    """Compares each price with the average of the last ``window`` trades. Knows nothing of connections.

    Attributes:
        window: How many trades the average is made of.
        signals: What it has said.
        trade_ids: Ids of the trades that it has seen.
    """

    window: int
    signals: list[Signal] = field(default_factory=list)
    trade_ids: list[int] = field(default_factory=list)
    _prices: deque[Decimal] = field(default_factory=deque)
    _was_above: bool | None = None

    def take(self, trade: TradeEvent) -> Signal | None:
        """Take one trade; a signal when it crosses the average."""
        self.trade_ids.append(trade.trade_id)
        self._prices.append(trade.price)
        if len(self._prices) <= self.window:
            return None
        self._prices.popleft()
        average = sum(self._prices, Decimal(0)) / self.window
        is_above, was_above = trade.price > average, self._was_above
        self._was_above = is_above
        if was_above is None or was_above == is_above:
            return None
        signal = Signal(trade.trade_id, is_above, trade.price, average)
        self.signals.append(signal)
        return signal

    def forget(self) -> None:
        """Begin the average anew, as after trades that are lost."""
        self._prices.clear()
        self._was_above = None


async def run_bot(bot: CrossingBot, endpoint: Endpoint, symbol: str, count: int) -> None:
    """Feed the bot until it has seen ``count`` trades."""
    async with Binance(endpoint) as binance:
        trades = binance.market.trades(symbol)
        while len(bot.trade_ids) < count:
            try:
                signal = bot.take(await anext(trades))
            except GapUnfilled as error:  # these trades could not be fetched; those that follow come all the same
                print(error)
                bot.forget()
                continue
            if signal is not None:
                direction = "above" if signal.is_up else "below"
                print(f"trade {signal.trade_id}: {signal.price} is {direction} the average {signal.average:.2f}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Say when the price crosses its own average.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    parser.add_argument("--window", type=int, default=50, help="trades that the average is made of")
    parser.add_argument("--count", type=int, default=1000, help="how many trades")
    arguments = parser.parse_args()
    bot = CrossingBot(arguments.window)
    asyncio.run(run_bot(bot, endpoint_named(arguments.endpoint), arguments.symbol, arguments.count))
    print(f"{len(bot.trade_ids)} trades, {len(bot.signals)} signals")


if __name__ == "__main__":
    main()
