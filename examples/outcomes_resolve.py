"""Let answers go missing in each way, and find out what became of the order. Takes about eleven seconds.

Runs an exchange inside of this program.

python examples/outcomes_resolve.py
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

from cryptotrader import Binance, OrderOutcomeUnknown, PlacedOrder, ReplaceOutcomeUnknown, Side
from cryptotrader.requests import AvgPriceRequest
from cryptotrader.simulator import LocalExchange

SYMBOL = "BTCUSDT"
QUANTITY = Decimal("0.001")
STILL = 0.001
"""Trades a second: as good as nobody else trades."""
RECEIVE_WINDOW = 1000  # ms; nothing can take effect later than this and ten seconds after it was sent


async def place(binance: Binance, price: Decimal) -> PlacedOrder | None:
    """Place an order, whatever becomes of the answer; ``None``: it was certainly not placed."""
    try:
        return await binance.orders.place_limit(SYMBOL, Side.BUY, quantity=QUANTITY, price=price)
    except OrderOutcomeUnknown as error:
        print(f"  {error}")
        return await error.resolve()


async def cut_off(binance: Binance, exchange: LocalExchange, price: Decimal) -> PlacedOrder | None:
    """The order arrives and trades; its answer is held back until the connection breaks."""
    exchange.fault("delay", connection="api", seconds=300)
    placing = asyncio.create_task(place(binance, price + 2000))
    while not exchange.trades:  # noqa: ASYNC110 - nobody else trades here, and an exchange announces nothing
        await asyncio.sleep(0.01)
    exchange.fault("drop", connection="api")
    exchange.clear_faults()
    return await placing


async def timed_out(binance: Binance, exchange: LocalExchange, price: Decimal) -> PlacedOrder | None:
    """The exchange says that it does not know; the order was placed."""
    exchange.fault("timeout", count=1, done=True)
    return await place(binance, price)


async def lost(binance: Binance, exchange: LocalExchange, price: Decimal) -> PlacedOrder | None:
    """The exchange says that it does not know; the order was not placed."""
    exchange.fault("timeout", count=1, done=False)
    return await place(binance, price)


async def cancel(binance: Binance, exchange: LocalExchange, price: Decimal) -> PlacedOrder | None:
    """A cancellation: the order is given as it stands."""
    order = await binance.orders.place_limit(SYMBOL, Side.BUY, quantity=QUANTITY, price=price)
    exchange.fault("timeout", count=1, done=True)
    try:
        return await order.cancel()
    except OrderOutcomeUnknown as error:
        print(f"  {error}")
        return await error.resolve()


async def replace(binance: Binance, exchange: LocalExchange, price: Decimal) -> PlacedOrder | None:
    """A cancel-replace: both orders are given as they stand."""
    order = await binance.orders.place_limit(SYMBOL, Side.BUY, quantity=QUANTITY, price=price)
    exchange.fault("unexpected", count=1, done=True)
    try:
        replacement = await order.replace(quantity=QUANTITY, price=price - 1)
    except ReplaceOutcomeUnknown as error:
        print(f"  {error}")
        replacement = await error.resolve()
    print(f"  the old order is {replacement.cancelled.status}")
    return replacement.placed


ATTEMPTS: dict[str, Callable[[Binance, LocalExchange, Decimal], Awaitable[PlacedOrder | None]]] = {
    "placed and filled, and the connection cut": cut_off,
    "placed, and answered with -1007": timed_out,
    "not placed, and answered with -1007": lost,
    "cancelled, and answered with -1007": cancel,
    "replaced, and answered with -1006": replace,
}


async def suffer_each() -> None:
    """One attempt after the other."""
    async with LocalExchange([SYMBOL], rate=STILL) as exchange:
        key = exchange.demo_keys[0].ed25519
        async with Binance(exchange.endpoint, key, recv_window=RECEIVE_WINDOW) as binance:
            average = await binance.call(AvgPriceRequest(symbol=SYMBOL))
            price = average.price.quantize(Decimal("0.01")) - 1000
            await place(binance, price)  # the filters are read with the first order
            for what, attempt in ATTEMPTS.items():
                print(f"{what}:")
                began = time.monotonic()
                order = await attempt(binance, exchange, price)
                found = "no such order" if order is None else f"order {order.order_id} is {order.status}"
                print(f"  known after {time.monotonic() - began:.1f} s: {found}")


def main() -> None:
    """Read the arguments and run."""
    argparse.ArgumentParser(description="Find out what became of orders whose answers went missing.").parse_args()
    asyncio.run(suffer_each())


if __name__ == "__main__":
    main()
