"""A small market maker: it keeps one bid and one ask in the book. ``trading_bot_test.py`` tests it without a network.

Not for the live exchange, and no way to earn money. The key comes from the environment.

python examples/trading_bot_run.py --endpoint local --seconds 10
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from cryptotrader import (
    Binance,
    Endpoint,
    LiveOrderBook,
    OrderOptions,
    OrderOutcomeUnknown,
    OrderRejected,
    PlacedOrder,
    RateLimited,
    Side,
)
from cryptotrader.config import endpoint_named
from cryptotrader.credentials import Credentials, from_environment

OPTIONS = OrderOptions(round_to_filters=True, patience=0.5)  # a quote that waits longer for its turn is out of date
PAUSE = 0.05


@dataclass(frozen=True)
class Rules:
    """What the bot wants. Knows nothing of connections.

    Attributes:
        quantity: Of each quote, in the base asset.
        distance: Of each quote from the best price of its side, as a fraction of that price.
        slack: How far a quote may be from where it should be, as a fraction of the price.
        limit: Largest position, in the base asset.
    """

    quantity: Decimal = Decimal("0.001")
    distance: Decimal = Decimal(0)
    slack: Decimal = Decimal("0.00002")
    limit: Decimal = Decimal("0.01")

    def price(self, side: Side, best: Decimal, position: Decimal) -> Decimal | None:
        """Where the quote of one side should be; ``None`` where there should be none."""
        if side is Side.BUY:
            return best * (1 - self.distance) if position + self.quantity <= self.limit else None
        return best * (1 + self.distance) if position - self.quantity >= -self.limit else None

    def is_near(self, price: Decimal | None, wanted: Decimal | None) -> bool:
        """Whether a quote may stay where it is."""
        return price is not None and wanted is not None and abs(price - wanted) <= wanted * self.slack


def bought(order: PlacedOrder) -> Decimal:
    """What an order has brought in, of the base asset: negative when it sells."""
    amount = Decimal(0)
    for fill in order.fills:
        amount += fill.quantity if order.side is Side.BUY else -fill.quantity
        if fill.commission_asset is not None and order.symbol.startswith(fill.commission_asset):
            amount -= fill.commission
    return amount


@dataclass
class MarketMaker:
    """Keeps a quote on each side of the book.

    Attributes:
        binance: A client with a key.
        book: Of what it trades.
        rules: What it wants.
        quotes: The last order of each side.
        told: How often each thing happened.
        stop: Set to let it end; its quotes are then taken back.
    """

    binance: Binance
    book: LiveOrderBook
    rules: Rules
    quotes: dict[Side, PlacedOrder] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _settled: Decimal = Decimal(0)

    @property
    def position(self) -> Decimal:
        """What all its orders have brought in, of the base asset."""
        return self._settled + sum(map(bought, self.quotes.values()), Decimal(0))

    async def run(self) -> None:
        """Quote until ``stop`` is set; no order stays behind."""
        async with asyncio.TaskGroup() as sides:
            for side in Side:
                sides.create_task(self._quote(side))

    async def _quote(self, side: Side) -> None:
        """Keep the quote of one side where the rules want it."""
        try:
            while not self.stop.is_set():
                best = self.book.best_bid if side is Side.BUY else self.book.best_ask
                if best is not None:  # otherwise the book is out of step: what stands, stands
                    await self._move(side, self.rules.price(side, best.price, self.position))
                await asyncio.sleep(PAUSE)
        finally:
            while self._is_open(side):
                await self.cancel(self.quotes[side])
                await asyncio.sleep(PAUSE)

    async def _move(self, side: Side, wanted: Decimal | None) -> None:
        if not self._is_open(side):
            if wanted is not None:
                await self.place(side, wanted)
        elif not self.rules.is_near(self.quotes[side].price, wanted):
            await self.cancel(self.quotes[side])

    def _is_open(self, side: Side) -> bool:
        return side in self.quotes and not self.quotes[side].is_done

    async def place(self, side: Side, price: Decimal) -> None:
        """Place a quote in the place of one that has ended."""
        if side in self.quotes:
            self._settled += bought(self.quotes.pop(side))
        try:
            quote = await self.binance.orders.place_limit_maker(
                self.book.symbol, side, quantity=self.rules.quantity, price=price
            )
        except OrderRejected as error:  # such as: it would trade at once
            self.told[f"refused: {error.reason}"] += 1
        except RateLimited:  # nothing was sent; the next round tries again, at the price of then
            self.told["too many orders"] += 1
        except OrderOutcomeUnknown as error:  # is never sent again, but asked for; the other side goes on meanwhile
            self.told["unknown"] += 1
            found = await error.resolve(timeout=None)
            self.told["unknown, was not placed" if found is None else "unknown, was placed"] += 1
            if found is not None:
                self.quotes[side] = found
        else:
            self.told["placed"] += 1
            self.quotes[side] = quote

    async def cancel(self, quote: PlacedOrder) -> None:
        """Cancel a quote."""
        try:
            await quote.cancel()
        except OrderRejected:  # it has just been filled: its events tell
            self.told["too late to cancel"] += 1
        except RateLimited:
            self.told["too many requests"] += 1
        except OrderOutcomeUnknown as error:
            self.told["unknown"] += 1
            await error.resolve(timeout=None)
        else:
            self.told["cancelled"] += 1


async def make_market(endpoint: Endpoint, key: Credentials, symbol: str, seconds: float) -> None:
    """Run the bot and print what became of it."""
    async with Binance(endpoint, key, order_options=OPTIONS) as binance:
        bot = MarketMaker(binance, await binance.market.order_book(symbol), Rules())
        asyncio.get_running_loop().call_later(seconds, bot.stop.set)
        await bot.run()
    for what, times in sorted(bot.told.items()):
        print(f"{what}: {times}")
    print(f"position {bot.position:+f}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Keep one bid and one ask in the book.")
    parser.add_argument("--endpoint", default="local", help="local, testnet, demo, or a ws:// address")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long")
    arguments = parser.parse_args()
    endpoint = endpoint_named(arguments.endpoint)
    if endpoint.is_live:
        parser.error("orders cost money there: use local, testnet or demo")
    asyncio.run(make_market(endpoint, from_environment(), arguments.symbol, arguments.seconds))


if __name__ == "__main__":
    main()
