"""Minutes of as many requests as the limits allow: the exchange never has to say no."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from cryptotrader.models.base_models import Side
from cryptotrader.order_stream import OrderOptions
from cryptotrader.requests import MyTradesRequest, TradesHistoricalRequest
from cryptotrader.simulator.limits import AddressLimits
from cryptotrader.simulator.order_counts import OrderCounts
from trading_pair import SYMBOL, desk
from virtual_clock import running_loop
from volume import rounds

MINUTES = rounds(3, 10)
WORKERS = 60


@pytest.fixture
def said_no(monkeypatch):
    """How often the exchange was asked for weight and orders, and how often that was too much."""
    said = Counter()

    def watch(kind, name):
        check = getattr(kind, name)

        def watched(self, *args, **options):
            excess = check(self, *args, **options)
            said[name, excess is not None] += 1
            return excess

        monkeypatch.setattr(kind, name, watched)

    watch(AddressLimits, "request")
    watch(OrderCounts, "excess")
    return said


@pytest.mark.volume
@pytest.mark.parametrize("ahead", [-3.7])
async def test_minutes_of_orders_pass_without_a_violation(said_no, ahead):
    placed = Counter()

    async def trade(binance, until):
        while running_loop().time() < until:
            order = await binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.001", price="90000")
            placed["orders"] += 1
            await order.cancel()

    options = OrderOptions(patience=600)
    async with desk(rate=1.0) as at, at.client(ahead=ahead, order_options=options) as binance:
        until = running_loop().time() + MINUTES * 60
        await asyncio.gather(*(trade(binance, until) for _ in range(WORKERS)))

    assert (said_no["request", True], said_no["excess", True]) == (0, 0)
    assert placed["orders"] > 0.95 * MINUTES * 6 * 50


@pytest.mark.volume
@pytest.mark.parametrize("ahead", [0.0, 3.7, -3.7])
@pytest.mark.parametrize("has_key", [True, False])
async def test_minutes_of_reads_pass_without_a_violation(said_no, ahead, has_key):
    read = Counter()
    request = MyTradesRequest(symbol=SYMBOL) if has_key else TradesHistoricalRequest(symbol=SYMBOL, limit=1)

    async def ask(binance, until):
        while running_loop().time() < until:
            await binance.call(request, patience=600)
            read["answers"] += 1

    async with desk(rate=1.0) as at, at.client(ahead=ahead) if has_key else at.stranger(ahead=ahead) as binance:
        until = running_loop().time() + MINUTES * 60
        await asyncio.gather(*(ask(binance, until) for _ in range(WORKERS)))

    assert (said_no["request", True], said_no["excess", True]) == (0, 0)
    assert read["answers"] > 0.95 * MINUTES * 6000 * 0.95 / request.weight  # a twentieth is kept for orders
