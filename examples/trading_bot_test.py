"""Tests of the market maker in ``trading_bot_run.py`` against the local exchange, a fixture that the library brings.

pytest examples/trading_bot_test.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from cryptotrader import Binance, Side
from cryptotrader.requests import AccountStatusRequest
from cryptotrader.simulator import ExchangeAccount, ExchangeLimits
from cryptotrader.testing import RunningExchange
from trading_bot_run import OPTIONS, MarketMaker, Rules

ExchangeFactory = Callable[..., RunningExchange]
Until = Callable[[MarketMaker], bool]
ONE = Decimal(1)


class OneSided(Rules):
    """Bids and never asks, so that the bot does one thing at a time, and what goes wrong hits what it is meant for."""

    def price(self, side: Side, best: Decimal, position: Decimal) -> Decimal | None:
        """Where the quote of one side should be."""
        return super().price(side, best, position) if side is Side.BUY else None


RESTLESS = OneSided(distance=Decimal("0.001"), slack=Decimal(0))
"""Too far from the market to trade, and moved with each change of it."""


def test_it_quotes_up_to_its_limit() -> None:
    rules = Rules(quantity=ONE, distance=Decimal("0.1"), limit=ONE)

    assert rules.price(Side.BUY, Decimal(100), position=Decimal(0)) == 90
    assert rules.price(Side.SELL, Decimal(100), position=Decimal(0)) == Decimal(110)
    assert rules.price(Side.BUY, Decimal(100), position=ONE) is None
    assert rules.price(Side.SELL, Decimal(100), position=-ONE) is None


@dataclass(kw_only=True)
class TroubledMaker(MarketMaker):
    """Lets something go wrong just before it places its third order, and goes on until it has seen enough."""

    trouble: Callable[[], None]
    until: Until
    attempts: int = 0

    async def place(self, side: Side, price: Decimal) -> None:
        """Place a quote."""
        self.attempts += 1
        if self.attempts == 3:
            self.trouble()
        await super().place(side, price)
        if self.attempts >= 3 and self.until(self):
            self.stop.set()


async def owned(binance: Binance) -> Decimal:
    """What the account has of the base asset, by the exchange's word."""
    account = await binance.call(AccountStatusRequest())
    return sum((each.free + each.locked for each in account.balances if each.asset == "BTC"), Decimal(0))


async def make_market(
    exchange: RunningExchange, rules: Rules, trouble: Callable[[], None], until: Until
) -> MarketMaker:
    """Run the bot: nothing may stay in the book, and what it believes to have traded is what the exchange says."""
    key = exchange.demo_keys[0].ed25519
    async with Binance(exchange.endpoint, key, order_options=OPTIONS, recv_window=1000) as binance:
        before = await owned(binance)
        book = await binance.market.order_book("BTCUSDT")
        bot = TroubledMaker(binance, book, rules, trouble=trouble, until=until)
        await bot.run()
        assert await binance.orders.open_orders("BTCUSDT") == []
        after = await owned(binance)  # what the account's events tell has come by then, too
        assert bot.position == after - before
    return bot


def nothing() -> None:
    """No trouble."""


def run(
    exchange: RunningExchange, until: Until, *, rules: Rules | None = None, trouble: Callable[[], None] = nothing
) -> MarketMaker:
    """The same, for tests that are not asynchronous."""
    return asyncio.run(make_market(exchange, rules or Rules(), trouble, until))


def told(*what: str) -> Until:
    """Whether one of these things has happened to a bot."""
    return lambda bot: any(bot.told[each] for each in what)


def test_it_knows_what_it_has(exchange_factory: ExchangeFactory) -> None:
    bot = run(exchange_factory(symbols=["BTCUSDT"], rate=300), lambda bot: bot.position != 0)

    assert bot.told["placed"] > 0


def test_its_connection_is_cut_while_an_order_is_on_its_way(exchange_factory: ExchangeFactory) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)

    def cut() -> None:
        exchange.fault("drop", connection="api")
        exchange.clear_faults()

    def trouble() -> None:
        exchange.fault("delay", connection="api", seconds=60)  # the answer to the order does not arrive
        asyncio.get_running_loop().call_later(0.3, cut)

    ends = ("unknown, was placed", "unknown, was not placed")  # whether the order arrived before the cut
    bot = run(exchange, told(*ends), rules=RESTLESS, trouble=trouble)
    assert sum(bot.told[each] for each in ends) == 1


@pytest.mark.parametrize(("done", "end"), [(True, "unknown, was placed"), (False, "unknown, was not placed")])
def test_the_exchange_does_not_know_what_became_of_an_order(
    exchange_factory: ExchangeFactory, *, done: bool, end: str
) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)
    bot = run(exchange, told(end), rules=RESTLESS, trouble=lambda: exchange.fault("timeout", count=1, done=done))

    assert bot.told[end] == bot.told["unknown"] == 1


def test_its_orders_are_refused(exchange_factory: ExchangeFactory) -> None:
    across = Rules(distance=Decimal("-0.01"))  # as if the book it knows were behind
    refused = "refused: Order would immediately match and take."
    bot = run(exchange_factory(symbols=["BTCUSDT"]), told(refused), rules=across)

    assert bot.told.keys() == {refused}


def test_its_account_is_empty(exchange_factory: ExchangeFactory) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], accounts=[ExchangeAccount(uid=1, balances={"USDT": "10"})])
    refused = "refused: Account has insufficient balance for requested action."
    bot = run(exchange, told(refused), rules=RESTLESS)

    assert bot.told.keys() == {refused}


def test_it_has_no_orders_left(exchange_factory: ExchangeFactory) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300, limits=ExchangeLimits(orders=5))
    bot = run(exchange, told("too many orders"), rules=RESTLESS)

    assert bot.told["placed"] >= 5  # more when a window of ten seconds ends meanwhile
    assert bot.told["too many orders"] == 1


def test_the_exchange_asks_it_to_wait(exchange_factory: ExchangeFactory) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)
    bot = run(
        exchange,
        lambda bot: bot.told["placed"] > 3,
        rules=RESTLESS,
        trouble=lambda: exchange.fault("rate_limit", count=1, seconds=0.3),
    )

    assert bot.told["too many orders"] >= 1
