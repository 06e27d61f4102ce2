"""Fills that nothing has told are asked for: when, how often, and whether again."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from cryptotrader.late_fills import LateFills
from cryptotrader.models.order_models import Order, OrderStatus
from cryptotrader.placed_order import PlacedOrder
from cryptotrader.protocol.order_life import OrderLife
from virtual_clock import running_loop

SYMBOL = "BTCUSDT"


def ended_without_fills():
    order = PlacedOrder(None, OrderLife(SYMBOL, "mine"))
    order.life.take_details(
        Order(
            symbol=SYMBOL,
            order_id=1,
            order_list_id=-1,
            client_order_id="mine",
            original_quantity=Decimal(1),
            executed_quantity=Decimal(1),
            status=OrderStatus.FILLED,
            time=1,
            update_time=2,
            is_working=True,
        )
    )
    return order


async def test_fills_that_were_given_up_are_asked_for_again_when_the_order_is_told_of_again():
    begun, times = running_loop().time(), []

    async def learn(order):
        times.append(running_loop().time() - begun)

    order, late_fills = ended_without_fills(), LateFills(learn)
    late_fills.look_after(order)
    late_fills.look_after(order)
    await asyncio.sleep(200)
    assert times == pytest.approx([1, 3, 7, 15, 31, 63, 123])
    late_fills.look_after(order)
    await asyncio.sleep(5)
    assert times[7:] == pytest.approx([201, 203])
    late_fills.close()
    await asyncio.sleep(200)
    assert times[7:] == pytest.approx([201, 203])
