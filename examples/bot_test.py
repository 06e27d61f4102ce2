"""Tests of the bot in ``bot_run.py`` against the local exchange, which comes with the library as a pytest fixture.

pytest examples/bot_test.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from bot_run import CrossingBot, Signal, run_bot
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.testing import RunningExchange


def trade_at(trade_id: int, price: str) -> TradeEvent:
    """A trade made by hand: the bot's own rules need no exchange."""
    return TradeEvent(
        event_time=0,
        symbol="BTCUSDT",
        trade_id=trade_id,
        price=Decimal(price),
        quantity=Decimal(1),
        trade_time=0,
        is_buyer_maker=False,
    )


def test_it_tells_crossings_only() -> None:
    bot = CrossingBot(window=2)
    for number, price in enumerate(["10", "10", "12", "13", "9", "8"]):
        bot.take(trade_at(number, price))

    assert [(signal.trade_id, signal.is_up) for signal in bot.signals] == [(4, False)]


@dataclass(kw_only=True)
class TroubledBot(CrossingBot):
    """Lets something go wrong at its fiftieth trade."""

    trouble: Callable[[], None]

    def take(self, trade: TradeEvent) -> Signal | None:
        """Take one trade."""
        if len(self.trade_ids) == 50:
            self.trouble()
        return super().take(trade)


def assert_dense(trade_ids: list[int]) -> None:
    """Each trade was seen once, and in order."""
    assert trade_ids == list(range(trade_ids[0], trade_ids[0] + len(trade_ids)))


def test_it_misses_no_trade_when_its_connection_is_cut(exchange_factory: Callable[..., RunningExchange]) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)

    def cut() -> None:
        exchange.fault("refuse", seconds=0.3)  # nobody gets in for a moment
        exchange.fault("drop", connection="stream")

    bot = TroubledBot(window=20, trouble=cut)
    asyncio.run(run_bot(bot, exchange.endpoint, "BTCUSDT", 150))
    assert_dense(bot.trade_ids)


@pytest.mark.parametrize("fault", ["skip", "duplicate", "reorder"])
def test_frames_that_go_astray_do_not_reach_it(exchange_factory: Callable[..., RunningExchange], fault: str) -> None:
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)

    def lead_astray() -> None:
        exchange.fault(fault, stream="btcusdt@trade", probability=0.1)

    bot = TroubledBot(window=20, trouble=lead_astray)
    asyncio.run(run_bot(bot, exchange.endpoint, "BTCUSDT", 150))
    assert_dense(bot.trade_ids)


def test_after_lost_trades_it_begins_anew() -> None:
    bot = CrossingBot(window=2)
    for number, price in enumerate(["10", "10", "12"]):
        bot.take(trade_at(number, price))
    bot.forget()
    for number, price in enumerate(["9", "9", "9"], start=100):
        bot.take(trade_at(number, price))

    assert bot.signals == []
