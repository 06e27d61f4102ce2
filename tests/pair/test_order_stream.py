from __future__ import annotations

import random
from contextlib import asynccontextmanager
from decimal import Decimal

from cryptotrader.base_operations import AddressBudgets, Environment
from cryptotrader.client import Binance
from cryptotrader.config import Endpoint
from cryptotrader.credentials import Ed25519Key
from cryptotrader.models.base_models import Side
from cryptotrader.models.order_models import OrderStatus
from paper_exchange import SYMBOL, PaperExchange
from virtual_clock import running_loop

KEY = Ed25519Key.generate("paper")


@asynccontextmanager
async def trading(*keys, **options):
    """A client that trades on a paper exchange."""
    keys = keys or (KEY,)
    exchange = PaperExchange(*(key.api_key for key in keys))
    loop, budgets = running_loop(), AddressBudgets()
    environment = Environment(
        dial=exchange.dial, budgets=lambda url: budgets, random=random.Random(1).random, wall_clock=loop.wall_seconds
    )
    async with Binance(Endpoint.local(port=9443), keys[0], environment=environment, **options) as binance:
        yield binance, exchange


def buy(binance, quantity="0.5", price="50000"):
    return binance.orders.place_limit(SYMBOL, Side.BUY, quantity=quantity, price=price)


def test_an_order_is_placed_followed_and_filled(run_virtual):
    async def main():
        async with trading() as (binance, exchange):
            order = await buy(binance)
            assert order.status is OrderStatus.NEW
            assert order.client_order_id.startswith("ct-")
            assert len(order.client_order_id) == 23
            placed = exchange.account.orders[0]
            running_loop().call_later(1.0, exchange.fill, exchange.account, placed, "0.2")
            running_loop().call_later(2.0, exchange.fill, exchange.account, placed, None, "49000")
            reports = [report async for report in order]
            await order.filled(timeout=5)

            assert [report.status for report in reports] == ["NEW", "PARTIALLY_FILLED", "FILLED"]
            assert [fill.quantity for fill in order.fills] == [Decimal("0.2"), Decimal("0.3")]
            assert order.cumulative_quote_quantity == Decimal(24700)
            assert order.average_price == Decimal(49400)

    run_virtual(main)
