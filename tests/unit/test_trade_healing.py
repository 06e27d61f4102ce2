from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptotrader import trade_healing
from cryptotrader.errors import ConnectFailed
from cryptotrader.models.market_models import Trade, TradeEvent
from cryptotrader.trade_healing import TradeHealer


def event(number, symbol="X", time=None):
    return TradeEvent(
        event_time=1, symbol=symbol, trade_id=number, price=Decimal(1), quantity=Decimal(1),
        trade_time=number if time is None else time, is_buyer_maker=True,
    )  # fmt: skip


def past(number):
    return Trade(
        id=number, price=Decimal(1), quantity=Decimal(1), quote_quantity=Decimal(1), time=number,
        is_buyer_maker=True, is_best_match=True,
    )  # fmt: skip


class Exchange:
    """Knows all trades but ``absent`` and fails the first ``failures`` requests."""

    def __init__(self, absent=(), failures=0):
        self.absent = set(absent)
        self.failures = failures
        self.asked = []

    async def fetch(self, symbol, first, count):
        self.asked.append((symbol, first, count))
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise ConnectFailed("refused")
        return [past(number) for number in range(first, first + count) if number not in self.absent]


def make(exchange, hold=1000):
    delivered, gaps = [], []
    healer = TradeHealer(
        exchange.fetch,
        deliver=lambda trade, ns: delivered.append((trade.symbol, trade.trade_id)),
        on_gap=lambda gap, ns: gaps.append((gap.first, gap.last)),
        hold=hold,
    )
    return healer, delivered, gaps


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch):
    monkeypatch.setattr(trade_healing, "RETRY_DELAYS", (0.0, 0.0, 0.0))


async def settled(healer):
    for _ in range(200):
        await asyncio.sleep(0)
    healer.close()
    await healer.wait_closed()


async def test_a_hole_is_filled_in_order_while_other_symbols_go_on():
    healer, delivered, gaps = make(Exchange())
    for trade in (event(1), event(5), event(1, "Y"), event(6), event(2, "Y")):
        healer.put(trade, 0)
    assert delivered == [("X", 1), ("Y", 1), ("Y", 2)]

    await settled(healer)
    assert [number for symbol, number in delivered if symbol == "X"] == [1, 2, 3, 4, 5, 6]
    assert gaps == []


async def test_long_holes_take_several_requests():
    exchange = Exchange()
    healer, delivered, _ = make(exchange)
    healer.put(event(1), 0)
    healer.put(event(2503), 0)
    await settled(healer)

    assert [number for _, number in delivered] == list(range(1, 2504))
    assert exchange.asked == [("X", 2, 1000), ("X", 1002, 1000), ("X", 2002, 501)]


async def test_what_the_exchange_has_not_is_a_gap():
    healer, delivered, gaps = make(Exchange(absent={3, 4}))
    healer.put(event(1), 0)
    healer.put(event(6), 0)
    await settled(healer)

    assert [number for _, number in delivered] == [1, 2, 5, 6]
    assert gaps == [(3, 4)]


async def test_failed_requests_are_tried_again_and_then_given_up():
    healer, delivered, gaps = make(Exchange(failures=2))
    healer.put(event(1), 0)
    healer.put(event(3), 0)
    await settled(healer)
    assert [number for _, number in delivered] == [1, 2, 3]

    healer, delivered, gaps = make(Exchange(failures=99))
    healer.put(event(1), 0)
    healer.put(event(3), 0)
    await settled(healer)
    assert [number for _, number in delivered] == [1, 3]
    assert gaps == [(2, 2)]


async def test_doubles_are_dropped_and_a_new_numbering_is_followed():
    healer, delivered, _ = make(Exchange())
    for trade in (event(100), event(101), event(100), event(101), event(7, time=500), event(8, time=501)):
        healer.put(trade, 0)

    assert [number for _, number in delivered] == [100, 101, 7, 8]


async def test_holding_is_bounded():
    healer, delivered, gaps = make(Exchange(failures=99), hold=3)
    healer.put(event(1), 0)
    for number in (3, 4, 5):
        healer.put(event(number), 0)

    assert [number for _, number in delivered] == [1, 3, 4, 5]
    assert gaps == [(2, 2)]
    healer.close()
    await healer.wait_closed()


@settings(max_examples=60)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_whatever_arrives_the_result_is_dense(numbers):
    async def run():
        healer, delivered, gaps = make(Exchange())
        for number in numbers:
            healer.put(event(number, time=1), 0)
            await asyncio.sleep(0)
        await settled(healer)
        return delivered, gaps

    trade_healing.RETRY_DELAYS = (0.0,)
    delivered, gaps = asyncio.run(run())

    assert [number for _, number in delivered] == list(range(numbers[0], max(*numbers, numbers[0]) + 1))
    assert gaps == []
