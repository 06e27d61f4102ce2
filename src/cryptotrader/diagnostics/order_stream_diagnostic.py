"""Diagnose orders: testing, refusing, placing far from the market, amending, cancelling, and filling at market.

Run ``python -m cryptotrader.diagnostics.order_stream_diagnostic --help``. The key comes from the environment. On a live
exchange only orders that are not placed are tried, unless ``--allow-live-orders`` is given: then real money is used.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptotrader.client import Binance
from cryptotrader.diagnostics.far_orders import NOT_ALLOWED, FarOrders, far_orders, new_prefix
from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import TEST_SYMBOL, Finding, Trial
from cryptotrader.errors import FilterViolated, OrderRejected, RequestRejected
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.order_stream import OrderOptions


@asynccontextmanager
async def _trading(trial: Trial) -> AsyncIterator[tuple[Binance, FarOrders]]:
    """A client that trades, and what its orders need; they are cancelled and the client is closed at the end."""
    prefix = new_prefix()
    options = OrderOptions(id_prefix=prefix, round_to_filters=True, patience=trial.timeout)
    async with Binance(trial.endpoint, trial.key, order_options=options, **trial.options) as binance:
        ask = functools.partial(binance.call, patience=trial.timeout)
        async with far_orders(ask, prefix) as far:
            yield binance, far


async def test_order(trial: Trial) -> str:
    """An order is checked by the exchange without being placed."""
    async with _trading(trial) as (binance, far):
        price, quantity = far.low, far.quantity
        gtc = TimeInForce.GTC
        await binance.orders.test(
            TEST_SYMBOL, Side.BUY, OrderType.LIMIT, time_in_force=gtc, price=price, quantity=quantity
        )
        return f"{quantity:f} at {price:f} would be taken"


async def filter_violation(trial: Trial) -> str:
    """An order that breaks a filter is refused before it is sent, by the filter's name."""
    async with Binance(trial.endpoint, trial.key, **trial.options) as binance:
        try:
            await binance.orders.test(
                TEST_SYMBOL,
                Side.BUY,
                OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                price="0.000000011",
                quantity="1",
            )
        except (FilterViolated, RequestRejected) as error:
            return str(error)
    raise AssertionError("an order that breaks a filter was taken")


async def place_and_cancel(trial: Trial) -> str | Finding:
    """An order far from the market rests, is seen, and is cancelled."""
    if not trial.may_order:
        return NOT_ALLOWED
    async with _trading(trial) as (binance, far):
        price, quantity = far.low, far.quantity
        order = await binance.orders.place_limit(TEST_SYMBOL, Side.BUY, price=price, quantity=quantity)
        try:
            require(order.status is OrderStatus.NEW, f"the order is {order.status}")
            found = [each for each in await binance.orders.open_orders(TEST_SYMBOL) if each.order_id == order.order_id]
            require(len(found) == 1, "the order is not among the open ones")
        finally:
            await order.cancel()
        await order.done(trial.timeout)
        require(order.status is OrderStatus.CANCELED, f"the order is {order.status}")
        return f"order {order.order_id} was new, open and cancelled, with {len(order.reports)} reports"


async def amend(trial: Trial) -> str | Finding:
    """A resting order keeps its place with a smaller quantity."""
    if not trial.may_order:
        return NOT_ALLOWED
    async with _trading(trial) as (binance, far):
        price, quantity = far.low, far.quantity
        order = await binance.orders.place_limit(TEST_SYMBOL, Side.BUY, price=price, quantity=quantity * 2)
        try:
            await order.amend(quantity)
            require(order.quantity == quantity, f"the quantity is {order.quantity}")
        finally:
            await order.cancel()
        return f"order {order.order_id} was reduced to {quantity:f} and cancelled"


async def duplicate_id(trial: Trial) -> str | Finding:
    """A client order id that is in use is refused."""
    if not trial.may_order:
        return NOT_ALLOWED
    async with _trading(trial) as (binance, far):
        price, quantity = far.low, far.quantity
        order = await binance.orders.place_limit(TEST_SYMBOL, Side.BUY, price=price, quantity=quantity)
        try:
            again = await binance.orders.place_limit(
                TEST_SYMBOL, Side.BUY, price=price, quantity=quantity, new_client_order_id=order.client_order_id
            )
        except OrderRejected as error:
            return str(error)
        finally:
            await order.cancel()
    await again.cancel()
    raise AssertionError("two orders of one client order id were taken")


async def fill(trial: Trial) -> str | Finding:
    """A market order is filled, and its events agree with its answer."""
    if not trial.may_order:
        return NOT_ALLOWED
    async with _trading(trial) as (binance, far):
        quantity = far.quantity
        bought = await binance.orders.place_market(TEST_SYMBOL, Side.BUY, quantity=quantity)
        await bought.filled(trial.timeout)
        require(sum(each.quantity for each in bought.fills) == quantity, "the fills do not sum up to the order")
        sold = await binance.orders.place_market(TEST_SYMBOL, Side.SELL, quantity=quantity)
        await sold.done(trial.timeout)
        return f"{quantity:f} bought at {bought.average_price:f} and sold at {sold.average_price or 0:f}"


SCRIPT = Script(
    feature="Order stream",
    tests={
        "test_order": test_order,
        "filter_violation": filter_violation,
        "place_and_cancel": place_and_cancel,
        "amend": amend,
        "duplicate_id": duplicate_id,
        "fill": fill,
    },
    needs_key=True,
    places_orders=True,
)

if __name__ == "__main__":
    sys.exit(run_script(SCRIPT))
