"""Tests of the market maker in ``trading_bot_run.py`` against the local exchange, a fixture that the library brings.

pytest examples/trading_bot_test.py
"""

from __future__ import annotations

import asyncio
import threading
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
ONE = Decimal(1)
RESTLESS = Rules(distance=Decimal("0.001"), slack=Decimal(0))
"""Too far from the market to trade, and moved with each change of it."""


def test_it_quotes_up_to_its_limit() -> None:
    rules = Rules(quantity=ONE, distance=Decimal("0.1"), limit=ONE)

    assert rules.price(Side.BUY, Decimal(100), position=Decimal(0)) == 90
    assert rules.price(Side.SELL, Decimal(100), position=Decimal(0)) == Decimal(110)
    assert rules.price(Side.BUY, Decimal(100), position=ONE) is None
    assert rules.price(Side.SELL, Decimal(100), position=-ONE) is None


@dataclass(kw_only=True)
class TroubledMaker(MarketMaker):
    """Lets something go wrong just before it places its third order."""

    trouble: Callable[[], None]
    attempts: int = 0

    async def place(self, side: Side, price: Decimal) -> None:
        """Place a quote."""
        self.attempts += 1
        if self.attempts == 3:
            self.trouble()
        await super().place(side, price)


async def owned(binance: Binance) -> Decimal:
    """What the account has of the base asset, by the exchange's word."""
    account = await binance.call(AccountStatusRequest())
    return sum((each.free + each.locked for each in account.balances if each.asset == "BTC"), Decimal(0))


async def make_market(exchange: RunningExchange, rules: Rules, trouble: Callable[[], None]) -> MarketMaker:
    """Run the bot: nothing may stay in the book, and what it believes to have traded is what the exchange says."""
    key = exchange.demo_keys[0].ed25519
    async with Binance(exchange.endpoint, key, order_options=OPTIONS, recv_window=1000) as binance:
        before = await owned(binance)
        bot = TroubledMaker(binance, "BTCUSDT", rules, trouble=trouble)
        await bot.run(seconds=0.7)
        assert await binance.orders.open_orders("BTCUSDT") == []
        assert bot.position == await owned(binance) - before
    return bot


def nothing() -> None:
    """No trouble."""


def run(exchange: RunningExchange, rules: Rules | None = None, trouble: Callable[[], None] = nothing) -> MarketMaker:
    """The same, for tests that are not asynchronous."""
    return asyncio.run(make_market(exchange, rules or Rules(), trouble))


def test_it_knows_what_it_has(exchange_factory: ExchangeFactory) -> None:
    bot = run(exchange_factory(symbols=["BTCUSDT"], rate=300))

    assert bot.told["placed"] > 3
    assert bot.position != 0


def test_its_connection_is_cut_while_an_order_is_on_its_way(exchange_factory: ExchangeFactory) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)

    def cut() -> None:
        exchange.fault("drop", connection="api")
        exchange.clear_faults()

    def trouble() -> None:
        exchange.fault("delay", connection="api", seconds=5)  # the order arrives, its answer does not
        threading.Timer(0.3, cut).start()

    bot = run(exchange, RESTLESS, trouble)
    assert bot.told["unknown, was placed"] >= 1


@pytest.mark.parametrize(("done", "told"), [(True, "unknown, was placed"), (False, "unknown, was not placed")])
def test_the_exchange_does_not_know_what_became_of_an_order(
    exchange_factory: ExchangeFactory, *, done: bool, told: str
) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)
    bot = run(exchange, RESTLESS, lambda: exchange.fault("timeout", count=1, done=done))

    assert bot.told[told] == bot.told["unknown"] == 1


def test_its_orders_are_refused(exchange_factory: ExchangeFactory) -> None:
    across = Rules(distance=Decimal("-0.01"))  # as if the book it knows were behind
    bot = run(exchange_factory(symbols=["BTCUSDT"]), across)

    assert bot.told.keys() == {"refused: Order would immediately match and take."}


def test_its_account_is_empty(exchange_factory: ExchangeFactory) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], accounts=[ExchangeAccount(uid=1, balances={"USDT": "10"})])
    bot = run(exchange, RESTLESS)

    assert bot.told.keys() == {"refused: Account has insufficient balance for requested action."}


def test_it_has_no_orders_left(exchange_factory: ExchangeFactory) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300, limits=ExchangeLimits(orders=5))
    bot = run(exchange, RESTLESS)

    assert 5 <= bot.told["placed"] <= 10  # a window of ten seconds may end meanwhile
    assert bot.told["too many orders"] > 0


def test_the_exchange_asks_it_to_wait(exchange_factory: ExchangeFactory) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)
    bot = run(exchange, trouble=lambda: exchange.fault("rate_limit", count=1, seconds=0.3))

    assert bot.told["too many orders"] == 1
    assert bot.told["placed"] > 3
