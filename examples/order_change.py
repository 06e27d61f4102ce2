"""Reduce, replace, cancel and iterate an order; round to the filters, and meet refusals before and after sending.

Runs an exchange inside of this program.

python examples/order_change.py
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from cryptotrader import (
    Binance,
    FilterViolated,
    OrderNotFilled,
    OrderOptions,
    OrderRejected,
    OrderType,
    ReplacePartiallyApplied,
    RequestInvalid,
    Side,
)
from cryptotrader.models.order_models import CancelReplaceMode
from cryptotrader.requests import AvgPriceRequest
from cryptotrader.simulator import LocalExchange

SYMBOL = "BTCUSDT"


async def change(binance: Binance, price: Decimal) -> None:
    """What can be done with an order that rests."""
    order = await binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.005", price=price)
    await order.amend("0.003")  # less only; it keeps its place in the queue
    print(f"amended: {order.quantity} at {order.price}, {order.status}")

    replacement = await order.replace(quantity="0.004", price=price - 10)  # cancelled, and another one placed
    if replacement.placed is None:
        return
    new = replacement.placed
    print(f"replaced: {replacement.cancelled.status}, now {new.quantity} at {new.price}, {new.status}")

    try:
        await order.replace(quantity="0.004", price=price, cancel_replace_mode=CancelReplaceMode.ALLOW_FAILURE)
    except ReplacePartiallyApplied as error:
        print(f"one half only: cancelled {error.cancelled is not None}, placed {error.placed is not None}")
    await binance.orders.cancel_all(SYMBOL)  # lists too, and whoever placed them

    async for report in new:  # from the first to the one that ended it
        print(f"  {report.status}, {report.executed_quantity} of {report.quantity} executed")
    try:
        await new.filled()
    except OrderNotFilled as error:
        print(f"not filled: {error.status}, {error.executed_quantity} executed")


async def meet_refusals(binance: Binance, price: Decimal) -> None:
    """What is wrong with an order is told before it is sent, as far as the order itself tells it."""
    orders = binance.orders
    for quantity, limit in (("0.0012345678", price), ("0.001", Decimal("1.005")), ("0.00001", price)):
        try:
            await orders.place_limit(SYMBOL, Side.BUY, quantity=quantity, price=limit)
        except FilterViolated as error:
            print(f"not sent, filter {error.filter}: {error}")
    try:
        await orders.place(SYMBOL, Side.SELL, OrderType.STOP_LOSS, quantity="0.001")
    except RequestInvalid as error:
        print(f"not sent: {error}")
    try:
        await orders.place_limit_maker(SYMBOL, Side.BUY, quantity="0.001", price=price * 2)
    except OrderRejected as error:
        print(f"refused: code {error.code}, {error.reason}")
    tested = await orders.test(SYMBOL, Side.BUY, OrderType.MARKET, quantity="0.001", compute_commission_rates=True)
    if tested.standard_commission_for_order is not None:
        print(f"tested, not placed: a taker pays {tested.standard_commission_for_order.taker}")


async def show() -> None:
    """All of it, with rounding and without."""
    async with LocalExchange([SYMBOL]) as exchange:
        key = exchange.demo_keys[0].ed25519
        async with Binance(exchange.endpoint, key) as binance:
            average = await binance.call(AvgPriceRequest(symbol=SYMBOL))
            price = average.price.quantize(Decimal("0.01")) - 1000
            await change(binance, price)
            await meet_refusals(binance, price)
        async with Binance(exchange.endpoint, key, order_options=OrderOptions(round_to_filters=True)) as binance:
            order = await binance.orders.place_limit(
                SYMBOL, Side.BUY, quantity="0.0012345678", price=price + Decimal("0.0049")
            )
            print(f"rounded: {order.quantity} at {order.price}")


def main() -> None:
    """Read the arguments and run."""
    argparse.ArgumentParser(description="Reduce, replace, cancel and iterate an order.").parse_args()
    asyncio.run(show())


if __name__ == "__main__":
    main()
